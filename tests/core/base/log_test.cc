// A log line is one line whatever bytes a peer put into it; a call site cannot flood the log; and
// neither a written nor a suppressed line allocates.

#include "core/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/allocations.h"

namespace core {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class KeptLines final : public LogSink {
 public:
  void Write(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

class CountedLines final : public LogSink {
 public:
  void Write(std::string_view) override { ++count; }
  size_t count = 0;
};

class LogTest : public testing::Test {
 protected:
  LogTest() { logger_.SetTime(now_, WallTime{1'769'903'999'000'001}); }

  // The line without its time, level and event.
  std::string OnlyLine() {
    EXPECT_THAT(sink_.lines, SizeIs(1));
    if (sink_.lines.empty()) return {};
    const std::string line = sink_.lines[0];
    sink_.lines.clear();
    const std::string head = "time=2026-01-31T23:59:59.000001Z level=info event=test";
    EXPECT_EQ(line.substr(0, head.size()), head);
    return line.substr(head.size());
  }

  KeptLines sink_;
  Logger logger_{&sink_, LogLevel::kInfo};
  LogSite site_{LogLevel::kInfo, "test", 3};
  Instant now_ = Instant{} + std::chrono::hours(1);
};

TEST_F(LogTest, WritesKeysAndValuesOnOneLine) {
  LogLine(&logger_, &site_)
      .Text("call_id", "a84b4c76e66710@pc33.atlanta.com")
      .Number("code", 503)
      .Number("delta", int64_t{-9'000'000'000})
      .Flag("early", true)
      .Milliseconds("setup_ms", std::chrono::microseconds(1'234'567));

  EXPECT_EQ(OnlyLine(),
            " call_id=a84b4c76e66710@pc33.atlanta.com code=503 delta=-9000000000 early=true"
            " setup_ms=1234.567\n");
}

TEST_F(LogTest, MillisecondsKeepTheirSignAndZeros) {
  LogLine(&logger_, &site_)
      .Milliseconds("a_ms", std::chrono::microseconds(-50))
      .Milliseconds("b_ms", milliseconds(7))
      .Milliseconds("c_ms", Duration::min());

  EXPECT_EQ(OnlyLine(), " a_ms=-0.050 b_ms=7.000 c_ms=-9223372036854.775\n");
}

TEST_F(LogTest, HostileBytesCannotForgeALineOrAKey) {
  LogLine(&logger_, &site_)
      .Text("from", "\"x\" \\ <sip:a@b>\r\nlevel=error event=forged \x1b[2J\x7f\xff")
      .Text("zero", std::string_view("\0", 1))
      .Text("empty", "")
      .Text("pair", "a=b");

  EXPECT_EQ(OnlyLine(),
            " from=\"\\\"x\\\" \\\\ <sip:a@b>\\x0d\\x0alevel=error event=forged"
            " \\x1b[2J\\x7f\\xff\" zero=\"\\x00\" empty=\"\" pair=\"a=b\"\n");
}

TEST_F(LogTest, EveryByteStaysOnTheLine) {
  for (int byte = 0; byte < 256; ++byte) {
    LogSite unlimited(LogLevel::kInfo, "test", UINT32_MAX);
    LogLine(&logger_, &unlimited).Text("value", std::string(1, static_cast<char>(byte)));
    const std::string line = OnlyLine();
    for (size_t i = 0; i + 1 < line.size(); ++i) {
      ASSERT_TRUE(line[i] >= 0x20 && line[i] < 0x7f) << byte;
    }
    ASSERT_EQ(line.back(), '\n');
  }
}

TEST_F(LogTest, ALongValueIsCutAndTheNextOnesAreKept) {
  LogLine(&logger_, &site_).Text("from", std::string(LogLine::kBytesMax, 'x')).Number("code", 503);

  EXPECT_EQ(OnlyLine(),
            " from=" + std::string(LogLine::kValueMax, 'x') + " code=503 truncated=true\n");
}

// Quotes and escapes make a value up to four times as long: all sizes about the line's end.
TEST_F(LogTest, NoLineIsLongerThanItsMaximum) {
  for (size_t size = 0; size <= LogLine::kValueMax; ++size) {
    LogSite unlimited(LogLevel::kInfo, "test", UINT32_MAX);
    LogLine(&logger_, &unlimited)
        .Text("a", std::string(LogLine::kValueMax, '\n'))
        .Text("b", std::string(size, 'x'))
        .Text("c", std::string(200, '\n'))
        .Number("n", 12345);
    const std::string& line = sink_.lines.back();
    ASSERT_LE(line.size(), LogLine::kBytesMax);
    ASSERT_EQ(line.back(), '\n');
    const bool whole = line.find(" n=12345\n") != std::string::npos;
    ASSERT_NE(whole, line.find(" truncated=true\n") != std::string::npos) << line;
  }
  EXPECT_THAT(sink_.lines.front(), EndsWith(" n=12345\n"));
  EXPECT_THAT(sink_.lines.back(), EndsWith(" truncated=true\n"));
}

TEST_F(LogTest, LinesUnderTheLeastLevelAreNotWritten) {
  LogSite debug(LogLevel::kDebug, "detail"), error(LogLevel::kError, "broken");
  LogLine(&logger_, &debug).Number("n", 1);
  LogLine(&logger_, &error).Number("n", 2);
  logger_.SetLeast(LogLevel::kDebug);
  LogLine(&logger_, &debug).Number("n", 3);

  EXPECT_THAT(sink_.lines, ElementsAre(EndsWith(" level=error event=broken n=2\n"),
                                       EndsWith(" level=debug event=detail n=3\n")));
}

TEST_F(LogTest, ASiteSpeaksSoOftenASecondAndThenSaysWhatItHeldBack) {
  for (int i = 0; i < 10; ++i) LogLine(&logger_, &site_).Number("n", i);
  EXPECT_THAT(sink_.lines, SizeIs(3));

  LogSite other(LogLevel::kInfo, "other", 3);  // Each site counts for itself.
  LogLine(&logger_, &other).Number("n", 1);
  EXPECT_THAT(sink_.lines, SizeIs(4));

  logger_.SetTime(now_ + milliseconds(999), {});
  LogLine(&logger_, &site_).Number("n", 10);
  EXPECT_THAT(sink_.lines, SizeIs(4));

  logger_.SetTime(now_ + milliseconds(1'000), {});
  LogLine(&logger_, &site_).Number("n", 11);
  LogLine(&logger_, &site_).Number("n", 12);
  ASSERT_THAT(sink_.lines, SizeIs(6));
  EXPECT_THAT(sink_.lines[4], HasSubstr(" event=test suppressed=8 n=11\n"));
  EXPECT_THAT(sink_.lines[5], HasSubstr(" event=test n=12\n"));
}

TEST_F(LogTest, DoesNotAllocate) {
  CountedLines sink;
  Logger logger(&sink, LogLevel::kInfo);
  const size_t before = Allocations();
  for (int i = 0; i < 100; ++i) {
    LogLine(&logger, &site_).Text("call_id", "quoted \n text").Number("n", i);
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(sink.count, 3u);
}

TEST(FileLogSinkTest, AppendsAndFollowsARotatedFile) {
  const std::string path = testing::TempDir() + "/log_test." + std::to_string(getpid());
  const auto read = [](const std::string& from) {
    std::ifstream file(from);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  FileLogSink sink;
  ASSERT_TRUE(sink.Open(path).ok());
  sink.Write("one\n");
  std::filesystem::rename(path, path + ".1");
  sink.Write("two\n");
  ASSERT_TRUE(sink.Open(path).ok());
  sink.Write("three\n");

  EXPECT_EQ(read(path + ".1"), "one\ntwo\n");
  EXPECT_EQ(read(path), "three\n");
  EXPECT_EQ(sink.lost(), 0u);
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".1");
}

TEST(FileLogSinkTest, SaysWhichFileCannotBeWritten) {
  FileLogSink sink;
  const absl::Status status = sink.Open("/nonexistent/ringfence.log");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/ringfence.log"));
}

TEST(FileLogSinkTest, CountsWhatTheSystemRefuses) {
  FileLogSink sink;
  ASSERT_TRUE(sink.Open("/dev/full").ok());
  sink.Write("lost\n");
  EXPECT_EQ(sink.lost(), 1u);
}

}  // namespace
}  // namespace core

// Goal: lines are gathered for a second or 64 kB, follow a rotated file, and what cannot be
// written is lost with a count and stops nothing (rule 27 of the SBC's rules; style section 6).

#include "sbc/control/record_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "core/base/log.h"
#include "sbc/control/records.h"
#include "tests/sbc/control/record_bed.h"

namespace sbc {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

constexpr core::Instant kStart = core::Instant() + 1000s;

class RecordFileTest : public testing::Test {
 protected:
  RecordFileTest() {
    char name[] = "/tmp/record_file_test.XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    folder_ = name;
  }
  ~RecordFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  std::string Read(std::string_view name) const {
    std::ifstream in(Path(name));
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static void Add(std::string_view line, core::Instant now, RecordFile* file) {
    file->line()->append(line);
    file->Commit(now);
  }

  std::string folder_;
};

TEST_F(RecordFileTest, LinesLeaveAfterASecondOrAtTheEnd) {
  {
    RecordFile file;
    ASSERT_TRUE(file.Open(Path("a")).ok());
    EXPECT_EQ(file.next_due(), core::kNever);
    Add("one\n", kStart, &file);
    Add("two\n", kStart + 900ms, &file);
    EXPECT_EQ(file.next_due(), kStart + 1s);
    file.FlushIfDue(kStart + 999ms);
    EXPECT_EQ(Read("a"), "");
    file.FlushIfDue(kStart + 1s);
    EXPECT_EQ(Read("a"), "one\ntwo\n");
    EXPECT_EQ(file.next_due(), core::kNever);
    Add("three\n", kStart + 2s, &file);
  }
  EXPECT_EQ(Read("a"), "one\ntwo\nthree\n");
}

TEST_F(RecordFileTest, ManyLeaveAtOnce) {
  RecordFile file;
  ASSERT_TRUE(file.Open(Path("a")).ok());
  const std::string line = std::string(1023, 'x') + "\n";
  for (int i = 0; i < 63; ++i) Add(line, kStart, &file);
  EXPECT_EQ(Read("a").size(), 0u);
  Add(line, kStart, &file);
  EXPECT_EQ(Read("a").size(), RecordFile::kBufferMax);
}

TEST_F(RecordFileTest, OpeningAgainFollowsARotatedFile) {
  RecordFile file;
  ASSERT_TRUE(file.Open(Path("a")).ok());
  Add("before\n", kStart, &file);
  std::filesystem::rename(Path("a"), Path("a.1"));
  ASSERT_TRUE(file.Open(Path("a")).ok());
  Add("after\n", kStart, &file);
  file.Flush();
  EXPECT_EQ(Read("a.1"), "before\n");
  EXPECT_EQ(Read("a"), "after\n");

  // Where that fails, the file of before goes on.
  std::filesystem::remove_all(Path("b"));
  EXPECT_FALSE(file.Open(Path("b/a")).ok());
  Add("still\n", kStart, &file);
  file.Flush();
  EXPECT_EQ(Read("a"), "after\nstill\n");
}

TEST_F(RecordFileTest, AFullDiskLosesLinesWithACount) {
  RecordFile file;
  ASSERT_TRUE(file.Open("/dev/full").ok());
  Add("one\n", kStart, &file);
  Add("two\n", kStart, &file);
  file.Flush();
  EXPECT_EQ(file.lost(), 2u);
  EXPECT_EQ(file.lines(), 2u);
  EXPECT_EQ(file.error(), ENOSPC);
  Add("three\n", kStart, &file);
  EXPECT_EQ(file.next_due(), kStart + 1s);  // It goes on trying.
}

// RLIMIT_FSIZE stands for a disk that fills in the middle of a line.
TEST_F(RecordFileTest, PartOfALineIsTakenBack) {
  RecordFile file;
  ASSERT_TRUE(file.Open(Path("a")).ok());
  const auto ignore = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit tight = {6, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  Add("one\ntwo\n", kStart, &file);
  file.Flush();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  (void)std::signal(SIGXFSZ, ignore);
  EXPECT_EQ(file.lost(), 1u);
  Add("three\n", kStart, &file);
  file.Flush();
  EXPECT_EQ(Read("a"), "one\nthree\n");
}

// So is the one that a killed run left, or that was open while its disk was full: opened anew, the
// first good record would else be lost with the torn one.
TEST_F(RecordFileTest, PartOfALineOfARunBeforeIsEndedToo) {
  {
    RecordFile file;
    ASSERT_TRUE(file.Open(Path("a")).ok());
    Add("one\ntw", kStart, &file);
  }
  for (const char* line : {"three\n", "four\n"}) {
    RecordFile file;
    ASSERT_TRUE(file.Open(Path("a")).ok());
    Add(line, kStart, &file);
  }
  EXPECT_EQ(Read("a"), "one\ntw\nthree\nfour\n");
}

// Standard error is often a pipe, and whoever reads it may be slow: we never wait for it.
TEST_F(RecordFileTest, AFullPipeLosesLinesAndDoesNotBlock) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const int saved = dup(STDERR_FILENO);
  ASSERT_EQ(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
  uint64_t lost = 0;
  {
    RecordFile file;
    const std::string line = std::string(999, 'x') + "\n";
    for (int i = 0; i < 200; ++i) Add(line, kStart, &file);
    file.Flush();
    lost = file.lost();
  }
  ASSERT_EQ(dup2(saved, STDERR_FILENO), STDERR_FILENO);
  close(saved);
  close(ends[1]);
  std::string got;
  char bytes[4096];
  for (ssize_t size; (size = read(ends[0], bytes, sizeof(bytes))) > 0;) {
    got.append(bytes, static_cast<size_t>(size));
  }
  close(ends[0]);
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(got.size(), (200 - lost) * 1000);  // Whole lines only.
}

class Lines final : public core::LogSink {
 public:
  void Write(std::string_view line) override { text.append(line); }
  std::string text;
};

TEST_F(RecordFileTest, ACallHasItsLineAndItsCdr) {
  Lines lines;
  core::Logger log(&lines, core::LogLevel::kInfo);
  Records records(&log);
  ASSERT_TRUE(records.Open(folder_).ok());
  records.OnCall({.call = InboundRecord(), .media = {}}, kStart);
  EXPECT_EQ(records.next_due(), kStart + 1s);
  records.OnTime(kStart + 1s);
  EXPECT_EQ(Read("calls.log").substr(0, 5), "time=");
  EXPECT_EQ(Read("cdr.jsonl").substr(0, 16), "{\"AwsAccountId\":");
  EXPECT_EQ(lines.text, "");

  EXPECT_EQ(Read("media.jsonl"), "");  // It had none, and nobody asked.

  const absl::Status status = records.Open(folder_ + "/none");
  EXPECT_NE(std::string(status.message()).find("/none/calls.log: cannot be written: "),
            std::string::npos);
}

// After a rotation each log is tried, whatever became of those before it, and says for itself
// whether it could not be opened.
TEST_F(RecordFileTest, ALogThatCannotBeReopenedGoesOnAndIsKnown) {
  Lines lines;
  core::Logger log(&lines, core::LogLevel::kInfo);
  Records records(&log);
  ASSERT_TRUE(records.Open(folder_).ok());
  for (const char* name : {"calls.log", "cdr.jsonl"}) {
    std::filesystem::rename(Path(name), Path(name) + "-20261127");
  }
  std::filesystem::create_directory(Path("calls.log"));
  const absl::Status status = records.Open(folder_);
  EXPECT_NE(std::string(status.message()).find("/calls.log: cannot be written: "),
            std::string::npos);
  EXPECT_TRUE(records.lines_behind());
  EXPECT_FALSE(records.cdrs_behind());
  EXPECT_FALSE(records.media_behind());
  EXPECT_FALSE(records.sip_behind());
  records.OnCall({.call = InboundRecord(), .media = {}}, kStart);
  records.Flush();
  EXPECT_EQ(Read("calls.log-20261127").substr(0, 5), "time=");
  EXPECT_EQ(Read("cdr.jsonl").substr(0, 16), "{\"AwsAccountId\":");
  EXPECT_EQ(Read("cdr.jsonl-20261127"), "");

  std::filesystem::remove(Path("calls.log"));
  ASSERT_TRUE(records.Open(folder_).ok());
  EXPECT_FALSE(records.lines_behind());
}

// A loss is told once a minute, however many there are.
TEST_F(RecordFileTest, LossesAreToldOnceAMinute) {
  Lines lines;
  core::Logger log(&lines, core::LogLevel::kInfo);
  Records records(&log);
  for (const char* name : {"calls.log", "cdr.jsonl", "media.jsonl", "sip.jsonl"}) {
    std::filesystem::create_symlink("/dev/full", Path(name));
  }
  ASSERT_TRUE(records.Open(folder_).ok());
  records.Configure(MediaLoggedConfig());
  const auto lose = [&](core::Instant now) {
    log.SetTime(now, {});
    records.OnCall(InboundReport(), now);
    records.OnMinute(InboundReport(), now);
    records.OnSipMessage({.connector_id = "a", .at = {}, .message = "BYE"}, now);
    records.Flush();
    records.OnTime(now);
    return std::count(lines.text.begin(), lines.text.end(), '\n');
  };
  EXPECT_EQ(lose(kStart), 1);
  EXPECT_EQ(lose(kStart + 59s), 1);
  EXPECT_EQ(lose(kStart + 1min), 2);
  EXPECT_EQ(records.cdrs_lost(), 3u);
  EXPECT_NE(lines.text.find("call_lines=3 cdrs=3 media=6 sip=3 error=\"No space left on device\""),
            std::string::npos)
      << lines.text;
  EXPECT_EQ(lose(kStart + 61s), 2);
  records.Close();  // What was lost since is told at the end, and once.
  records.Close();
  EXPECT_EQ(std::count(lines.text.begin(), lines.text.end(), '\n'), 3);
}

}  // namespace
}  // namespace sbc

#include "loadgen/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "core/base/concat.h"

// Files that the command line names, of every kind that a shell lets one name.

namespace loadgen {
namespace {

using ::testing::HasSubstr;

std::string Error(const std::string& path, size_t bytes_max) {
  const absl::StatusOr<std::string> text = ReadTextFile(path, bytes_max);
  EXPECT_FALSE(text.ok()) << path;
  return std::string(text.status().message());
}

TEST(TextFileTest, ReadsAllBytesUpToTheLimit) {
  const std::string path = core::Concat(testing::TempDir(), "/text_", getpid());
  const std::string text = std::string(200'000, 'a') + std::string("\0\r\n", 3);
  std::ofstream(path, std::ios::binary) << text;
  const absl::StatusOr<std::string> read = ReadTextFile(path, text.size());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, text);
  EXPECT_EQ(Error(path, text.size() - 1), core::Concat(path, ": wanted at most 200002 bytes"));
  EXPECT_EQ(unlink(path.c_str()), 0);
}

// A folder opens like a file, and reading it is what fails. A device that never ends is a file too
// long.
TEST(TextFileTest, SaysWhatCannotBeRead) {
  EXPECT_EQ(Error("/nonexistent/a.xml", 10),
            "/nonexistent/a.xml: cannot be read: No such file or directory");
  EXPECT_EQ(Error(testing::TempDir(), 10),
            core::Concat(testing::TempDir(), ": cannot be read: Is a directory"));
  EXPECT_THAT(Error("/dev/zero", 100'000), HasSubstr("/dev/zero: wanted at most 100000 bytes"));
  EXPECT_EQ(ReadTextFile("/dev/null", 10).value(), "");
}

}  // namespace
}  // namespace loadgen

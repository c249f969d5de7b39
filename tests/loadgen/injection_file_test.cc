// Injection files (-inf) by SIPp's rules: the words of the first line, `;` between fields,
// comments, the end at an empty line, PRINTF, and an index for lookups.

#include "loadgen/injection_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "core/base/concat.h"

namespace loadgen {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<InjectionFile> Parse(const std::string& text) {
  absl::StatusOr<std::unique_ptr<InjectionFile>> file = InjectionFile::Parse(text, "dir/f.csv");
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : nullptr;
}

std::string Error(const std::string& text) {
  return std::string(InjectionFile::Parse(text, "f.csv").status().message());
}

std::string FieldOf(const InjectionFile& file, size_t line, size_t field) {
  char memory[64];
  core::sip::TextWriter out{memory};
  return file.WriteField(line, field, &out) ? std::string(out.text()) : "(none)";
}

TEST(InjectionFileTest, FieldsLinesAndComments) {
  const auto file = Parse("SEQUENTIAL\r\n#no\r\na;b;;d\r\ne\r\n\r\nbehind the end\r\n");
  EXPECT_EQ(file->name(), "f.csv");
  ASSERT_EQ(file->line_count(), 2u);
  EXPECT_EQ(FieldOf(*file, 0, 0), "a");
  EXPECT_EQ(FieldOf(*file, 0, 2), "");
  EXPECT_EQ(FieldOf(*file, 0, 3), "d");
  EXPECT_EQ(FieldOf(*file, 0, 4), "(none)");
  EXPECT_EQ(FieldOf(*file, 1, 0), "e");
  EXPECT_EQ(FieldOf(*file, 2, 0), "(none)");
}

TEST(InjectionFileTest, SequentialGoesRound) {
  const auto file = Parse("SEQUENTIAL\na\nb\nc");
  core::Random random(1);
  uint32_t cursor = 0;
  std::vector<uint32_t> lines;
  for (int i = 0; i < 4; ++i) lines.push_back(*file->NextLine(&cursor, 0, &random));
  EXPECT_THAT(lines, ::testing::ElementsAre(0, 1, 2, 0));
}

TEST(InjectionFileTest, RandomReachesEachLine) {
  const auto file = Parse("RANDOM\na\nb\nc");
  core::Random random(1);
  uint32_t cursor = 0;
  std::set<uint32_t> lines;
  for (int i = 0; i < 100; ++i) lines.insert(*file->NextLine(&cursor, 0, &random));
  EXPECT_EQ(lines.size(), 3u);
}

// Who is no user has no line either, which is no fault of the file: its fields are empty (SIPp).
TEST(InjectionFileTest, UserHasItsLineOrNone) {
  const auto file = Parse("USER\na\nb");
  core::Random random(1);
  uint32_t cursor = 0;
  EXPECT_EQ(file->NextLine(&cursor, 2, &random), 1u);
  EXPECT_FALSE(file->NextLine(&cursor, 3, &random));
  const auto none = file->NextLine(&cursor, 0, &random);
  ASSERT_TRUE(none);
  EXPECT_EQ(FieldOf(*file, *none, 0), "(none)");
}

TEST(InjectionFileTest, PrintfMakesLines) {
  const auto file =
      Parse("SEQUENTIAL,PRINTF=1000,PRINTFOFFSET=-2,PRINTFMULTIPLE=3\n%d;%05d;%%%3d%x");
  EXPECT_EQ(file->line_count(), 1000u);
  EXPECT_EQ(FieldOf(*file, 0, 0), "-2");
  EXPECT_EQ(FieldOf(*file, 0, 1), "-0002");
  EXPECT_EQ(FieldOf(*file, 4, 0), "10");
  EXPECT_EQ(FieldOf(*file, 4, 1), "00010");
  EXPECT_EQ(FieldOf(*file, 4, 2), "% 10%x");
}

// A number that 64 bits do not hold is refused, in whichever line it would stand.
TEST(InjectionFileTest, PrintfNumbersFit) {
  const std::string highest = "9223372036854775807";
  const auto file = Parse("USER,PRINTF=8,PRINTFOFFSET=9223372036854775800\n%d");
  EXPECT_EQ(FieldOf(*file, 7, 0), highest);
  EXPECT_EQ(Error("USER,PRINTF=9,PRINTFOFFSET=9223372036854775800\n%d"),
            "f.csv:1: PRINTFOFFSET=9223372036854775800 and PRINTFMULTIPLE=1: wanted numbers of at "
            "most 9223372036854775807, and at least -9223372036854775808, in all 9 lines");
  EXPECT_THAT(Error("USER,PRINTF=3,PRINTFMULTIPLE=" + highest + "\n%d"),
              HasSubstr("f.csv:1: PRINTFOFFSET=0 and PRINTFMULTIPLE=9223372036854775807: wanted"));
  EXPECT_THAT(Error("USER,PRINTF=2,PRINTFOFFSET=-9223372036854775808,PRINTFMULTIPLE=-1\n%d"),
              HasSubstr("PRINTFOFFSET=-9223372036854775808 and PRINTFMULTIPLE=-1: wanted"));
  EXPECT_THAT(Error("USER,PRINTF=2,PRINTFOFFSET=9223372036854775808\n%d"),
              HasSubstr("f.csv:1: PRINTFOFFSET=9223372036854775808: wanted a whole number"));
  EXPECT_EQ(Error("USER,PRINTFOFFSET=" + highest + "\n%d"), "");  // It stands nowhere.
}

TEST(InjectionFileTest, Lookup) {
  const auto file = Parse("SEQUENTIAL\nx;alice\ny;bob\nz;alice\n");
  EXPECT_FALSE(file->indexed());
  ASSERT_TRUE(file->Index(1).ok());
  EXPECT_EQ(file->Lookup("bob"), 1u);
  EXPECT_EQ(file->Lookup("alice"), 2u);
  EXPECT_FALSE(file->Lookup("carol"));
  EXPECT_FALSE(file->Index(2).ok());
}

TEST(InjectionFileTest, SaysWhatIsWrong) {
  EXPECT_THAT(Error("a;b\n"), HasSubstr("f.csv:1: \"a;b\": wanted SEQUENTIAL, RANDOM or USER"));
  EXPECT_THAT(Error("USER\n"), HasSubstr("has no values"));
  EXPECT_THAT(Error(""), HasSubstr("wanted SEQUENTIAL"));
  EXPECT_THAT(Error("USER,PRINTF=x\na"), HasSubstr("PRINTF=x: wanted a whole number"));
  EXPECT_THAT(Error("USER,PRINTF=0\na"), HasSubstr("wanted a number of lines"));
  EXPECT_THAT(Error("USER,FOO=1\na"), HasSubstr("wanted PRINTF="));
}

// What cannot be a file of values is refused before it is read: a device would never end.
TEST(InjectionFileTest, ReadsRegularFilesUpToALimit) {
  const auto error = [](const std::string& path) {
    return std::string(InjectionFile::Read(path).status().message());
  };
  EXPECT_THAT(error("/nonexistent/f"), HasSubstr("cannot be read"));
  EXPECT_EQ(error("/dev/zero"),
            "/dev/zero: is a device or a pipe; wanted a regular file of at most 4294967295 bytes");
  EXPECT_THAT(error(testing::TempDir()),
              HasSubstr("is a directory; wanted a regular file of at most 4294967295 bytes"));

  const std::string path = core::Concat(testing::TempDir(), "/values_", getpid());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(error(path), HasSubstr("is a device or a pipe"));
  ASSERT_EQ(unlink(path.c_str()), 0);

  std::ofstream(path) << "SEQUENTIAL\na;b\n";
  const auto file = InjectionFile::Read(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(FieldOf(**file, 0, 1), "b");
  ASSERT_EQ(truncate(path.c_str(), off_t{1} << 32), 0);  // A hole: it takes no room.
  EXPECT_THAT(error(path), HasSubstr(": wanted at most 4294967295 bytes"));
  EXPECT_EQ(unlink(path.c_str()), 0);
}

TEST(InjectionFilesTest, OneFileOfAName) {
  InjectionFiles files;
  ASSERT_TRUE(files.Add(Parse("USER\na")).ok());
  EXPECT_FALSE(files.Add(Parse("USER\nb")).ok());
  EXPECT_EQ(files.Find("f.csv"), 0u);
  EXPECT_FALSE(files.Find("dir/f.csv"));
}

}  // namespace
}  // namespace loadgen

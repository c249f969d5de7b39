// Goal: a file is read exactly or each mistake in it is told with its file, line, path, value and
// what was wanted (the style guide's rule for what is the operator's); nothing a file can hold
// makes the reader throw, hang or grow.

#include "core/config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/concat.h"

namespace core::config {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Document Read(std::string_view text) {
  absl::StatusOr<Document> document = Document::Parse(text, "f.yaml");
  CHECK(document.ok());
  return std::move(*document);
}

std::string RefusalOf(std::string_view text) {
  const absl::StatusOr<Document> document = Document::Parse(text, "f.yaml");
  return document.ok() ? "accepted" : std::string(document.status().message());
}

TEST(YamlTest, ReadsEachKindOfValueAndKeepsDefaults) {
  const Document document = Read(R"(
text: hello
quoted: "4s"
flag: true
port: 5060
wait: 500ms
short_wait: 250us
address: 203.0.113.10
cidr: 3.80.16.0/23
codes: [408, 500]
waits: [1s, 1h]
)");
  Diagnostics diagnostics;
  const Node root = document.root(&diagnostics);
  std::string text, quoted, absent = "default";
  bool flag = false;
  uint16_t port = 0;
  Duration wait{};
  Duration short_wait{};
  std::optional<IpAddress> address;
  Cidr cidr;
  std::vector<uint16_t> codes;
  std::vector<Duration> waits;
  root.Read("text", &text);
  root.Read("quoted", &quoted);
  root.Read("flag", &flag);
  root.Read("port", &port, Range{1, 65535});
  root.Read("wait", &wait);
  root.Read("short_wait", &short_wait);
  root.Read("address", &address);
  root.Read("cidr", &cidr);
  root.Read("codes", &codes, Range{300, 699});
  root.Read("waits", &waits);
  root.Read("absent", &absent);
  root.RejectUnknownKeys();

  EXPECT_THAT(diagnostics.errors(), IsEmpty());
  EXPECT_EQ(text, "hello");
  EXPECT_EQ(quoted, "4s");
  EXPECT_EQ(absent, "default");
  EXPECT_TRUE(flag);
  EXPECT_EQ(port, 5060);
  EXPECT_EQ(wait, 500ms);
  EXPECT_EQ(short_wait, std::chrono::microseconds(250));
  EXPECT_EQ(address->text(), "203.0.113.10");
  EXPECT_EQ(cidr.text(), "3.80.16.0/23");
  EXPECT_THAT(codes, ElementsAre(408, 500));
  EXPECT_THAT(waits, ElementsAre(1s, 1h));
}

enum class Colour { kRed, kBlue };
constexpr EnumName<Colour> kColours[] = {{"red", Colour::kRed}, {"blue", Colour::kBlue}};

// One mistake, read as each kind: the message is a promise to those who read it.
TEST(YamlTest, SaysWhereWhatAndWhatWasWanted) {
  const struct {
    const char* value;
    char kind;
    const char* message;
  } kRows[] = {
      {"70000", 'p', "70000 is outside 1..65535"},
      {"0", 'p', "0 is outside 1..65535"},
      {"99999999999999999999", 'p', "99999999999999999999 is outside 1..65535"},
      {"50x", 'p', "50x is not a whole number"},
      {"5.5", 'p', "5.5 is not a whole number"},
      {"", 'p', "nothing is not a whole number"},
      {"\"\"", 'p', "\"\" is not a whole number"},
      {"[1]", 'p', "a list is not a whole number"},
      {"-1", 'u', "-1 is outside 0..4294967295"},
      {"4", 'd', "4 is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"4 s", 'd', "4 s is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"1.5s", 'd', "1.5s is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"s", 'd', "s is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"4d", 'd', "4d is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"-4s", 'd', "-4s is outside 0s..8760h"},
      {"9000h", 'd', "9000h is outside 0s..8760h"},
      {"9223372036854775807h", 'd', "9223372036854775807h is outside 0s..8760h"},
      {"yes", 'b', "yes is not true or false"},
      {"green", 'e', "green is not red or blue"},
      {"{}", 'e', "a map is not red or blue"},
      {"", 's', "nothing is not text"},
      {"~", 's', "nothing is not text"},
      {"{a: b}", 's', "a map is not text"},
      {"\"a\\r\\nb\"", 's', "a\\x0d\\x0ab is not text without control characters"},
      {"localhost", 'a', "localhost is not an IPv4 or IPv6 address"},
      {"10.0.0.0/8/8", 'c', "10.0.0.0/8/8 is not a block of addresses, such as 3.80.16.0/23"},
      {"3.80.17.0/23", 'c',
       "3.80.17.0/23 is not where a block begins: 3.80.16.0/23 or 3.80.17.0/32 is wanted"},
      {"5", 'l', "5 is not a list"},
  };
  for (const auto& row : kRows) {
    const Document document = Read(Concat("a:\n  - {}\n  - key: ", row.value, "\n"));
    Diagnostics diagnostics;
    const Node node = document.root(&diagnostics).Find("a")->Items()[1];
    std::string text = "kept";
    bool flag = true;
    uint16_t port = 7;
    uint32_t number = 7;
    Duration wait = 7s;
    IpAddress address;
    Cidr cidr;
    Colour colour = Colour::kBlue;
    std::vector<uint16_t> codes = {7};
    switch (row.kind) {
      case 'p':
        node.Read("key", &port, Range{1, 65535});
        break;
      case 'u':
        node.Read("key", &number);
        break;
      case 'd':
        node.Read("key", &wait);
        break;
      case 'b':
        node.Read("key", &flag);
        break;
      case 'e':
        node.Read("key", &colour, std::span<const EnumName<Colour>>(kColours));
        break;
      case 's':
        node.Read("key", &text);
        break;
      case 'a':
        node.Read("key", &address);
        break;
      case 'c':
        node.Read("key", &cidr);
        break;
      case 'l':
        node.Read("key", &codes);
        break;
    }
    EXPECT_THAT(diagnostics.errors(), ElementsAre(Concat("f.yaml:3: a[1].key: ", row.message)));
    EXPECT_TRUE(text == "kept" && flag && port == 7 && number == 7 && wait == 7s &&
                colour == Colour::kBlue && codes.size() == 1)
        << "a refused value changed a default: " << row.value;
  }
}

TEST(YamlTest, TellsAllMistakesOfAListAtOnce) {
  const Document document = Read("codes: [1000, 408, x]\n");
  Diagnostics diagnostics;
  std::vector<uint16_t> codes = {503};
  document.root(&diagnostics).Read("codes", &codes, Range{300, 699});
  EXPECT_THAT(diagnostics.errors(), ElementsAre("f.yaml:1: codes[0]: 1000 is outside 300..699",
                                                "f.yaml:1: codes[2]: x is not a whole number"));
  EXPECT_THAT(codes, ElementsAre(503)) << "half a list is worse than the default";
}

TEST(YamlTest, NamesTheNearestKnownKey) {
  const Document document =
      Read("a:\n  prot: 1\n  CpsLimt: 2\n  zzz: 3\n  \"x\\ny\": 4\n  port: 5\n");
  Diagnostics diagnostics;
  const Node node = *document.root(&diagnostics).Find("a");
  uint16_t number = 0;
  node.Read("port", &number);
  node.Read("CpsLimit", &number);
  node.RejectUnknownKeys();
  EXPECT_THAT(diagnostics.errors(),
              ElementsAre("f.yaml:2: a.prot: no such key; did you mean `port`?",
                          "f.yaml:3: a.CpsLimt: no such key; did you mean `CpsLimit`?",
                          "f.yaml:4: a.zzz: no such key; known are port and CpsLimit",
                          "f.yaml:5: a.\"x\\x0ay\": no such key; known are port and CpsLimit"));
}

TEST(YamlTest, MissingKeysAreToldAtTheMap) {
  const Document document = Read("a:\n  - {}\n");
  Diagnostics diagnostics;
  EXPECT_FALSE(document.root(&diagnostics).Find("a")->Items()[0].Require("id"));
  EXPECT_THAT(diagnostics.errors(), ElementsAre("f.yaml:2: a[0]: `id` is missing"));
}

TEST(YamlTest, KeepsABoundedNumberOfErrorsAndCountsTheRest) {
  const Document document = Read("a: 1");
  Diagnostics diagnostics;
  for (size_t i = 0; i < Diagnostics::kErrorsMax + 3; ++i) {
    document.root(&diagnostics).Error(Concat("mistake ", i));
  }
  EXPECT_EQ(diagnostics.errors().size(), Diagnostics::kErrorsMax);
  EXPECT_THAT(std::string(diagnostics.ToStatus().message()),
              HasSubstr("f.yaml:1: mistake 19\nand 3 more"));
}

// Amazon's own JSON is the configuration: as printed, indented anyhow, with its trailing commas.
TEST(YamlTest, TakesPastedJson) {
  const Document document = Read(
      "outer:\n"
      "  pasted: {\n"
      "    \"Termination\": {\n"
      "\t\"CpsLimit\": 0,\n"
      "        \"CallingRegions\": [\n"
      "            \"US\",\n"
      "        ],\n"
      "        \"Disabled\": false,\n"
      "    },\n"
      "  }\n"
      "  next: \"\\u0041\\/b\"\n");
  Diagnostics diagnostics;
  const Node outer = *document.root(&diagnostics).Find("outer");
  const Node termination = *outer.Find("pasted")->Find("Termination");
  EXPECT_EQ(termination.Find("CpsLimit")->scalar(), "0");
  EXPECT_EQ(termination.Find("CallingRegions")->Items()[0].scalar(), "US");
  EXPECT_EQ(termination.Find("CallingRegions")->Items()[0].path(),
            "outer.pasted.Termination.CallingRegions[0]");
  EXPECT_EQ(outer.Find("next")->scalar(), "A/b");
  EXPECT_THAT(diagnostics.errors(), IsEmpty());
}

// Unindented below its key is how a paste arrives; YAML proper would have it indented.
TEST(YamlTest, TakesJsonPastedAtTheMargin) {
  const Document document = Read("pasted:\n{\n\"A\": {\n\"B\": 1\n},\n}\n");
  Diagnostics diagnostics;
  EXPECT_EQ(document.root(&diagnostics).Find("pasted")->Find("A")->Find("B")->scalar(), "1");
}

// Amazon's tools print from the margin, and an operator pastes that under a key that is indented.
TEST(YamlTest, TakesJsonPastedAtTheMarginUnderAnIndentedKey) {
  for (const char* text :
       {"outer:\n  - id: a\n    pasted:\n{\n    \"A\": {\n\"B\":\n{\"C\": 1},\n    }\n}\n    rest: "
        "2\n",
        "outer:\n  - pasted:   \n\n{\"A\": {\"B\":\r\n{\"C\": 1}}}\n    rest: 2\n",
        "outer:\n  -\n    pasted:\n  {\"A\": {\"B\": {\"C\": 1}}}\n    rest: 2\n"}) {
    const Document document = Read(text);
    Diagnostics diagnostics;
    const Node item = document.root(&diagnostics).Find("outer")->Items()[0];
    EXPECT_EQ(item.Find("pasted")->Find("A")->Find("B")->Find("C")->scalar(), "1") << text;
    EXPECT_EQ(item.Find("rest")->scalar(), "2") << text;
  }
  // A list may stand at its key's own margin, in YAML as in JSON.
  const Document document = Read("a:\n[1, 2]\nb:\n- 3\n");
  Diagnostics diagnostics;
  EXPECT_EQ(document.root(&diagnostics).Find("a")->Items()[1].scalar(), "2");
  EXPECT_EQ(document.root(&diagnostics).Find("b")->Items()[0].scalar(), "3");
}

TEST(YamlTest, SaysWhatIsWrongWithAnIndentation) {
  EXPECT_EQ(RefusalOf("a: [1]\n\tb: 2\n"),
            "f.yaml:2:2: not YAML: end of map not found: a tab indents this line, and YAML wants "
            "spaces");
  EXPECT_EQ(RefusalOf("a:\n- id: a\n   x: 1\n"),
            "f.yaml:3:5: not YAML: illegal map value: this line, or one above it, is indented "
            "otherwise than its neighbours");
  EXPECT_EQ(RefusalOf("a:\n    b: 1\n  c: 2\n"),
            "f.yaml:3:3: not YAML: end of map not found: this line, or one above it, is indented "
            "otherwise than its neighbours");
}

TEST(YamlTest, AliasesAreTheValueTheyName) {
  const Document document = Read("a: &x {p: 1}\nb: *x\nc: [*x, *x]\n");
  Diagnostics diagnostics;
  const Node root = document.root(&diagnostics);
  EXPECT_EQ(root.Find("b")->Find("p")->scalar(), "1");
  EXPECT_EQ(root.Find("c")->Items()[1].Find("p")->scalar(), "1");
  EXPECT_EQ(root.Find("c")->Items()[1].path(), "c[1]");
}

TEST(YamlTest, RefusesABombOfAliases) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += Concat("a", i, ": &a", i, " [");
    for (int j = 0; j < 9; ++j) bomb += Concat("*a", i - 1, ", ");
    bomb += "]\n";
  }
  EXPECT_EQ(RefusalOf(bomb),
            "f.yaml:6:10: more than 100000 values, aliases counted as often as they are used");
}

TEST(YamlTest, RefusesDepthHoweverItComes) {
  EXPECT_EQ(RefusalOf(std::string(32, '[') + std::string(32, ']')), "accepted");
  EXPECT_EQ(RefusalOf(std::string(33, '[') + std::string(33, ']')),
            "f.yaml:1:33: more than 32 levels deep");
  EXPECT_NE(RefusalOf(std::string(100'000, '[')), "accepted");
  EXPECT_NE(RefusalOf(std::string(100'000, '{')), "accepted");
  std::string lists;
  for (int i = 0; i < 10'000; ++i) lists += "- ";
  EXPECT_THAT(RefusalOf(lists), HasSubstr("more than 32 levels deep"));
  // Twenty levels, and twenty more through an alias.
  const std::string nested = std::string(20, '[') + std::string(20, ']');
  const std::string twice = std::string(20, '[') + "*x" + std::string(20, ']');
  EXPECT_THAT(RefusalOf(Concat("a: &x ", nested, "\nb: ", twice, "\n")),
              HasSubstr("more than 32 levels deep"));
  EXPECT_EQ(RefusalOf("a: &x [*x]"), "f.yaml:1:8: an alias of what it stands in");
}

// With "?" before it a key may have any length, but no message could quote it.
TEST(YamlTest, RefusesLongKeys) {
  const std::string longest(Document::kKeyBytesMax, 'k');
  EXPECT_EQ(RefusalOf(Concat(longest, ": 1")), "accepted");
  EXPECT_EQ(RefusalOf(Concat("? ", longest, "k\n: 1")), "f.yaml:1:3: a key longer than 128 bytes");
}

TEST(YamlTest, RefusesWhatIsNotOneCleanDocument) {
  const struct {
    std::string text;
    std::string message;
  } kRows[] = {
      {"", "f.yaml: empty"},
      {"# only a comment\n", "f.yaml: empty"},
      {"a: 1\na: 2\n", "f.yaml:2:1: the key a is there twice"},
      {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document; one is wanted"},
      {"a: {b: 1", "f.yaml:1:1: not YAML: end of map flow not found"},
      {"a: *nowhere\n", "f.yaml:1:4: not YAML: the referenced anchor is not defined"},
      {"[a]: 1\n", "f.yaml:1:1: a key that is not a plain word"},
      {std::string("a: \0b", 5), "f.yaml: not text: a zero byte at 3"},
      {std::string((1 << 20) + 1, 'x'), "f.yaml: larger than 1048576 bytes"},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(RefusalOf(row.text), row.message) << row.text.substr(0, 80);
  EXPECT_EQ(RefusalOf(std::string(1 << 20, 'x')), "accepted");
}

TEST(YamlTest, LoadsFilesAndSaysWhyNot) {
  const std::string path = ::testing::TempDir() + "/yaml_test.yaml";
  std::ofstream(path) << "port: x\n";
  const absl::StatusOr<Document> document = Document::Load(path, "connectors[0].termination");
  ASSERT_TRUE(document.ok()) << document.status();
  Diagnostics diagnostics;
  uint16_t port = 0;
  document->root(&diagnostics).Read("port", &port);
  EXPECT_THAT(
      diagnostics.errors(),
      ElementsAre(Concat(path, ":1: connectors[0].termination.port: x is not a whole number")));
  std::remove(path.c_str());

  EXPECT_EQ(std::string(Document::Load(path).status().message()),
            Concat("cannot read ", path, ": No such file or directory"));
  EXPECT_THAT(std::string(Document::Load(::testing::TempDir()).status().message()),
              HasSubstr(": Is a directory"));
  // A pipe that nobody writes to would be waited for without an end.
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(std::string(Document::Load(path).status().message()),
            Concat("cannot read ", path, ": it is not a regular file"));
  std::remove(path.c_str());
}

}  // namespace
}  // namespace core::config

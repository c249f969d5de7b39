// Scenario files as they are found (trap 16): what SIPp's readers take although XML does not is
// repaired, lines keep their numbers, and what cannot be repaired is refused with its line.

#include "loadgen/xml_repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/xml_reader.h"

namespace loadgen {
namespace {

using ::testing::HasSubstr;

std::string Repair(std::string_view text) {
  const absl::StatusOr<RepairedXml> repaired = RepairXml(text, "f.xml");
  if (!repaired.ok()) return std::string(repaired.status().message());
  EXPECT_EQ(RepairXml(repaired->text, "f.xml")->text,
            repaired->text);  // Nothing is left to repair.
  return repaired->text;
}

TEST(RepairXmlTest, WellFormedStaysAsItIs) {
  constexpr std::string_view kText =
      "<scenario name=\"x\">\n<send retrans=\"500\">\n<![CDATA[ a < b && \\x41 ]]></send>\n"
      "<nop><action><log message=\"&lt;a&amp;&#65;\"/></action></nop></scenario>";
  EXPECT_EQ(Repair(kText),
            "<scenario name=\"x\">\n<send retrans=\"500\">\n"
            "<![CDATA[ a < b && \\x41 ]]></send>\n"
            "<nop><action><log message=\"&lt;a&amp;&#65;\"/></action></nop>"
            "</scenario>");
}

TEST(RepairXmlTest, AttributeValues) {
  EXPECT_EQ(Repair("<a b=\"<sip:x>;&y&amp;\"/>"), "<a b=\"&lt;sip:x>;&amp;y&amp;\"/>");
  EXPECT_EQ(Repair("<a b='say \"x\"'/>"), "<a b=\"say &quot;x&quot;\"/>");
  EXPECT_EQ(Repair("<a b=\"1\" c=\"2\" b=\"3\"/>"), "<a b=\"1\" c=\"2\" />");
  EXPECT_EQ(Repair("<a b=\"1\"c=\"2\"/>"), "<a b=\"1\" c=\"2\"/>");
  EXPECT_EQ(Repair("<a b = 1 c d=x></a>"), "<a b=\"1\"  d=\"x\"></a>");
}

// Sipp 3.6 gave `a "b" c` CRLF ` \ d` for the first.
TEST(RepairXmlTest, BackslashEscapes) {
  EXPECT_EQ(Repair(R"(<a b="a \"b\" c\n \\ d"/>)"), "<a b=\"a &quot;b&quot; c&#10; &#92; d\"/>");
  EXPECT_EQ(Repair(R"(<a b="\r\t\."/>)"), "<a b=\"&#13;&#9;&#92;.\"/>");
  // A backslash before the quote that ends the value is no escape.
  EXPECT_EQ(Repair(R"(<a b="x\" c="y"/>)"), "<a b=\"x&#92;\" c=\"y\"/>");
  EXPECT_EQ(Repair(R"(<a b="x\"/>)"), "<a b=\"x&#92;\"/>");
  EXPECT_EQ(Repair(R"(<a b="x \"1\" c=\"2\"" d="3"/>)"),
            "<a b=\"x &quot;1&quot; c=&quot;2&quot;\" d=\"3\"/>");
}

TEST(RepairXmlTest, Tags) {
  EXPECT_EQ(Repair("<scenario><send><![CDATA[x]]></send>"),
            "<scenario><send><![CDATA[x]]></send></scenario>");
  EXPECT_EQ(Repair("<scenario><recv request=\"A\"><recv request=\"B\"/></scenario>"),
            "<scenario><recv request=\"A\"></recv><recv request=\"B\"/></scenario>");
  EXPECT_EQ(Repair("<scenario><nop><action><log/></nop></scenario>"),
            "<scenario><nop><action><log/></action></nop></scenario>");
  EXPECT_EQ(Repair("<scenario><recv request=\"A\"\n</recv></scenario>"),
            "<scenario><recv request=\"A\"\n></recv></scenario>");
  EXPECT_EQ(Repair("<nop><a><send/></nop>"), "<nop><a><send/></a></nop>");  // The root stays open.
  EXPECT_EQ(Repair("<scenario></recv><nop/></foo></scenario>"), "<scenario><nop/></scenario>");
  EXPECT_EQ(Repair("<scenario>stray < & text<nop/></scenario >more <b/>"),
            "<scenario><nop/></scenario>");
}

// Of the files that work some lack it; one that was cut off between two messages does too.
TEST(RepairXmlTest, SaysWhetherTheRootIsClosed) {
  EXPECT_TRUE(RepairXml("<scenario><nop/></scenario>", "f.xml")->root_is_closed);
  EXPECT_TRUE(RepairXml("<scenario/>", "f.xml")->root_is_closed);
  EXPECT_FALSE(RepairXml("<scenario><nop/>", "f.xml")->root_is_closed);
}

TEST(RepairXmlTest, CommentsAndDeclarations) {
  EXPECT_EQ(Repair("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!DOCTYPE s SYSTEM \"s.dtd\" "
                   "[<!ENTITY a \"b\">]>\n<!-- a -- \n b --><s/>"),
            "\n\n\n<s/>");
  EXPECT_EQ(Repair("<s><!-- never ends\n<nop/></s>"), "<s>\n<nop/></s>");
  EXPECT_EQ(Repair("<s><![CDATA[<!-- a message -->]]></s>"),
            "<s><![CDATA[<!-- a message -->]]></s>");
}

TEST(RepairXmlTest, Refuses) {
  EXPECT_THAT(Repair("<s>\n<a b=\"1/>\n"), HasSubstr("f.xml:2: an attribute's value never ends"));
  EXPECT_THAT(Repair("<s>\n\n<a b=\"1\"\n"), HasSubstr("f.xml:3: <a ...: the tag never ends"));
  EXPECT_THAT(Repair(std::string_view("<s>\n\0</s>", 9)), HasSubstr("f.xml:2: a NUL byte"));
  EXPECT_EQ(Repair("<s>\n<send><![CDATA[x\ny"),
            "f.xml:2: the file ends inside this <![CDATA[; wanted a whole file");
  EXPECT_EQ(Repair("<s>\n<recv response=\"200\">\n<action>\n"),
            "f.xml:3: the file ends inside this <action>; wanted a whole file");
  std::string deep;
  for (size_t i = 0; i <= kXmlDepthMax; ++i) deep += "<a>";
  EXPECT_THAT(Repair(deep), HasSubstr("at most 32 deep"));
  EXPECT_THAT(Repair(std::string(kXmlBytesMax + 1, ' ')), HasSubstr("wanted at most"));
}

// The bytes are those of the file, whatever encoding it declares; lines count as in the file.
TEST(XmlDocumentTest, BytesAndLines) {
  const auto document = XmlDocument::Parse(
      "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<s>\r\n<!-- \r\n -->\r\n"
      "<a b=\"\xe9\n c\">\r\n<![CDATA[x\xe9\r\ny]]></a>\r\n<c/></s>",
      "f.xml");
  ASSERT_TRUE(document.ok()) << document.status();
  const XmlElement a = (*document)->root().FirstChild();
  EXPECT_EQ(a.name(), "a");
  EXPECT_EQ(a.line(), 5);
  EXPECT_EQ(a.Attribute("b"), "\xe9\n c");
  EXPECT_FALSE(a.Attribute("z"));
  EXPECT_EQ(a.Cdata(), "x\xe9\ny");
  EXPECT_FALSE(a.FirstChild());
  const XmlElement c = a.Next();
  EXPECT_EQ(c.line(), 9);
  EXPECT_FALSE(c.Cdata());
  EXPECT_FALSE(c.Next());
}

}  // namespace
}  // namespace loadgen

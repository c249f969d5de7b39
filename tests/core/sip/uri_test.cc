#include "core/sip/uri.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/sip/parse_error_printer.h"

namespace core::sip {
namespace {

// Goal: SIP, SIPS and tel URIs are read into their parts (RFC 3261 §19.1.1, RFC 3966 §3), broken
// ones are refused by cause, and two compare as RFC 3261 §19.1.4 says.

Uri Parsed(std::string_view text) {
  Uri uri;
  EXPECT_EQ(ParseUri(text, &uri), ParseError::kOk) << text;
  return uri;
}

ParseError ErrorOf(std::string_view text) {
  Uri uri;
  const ParseError error = ParseUri(text, &uri);
  EXPECT_EQ(uri.scheme, UriScheme::kNone) << "a refused URI leaves nothing behind: " << text;
  return error;
}

TEST(UriTest, ReadsEveryPartOfASipUri) {
  const Uri uri = Parsed(
      "sip:alice:secret@atlanta.com:5070;transport=tcp;lr?subject=project%20x&priority=urgent");
  EXPECT_EQ(uri.scheme, UriScheme::kSip);
  EXPECT_EQ(uri.user, "alice");
  EXPECT_TRUE(uri.has_password);
  EXPECT_EQ(uri.password, "secret");
  EXPECT_EQ(uri.host_port.host, "atlanta.com");
  EXPECT_EQ(uri.host_port.port, 5070);
  EXPECT_EQ(uri.parameters, ";transport=tcp;lr");
  EXPECT_EQ(uri.headers, "subject=project%20x&priority=urgent");
  EXPECT_EQ(FindUriParameter(uri, "Transport"), "tcp");
  EXPECT_EQ(FindUriParameter(uri, "lr"), "");
  EXPECT_EQ(FindUriParameter(uri, "maddr"), std::nullopt);
}

TEST(UriTest, ReadsTheTrunksOwnUris) {
  const Uri target = Parsed("sip:+16185558387@198.51.100.204:5060;transport=UDP");
  EXPECT_EQ(target.user, "+16185558387");
  EXPECT_EQ(FindUriParameter(target, "transport"), "UDP");
  const Uri contact = Parsed("sip:10.0.58.47:5060;alias=10.0.58.47~5060~1");
  EXPECT_EQ(contact.user, "");
  EXPECT_EQ(contact.host_port, (HostPort{"10.0.58.47", 5060, false}));
  EXPECT_EQ(FindUriParameter(contact, "alias"), "10.0.58.47~5060~1");
}

TEST(UriTest, TheUserMayHoldReservedCharacters) {
  const Uri uri = Parsed("sips:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1@h");
  EXPECT_EQ(uri.scheme, UriScheme::kSips);
  EXPECT_EQ(uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(uri.password, "&it+has=1");
}

TEST(UriTest, ReadsIpv6References) {
  const Uri uri = Parsed("sip:[2001:db8::9:1]:5062;lr");
  EXPECT_EQ(uri.host_port, (HostPort{"2001:db8::9:1", 5062, true}));
  EXPECT_EQ(Parsed("sip:u@[::ffff:192.0.2.1]").host_port.host, "::ffff:192.0.2.1");
  EXPECT_EQ(ErrorOf("sip:[2001:db8::1"), ParseError::kHost);
  EXPECT_EQ(ErrorOf("sip:[host]"), ParseError::kHost);
  EXPECT_EQ(ErrorOf("sip:[]"), ParseError::kHost);
}

TEST(UriTest, ReadsTelAndOtherSchemes) {
  const Uri tel = Parsed("tel:+1-201-555-0123;phone-context=example.com");
  EXPECT_EQ(tel.scheme, UriScheme::kTel);
  EXPECT_EQ(tel.user, "+1-201-555-0123");
  EXPECT_EQ(FindUriParameter(tel, "phone-context"), "example.com");
  EXPECT_EQ(ErrorOf("tel:"), ParseError::kUser);
  EXPECT_EQ(ErrorOf("tel:+"), ParseError::kUser);

  const Uri other = Parsed("soap.beep://192.0.2.103:3002");
  EXPECT_EQ(other.scheme, UriScheme::kOther);
  EXPECT_EQ(other.scheme_text, "soap.beep");
  EXPECT_EQ(other.opaque, "//192.0.2.103:3002");
}

TEST(UriTest, RefusesWhatTheGrammarDoesNotKnow) {
  const std::pair<std::string_view, ParseError> cases[] = {
      {"", ParseError::kScheme},
      {"sip", ParseError::kScheme},
      {"<sip:h>", ParseError::kScheme},
      {"sip:", ParseError::kHost},
      {"sip:@h", ParseError::kUser},
      {"sip:a b@h", ParseError::kUser},
      {"sip:a\"b@h", ParseError::kUser},
      {"sip:a:p;w@h", ParseError::kUser},
      {"sip:a@", ParseError::kHost},
      {"sip:a@b@c", ParseError::kTrailing},
      {"sip:%4@h", ParseError::kEscape},
      {"sip:%4", ParseError::kHost},
      {"sip:a%zz@h", ParseError::kEscape},
      {"sip:h:", ParseError::kPort},
      {"sip:h:0", ParseError::kPort},
      {"sip:h:65536", ParseError::kPort},
      {"sip:h:50x", ParseError::kTrailing},
      {"sip:h x", ParseError::kTrailing},
      {"sip:h;", ParseError::kParameter},
      {"sip:h;;lr", ParseError::kParameter},
      {"sip:h;a=", ParseError::kParameter},
      {"sip:h; lr", ParseError::kParameter},
      {"sip:h;a=b=c", ParseError::kParameter},
      {"sip:h?", ParseError::kParameter},
      {"sip:h?a", ParseError::kParameter},
      {"sip:h?a=1&", ParseError::kParameter},
      {"mailto:a b", ParseError::kUri},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(ErrorOf(text), error) << text;
}

TEST(UriTest, UnescapesIncludingNul) {
  char memory[32];
  EXPECT_EQ(Unescape("sips%3Auser%40example.com", memory), "sips:user@example.com");
  EXPECT_EQ(Unescape("null-%00-null", memory), std::string_view("null-\0-null", 11));
  EXPECT_EQ(Unescape("%Z%45", memory), std::nullopt);
  EXPECT_EQ(Unescape("%4", memory), std::nullopt);
  char three[3];
  EXPECT_EQ(Unescape("a%62c", three), "abc");
  EXPECT_EQ(Unescape("abcd", three), std::nullopt);
}

bool Same(std::string_view a, std::string_view b) {
  const bool forth = Equivalent(Parsed(a), Parsed(b));
  EXPECT_EQ(forth, Equivalent(Parsed(b), Parsed(a))) << a << " " << b;
  return forth;
}

// The examples of RFC 3261 §19.1.4, in its order.
TEST(UriTest, EquivalentAsTheRfcsExamples) {
  EXPECT_TRUE(Same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
  EXPECT_TRUE(Same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
  EXPECT_TRUE(Same("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"));
  EXPECT_TRUE(Same("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                   "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"));
  EXPECT_TRUE(Same("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                   "sip:alice@atlanta.com?priority=urgent&subject=project%20x"));
}

TEST(UriTest, DifferentAsTheRfcsExamples) {
  EXPECT_FALSE(Same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  EXPECT_FALSE(Same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
  EXPECT_FALSE(Same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
  EXPECT_FALSE(Same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
  EXPECT_FALSE(Same("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
  EXPECT_FALSE(Same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
}

TEST(UriTest, ParametersThatNeverMatchTheirAbsence) {
  EXPECT_FALSE(Same("sip:a@h;user=phone", "sip:a@h"));
  EXPECT_FALSE(Same("sip:a@h;ttl=1", "sip:a@h"));
  EXPECT_FALSE(Same("sip:a@h;method=INVITE", "sip:a@h"));
  EXPECT_FALSE(Same("sip:a@h;maddr=192.0.2.1", "sip:a@h"));
  EXPECT_FALSE(Same("sip:a@h", "sips:a@h"));
  EXPECT_FALSE(Same("sip:a:@h", "sip:a@h"));
}

TEST(UriTest, AnEscapedReservedCharacterIsAnotherOne) {
  EXPECT_FALSE(Same("sip:a%3Bb@h", "sip:a;b@h"));
  EXPECT_TRUE(Same("sip:a%2Db@h", "sip:a-b@h"));
  EXPECT_TRUE(Same("sip:a%3bb@h", "sip:a%3Bb@h"));
  EXPECT_FALSE(Same("sip:a%00@h", "sip:a%00%00@h"));
}

// RFC 3966 §4: visual separators do not count; a local number without its context is another one.
TEST(UriTest, TelNumbersCompareWithoutVisualSeparators) {
  EXPECT_TRUE(Same("tel:+1-201-555-0123", "tel:+1(201)555.0123"));
  EXPECT_FALSE(Same("tel:+12015550123", "tel:12015550123"));
  EXPECT_FALSE(Same("tel:863-1234;phone-context=+1-914-555", "tel:863-1234"));
  EXPECT_TRUE(Same("tel:863-1234;phone-context=+1-914-555", "tel:8631234;phone-context=+1914555"));
}

TEST(UriTest, FindsAParameterWhoseNameIsEscaped) {
  const Uri uri = Parsed("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
  EXPECT_EQ(FindUriParameter(uri, "lr"), "");
  char memory[16];
  EXPECT_EQ(Unescape(*FindUriParameter(uri, "name"), memory), "value%41");
}

TEST(UriTest, WritesWhatItRead) {
  for (const std::string_view text :
       {"sip:alice:secret@atlanta.com:5070;transport=tcp;lr?subject=project%20x&priority=urgent",
        "sip:a:@h", "sips:[2001:db8::1]:5061", "tel:+1-201-555-0123;ext=1", "urn:service:sos"}) {
    char memory[256];
    TextWriter out(memory);
    WriteUri(Parsed(text), &out);
    EXPECT_TRUE(out.ok());
    EXPECT_EQ(out.text(), text);
  }
}

}  // namespace
}  // namespace core::sip

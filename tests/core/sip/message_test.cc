#include "core/sip/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/core/sip/parse_error_printer.h"

namespace core::sip {
namespace {

// Goal: the index finds start line, header fields and body as RFC 3261 §7 and §18.3 write them,
// says what it cannot frame, and keeps what it found on the way; readers go across lines and
// commas.

using testing::ElementsAre;

constexpr std::string_view kVia = "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n";

std::string Options(std::string_view headers, std::string_view body = "") {
  return "OPTIONS sip:h SIP/2.0\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

ParseError ErrorOf(std::string_view bytes) {
  Message message;
  const ParseError error = message.Index(bytes);
  EXPECT_EQ(error, message.error());
  return error;
}

std::vector<std::string> Values(const Message& message, HeaderId id) {
  std::vector<std::string> values;
  ListReader list(message, id);
  for (std::string_view value; list.Next(&value);) values.emplace_back(value);
  return values;
}

TEST(MessageTest, StartLineOfARequest) {
  Message message;
  ASSERT_EQ(message.Index("NOTIFY sip:a@h;x SIP/2.0\r\n\r\n"), ParseError::kOk);
  EXPECT_TRUE(message.is_request());
  EXPECT_EQ(message.method(), Method::kNotify);
  EXPECT_EQ(message.request_uri(), "sip:a@h;x");
  EXPECT_EQ(message.status_code(), 0);
}

TEST(MessageTest, StartLineOfAResponse) {
  Message message;
  ASSERT_EQ(message.Index("SIP/2.0 183 Session  Progress\r\nCSeq: 7 INVITE\r\n\r\n"),
            ParseError::kOk);
  EXPECT_FALSE(message.is_request());
  EXPECT_EQ(message.status_code(), 183);
  EXPECT_EQ(message.reason(), "Session  Progress");
  EXPECT_EQ(message.method(), Method::kInvite);
  ASSERT_EQ(message.Index("sip/2.0 100\r\n\r\n"), ParseError::kOk);
  EXPECT_EQ(message.reason(), "");
}

TEST(MessageTest, StartLinesThatAreNone) {
  const std::pair<std::string_view, ParseError> cases[] = {
      {"OPTIONS sip:h SIP/2.1\r\n\r\n", ParseError::kVersion},
      {"SIP/3.0 200 OK\r\n\r\n", ParseError::kVersion},
      {"OPTIONS  sip:h SIP/2.0\r\n\r\n", ParseError::kStartLine},
      {"OPTIONS sip:h  SIP/2.0\r\n\r\n", ParseError::kStartLine},
      {"OPTIONS sip:h SIP/2.0 \r\n\r\n", ParseError::kStartLine},
      {"OPTIONS sip:h\r\n\r\n", ParseError::kStartLine},
      {" OPTIONS sip:h SIP/2.0\r\n\r\n", ParseError::kStartLine},
      {"OPT<ONS sip:h SIP/2.0\r\n\r\n", ParseError::kStartLine},
      {"OPTIONS sip:h HTTP/1.1\r\n\r\n", ParseError::kStartLine},
      {"SIP/2.0 99 X\r\n\r\n", ParseError::kStatusCode},
      {"SIP/2.0 700 X\r\n\r\n", ParseError::kStatusCode},
      {"SIP/2.0 2000 X\r\n\r\n", ParseError::kStatusCode},
      {"SIP/2.0 200OK\r\n\r\n", ParseError::kStatusCode},
  };
  for (const auto& [bytes, error] : cases) EXPECT_EQ(ErrorOf(bytes), error) << bytes;
}

TEST(MessageTest, KeepAlivesAreNoMessages) {  // RFC 5626 §3.5.1
  EXPECT_EQ(ErrorOf(""), ParseError::kEmpty);
  EXPECT_EQ(ErrorOf("\r\n\r\n"), ParseError::kEmpty);
}

TEST(MessageTest, EmptyLinesInFrontAreSkipped) {  // §7.5
  EXPECT_EQ(ErrorOf("\r\n\r\n" + Options(kVia)), ParseError::kOk);
}

TEST(MessageTest, AnErrorInTheStartLineDoesNotHideTheHeaderFields) {
  Message message;
  EXPECT_EQ(message.Index("INVITE  sip:h SIP/2.0\r\nCall-ID: 7\r\n\r\n"), ParseError::kStartLine);
  EXPECT_EQ(message.call_id(), "7");
  EXPECT_EQ(message.method(), Method::kInvite);
}

TEST(MessageTest, FieldsKeepOrderNamesAndTrimmedValues) {
  const std::string text = Options("v: SIP/2.0/UDP h\r\nX-Odd \t:  7 \t\r\nSubject:\r\n");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  ASSERT_EQ(message.header_count(), 3u);
  EXPECT_EQ(message.header(0).id, HeaderId::kVia);
  EXPECT_EQ(message.header(0).name, "v");
  EXPECT_EQ(message.header(1).id, HeaderId::kUnknown);
  EXPECT_EQ(message.header(1).name, "X-Odd");
  EXPECT_EQ(message.header(1).value, "7");
  EXPECT_EQ(message.header(2).value, "");
  EXPECT_EQ(message.FindByName("x-oDD"), "7");
  EXPECT_EQ(message.FindByName("VIA"), "SIP/2.0/UDP h");
  EXPECT_EQ(message.FindByName("none"), std::nullopt);
}

TEST(MessageTest, FoldedValuesKeepTheirFoldsUntilUnfolded) {  // §7.3.1
  const std::string text = Options("Subject: one \r\n  two\r\n\tthree\r\nTo: <sip:h>\r\n");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_EQ(message.header_count(), 2u);
  EXPECT_EQ(*message.Find(HeaderId::kSubject), "one \r\n  two\r\n\tthree");
  char memory[16];
  EXPECT_EQ(Unfold(*message.Find(HeaderId::kSubject), memory), "one two three");
  EXPECT_EQ(Unfold("plain", memory), "plain");
  char tiny[5];
  EXPECT_EQ(Unfold(*message.Find(HeaderId::kSubject), tiny), std::nullopt);
}

TEST(MessageTest, LinesThatAreNoHeaderFields) {
  for (const std::string_view line :
       {"NoColon\r\n", ": x\r\n", "A B: x\r\n", "A\"B: x\r\n", " folded onto nothing: x\r\n",
        "A: bare\rreturn\r\n", "A: bare\nfeed\r\n", "A: x\n\r\n"}) {
    EXPECT_EQ(ErrorOf(Options(line)), ParseError::kHeaderLine) << line;
  }
  Message message;
  const std::string text = Options("NoColon\r\nCall-ID: 7\r\n");
  EXPECT_EQ(message.Index(text), ParseError::kHeaderLine);
  EXPECT_EQ(message.call_id(), "7") << "what follows a bad line is still found";
}

TEST(MessageTest, WithoutAnEmptyLineItIsTruncated) {
  EXPECT_EQ(ErrorOf("OPTIONS sip:h SIP/2.0"), ParseError::kTruncated);
  EXPECT_EQ(ErrorOf("OPTIONS sip:h SIP/2.0\r\n"), ParseError::kTruncated);
  EXPECT_EQ(ErrorOf("OPTIONS sip:h SIP/2.0\r\nTo: x\r\n"), ParseError::kTruncated);
  EXPECT_EQ(ErrorOf("OPTIONS sip:h SIP/2.0\r\nTo: x\r\n\r"), ParseError::kTruncated);
}

TEST(MessageTest, TheBodyIsAsLongAsContentLengthSays) {  // §18.3
  Message message;
  std::string text = Options("", "12345");
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_EQ(message.body(), "12345")
      << "a datagram's body goes to its end where nobody says otherwise";
  text = Options("l: 3\r\n", "12345");
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_EQ(message.body(), "123");
  EXPECT_EQ(ErrorOf(Options("Content-Length: 6\r\n", "12345")), ParseError::kBodyShort);
  EXPECT_EQ(ErrorOf(Options("Content-Length: -1\r\n")), ParseError::kContentLength);
  EXPECT_EQ(ErrorOf(Options("Content-Length: 1\r\nl: 2\r\n", "12")), ParseError::kContentLength);
  EXPECT_EQ(ErrorOf(Options("Content-Length: 2\r\nl: 2\r\n", "12")), ParseError::kOk);
  EXPECT_EQ(ErrorOf(Options("Content-Length: 99999999999\r\n")), ParseError::kContentLength);
}

TEST(MessageTest, BoundsOnFieldsAndBytes) {
  std::string fields;
  for (size_t i = 0; i < Message::kHeadersMax; ++i) fields += "A: b\r\n";
  EXPECT_EQ(ErrorOf(Options(fields)), ParseError::kOk);
  EXPECT_EQ(ErrorOf(Options(fields + "A: b\r\n")), ParseError::kTooManyHeaders);
  const std::string frame = Options("A: \r\n");
  const std::string filler(Message::kBytesMax - frame.size(), 'x');
  EXPECT_EQ(ErrorOf(Options("A: " + filler + "\r\n")), ParseError::kOk);
  EXPECT_EQ(ErrorOf(Options("A: " + filler + "x\r\n")), ParseError::kTooLong);
}

TEST(MessageTest, SameFieldsAreWalkedInOrder) {
  const std::string text = Options("Via: a\r\nTo: x\r\nv: b, c\r\nVIA: d\r\n");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_EQ(message.Count(HeaderId::kVia), 3u);
  EXPECT_EQ(message.FindNth(HeaderId::kVia, 1), "b, c");
  EXPECT_EQ(message.FindNth(HeaderId::kVia, 2), "d");
  EXPECT_EQ(message.FindNth(HeaderId::kVia, 3), std::nullopt);
  EXPECT_THAT(Values(message, HeaderId::kVia), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Values(message, HeaderId::kRoute), ElementsAre());
  EXPECT_EQ(message.repeated(), HeaderId::kUnknown);
}

TEST(MessageTest, CommasInQuotesAndBracketsSeparateNothing) {
  const std::string text = Options(
      "Contact: \"a, \\\",b\" <sip:x,y@h>;q=1 , <sip:z@h>\r\n"
      "Contact: sip:last@h\r\n");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_THAT(Values(message, HeaderId::kContact),
              ElementsAre("\"a, \\\",b\" <sip:x,y@h>;q=1", "<sip:z@h>", "sip:last@h"));
  std::vector<std::string> uris;
  AddressReader contacts(message, HeaderId::kContact);
  for (NameAddr contact; contacts.Next(&contact);) uris.emplace_back(contact.uri);
  EXPECT_THAT(uris, ElementsAre("sip:x,y@h", "sip:z@h", "sip:last@h"));
  EXPECT_EQ(contacts.error(), ParseError::kOk);
}

TEST(MessageTest, EmptyListsAndEmptyValues) {
  const std::string text = Options("Supported:\r\nRoute: <sip:a>,,<sip:b>,\r\nAllow: A,\r\n");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_THAT(Values(message, HeaderId::kSupported), ElementsAre());
  EXPECT_THAT(Values(message, HeaderId::kRoute), ElementsAre("<sip:a>", "", "<sip:b>", ""));
  AddressReader routes(message, HeaderId::kRoute);
  NameAddr route;
  EXPECT_TRUE(routes.Next(&route));
  EXPECT_FALSE(routes.Next(&route)) << "an empty value is no address";
  EXPECT_NE(routes.error(), ParseError::kOk);
  EXPECT_FALSE(routes.Next(&route));
}

TEST(MessageTest, TokensOfLists) {
  const std::string text = Options("Supported: 100rel, timer\r\nk: replaces\r\n");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_TRUE(message.HasToken(HeaderId::kSupported, "timer"));
  EXPECT_TRUE(message.HasToken(HeaderId::kSupported, "100REL"));
  EXPECT_TRUE(message.HasToken(HeaderId::kSupported, "replaces"));
  EXPECT_FALSE(message.HasToken(HeaderId::kSupported, "100"));
  EXPECT_FALSE(message.HasToken(HeaderId::kRequire, "timer"));
}

TEST(MessageTest, TypedReadersSayWhatIsMissing) {
  Message message;
  const std::string text = Options("Max-Forwards: 256\r\nExpires: 60\r\n");
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  Via via;
  NameAddr address;
  CSeqValue cseq;
  RAckValue rack;
  uint32_t number = 0;
  EXPECT_EQ(message.TopVia(&via), ParseError::kMissing);
  EXPECT_EQ(message.From(&address), ParseError::kMissing);
  EXPECT_EQ(message.To(&address), ParseError::kMissing);
  EXPECT_EQ(message.Contact(&address), ParseError::kMissing);
  EXPECT_EQ(message.CSeq(&cseq), ParseError::kMissing);
  EXPECT_EQ(message.RAck(&rack), ParseError::kMissing);
  EXPECT_EQ(message.ContentLength(&number), ParseError::kMissing);
  EXPECT_EQ(message.MaxForwards(&number), ParseError::kNumber);
  EXPECT_EQ(message.Number(HeaderId::kExpires, &number), ParseError::kOk);
  EXPECT_EQ(number, 60u);
  EXPECT_EQ(message.call_id(), "");
}

TEST(MessageTest, AnIndexForgetsTheMessageBefore) {
  const std::string first = Options("Call-ID: 1\r\nCall-ID: 2\r\nTo: <sip:h>\r\n", "body");
  Message message;
  ASSERT_EQ(message.Index(first), ParseError::kOk);
  EXPECT_EQ(message.repeated(), HeaderId::kCallId);
  ASSERT_EQ(message.Index("SIP/2.0 200 OK\r\nFrom: <sip:h>\r\n\r\n"), ParseError::kOk);
  EXPECT_EQ(message.repeated(), HeaderId::kUnknown);
  EXPECT_FALSE(message.Has(HeaderId::kTo));
  EXPECT_EQ(message.body(), "");
  EXPECT_EQ(message.request_uri(), "");
  EXPECT_EQ(message.method_text(), "");
}

TEST(MessageTest, PeeksTheCallIdInItsForms) {
  const std::string plain = Options("To: x\r\nCall-ID: a@b\r\n");
  EXPECT_EQ(PeekCallId(plain), "a@b");
  const std::string folded = Options("i \t:\r\n  7\r\nCall-ID: 8\r\n");
  EXPECT_EQ(PeekCallId(folded), "7");
  EXPECT_EQ(PeekCallId(Options("Contact: x\r\nSubject: Call-ID: 8\r\n", "Call-ID: 9\r\n")), "");
  EXPECT_EQ(PeekCallId(Options("Subject: x\r\n Call-ID: 8\r\n")), "");
  EXPECT_EQ(PeekCallId("\r\n\r\n"), "");
}

}  // namespace
}  // namespace core::sip

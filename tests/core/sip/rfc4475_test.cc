#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "core/sip/digest.h"
#include "core/sip/message.h"
#include "core/sip/small_headers.h"
#include "core/sip/uri.h"
#include "core/sip/verdict.h"
#include "tests/core/sip/parse_error_printer.h"
#include "tests/support/corpus.h"

namespace core::sip {
namespace {

// Goal: each of the 49 torture messages of RFC 4475 is taken as that RFC says. The table holds what
// our user agent does with it, after Judge() and JudgeAbilities(), and why; `Check` looks closer at
// what the RFC says of single fields. Where the RFC leaves a choice we take the strict one: what we
// cannot read for certain we do not pass on.

constexpr std::string_view kOptionTags[] = {"100rel", "timer", "replaces"};
constexpr std::string_view kMediaTypes[] = {"application/sdp"};
constexpr uint16_t kProcessed = 0;
constexpr uint16_t kDropped = 1;

struct Torture {
  const char* name;
  uint16_t expected;  // The status code we answer, or one of the two above.
  const char* why;
};

constexpr Torture kMessages[] = {
    // 3.1.1: valid messages.
    {"wsinv", kProcessed, "folds, spaces and compact names wherever the grammar lets them stand"},
    {"intmeth", 501, "an unusual but well-formed method that we do not know"},
    {"esc01", kProcessed, "escapes in URIs are left as they are and understood when asked for"},
    {"escnull", kProcessed, "%00 in a user is a character like any other"},
    {"esc02", 501, "escapes mean nothing in a method: RE%47IST%45R is not REGISTER"},
    {"lwsdisp", kProcessed, "no space is needed between display name and bracket"},
    {"longreq", kProcessed, "length alone is no fault"},
    {"dblreq", kProcessed, "what follows the body in a datagram is ignored"},
    {"semiuri", kProcessed, "a semicolon in the user part begins no parameter"},
    {"transports", kProcessed, "an unknown transport in a Via is legal"},
    {"mpart01", kProcessed, "a binary multipart body is no business of the index"},
    {"unreason", kProcessed, "a reason phrase may be any UTF-8 text"},
    {"noreason", kProcessed, "a reason phrase may be empty"},
    // 3.1.2: invalid messages.
    {"badinv01", 400, "separators without values in Via and Contact"},
    {"clerr", 400, "a datagram shorter than its Content-Length (§18.3)"},
    {"ncl", 400, "a negative Content-Length"},
    {"scalar02", 400, "a CSeq of 2**65; the other numbers are as large"},
    {"scalarlg", kDropped, "a response with a CSeq out of range"},
    {"quotbal", 400, "a quoted display name without end"},
    {"ltgtruri", 400, "a Request-URI in < >"},
    {"lwsruri", 400, "white space in the Request-URI"},
    {"lwsstart", 400, "more than one space between the parts of the start line"},
    {"trws", 400, "white space at the end of the start line"},
    {"escruri", 400, "header fields escaped into the Request-URI"},
    {"baddate", kProcessed, "a Date not in GMT: we read no Date, so it is as good as absent"},
    {"regbadct", 400, "a Contact whose URI has a ? and no brackets"},
    {"badaspec", 400, "spaces inside the brackets of To"},
    {"baddn", 400, "display names with a comma and no quotes"},
    {"badvers", 505, "SIP/7.0"},
    {"mismatch01", 400, "the method of the CSeq is not the request's"},
    {"mismatch02", 501, "the same, but the method is unknown: 501 serves the future better"},
    {"bigcode", kDropped, "a status code of more than three digits"},
    // 3.2: transaction layer.
    {"badbranch", kProcessed, "the bare cookie is matched as in RFC 2543"},
    // 3.3: application layer.
    {"insuf", 400, "To, From and Call-ID are missing"},
    {"unkscm", 416, "a Request-URI of unknown scheme"},
    {"novelsc", 416, "a Request-URI of a known scheme that is not SIP's"},
    {"unksm2", 400, "a REGISTER whose To is no SIP or SIPS URI"},
    {"bext01", 420, "Require names what nothing supports; Proxy-Require is not for us"},
    {"invut", 415, "a body of unknown type"},
    {"regaut01", kProcessed, "credentials of an unknown scheme are no credentials: see the check"},
    {"multi01", 400, "fields that may stand once stand twice"},
    {"mcl01", 400, "two Content-Lengths that differ"},
    {"bcast", kDropped, "a response with a second Via is not for us (§8.1.3.3)"},
    {"zeromf", kProcessed,
     "Max-Forwards 0 reaches its last hop: we answer, and relay nothing (483)"},
    {"cparam01", kProcessed, "without brackets a parameter belongs to the Contact"},
    {"cparam02", kProcessed, "in brackets it belongs to the URI"},
    {"regescrt", kProcessed, "an escaped header field in a Contact's URI, in brackets, is legal"},
    {"sdp01", 406, "an INVITE that accepts no SDP"},
    // 3.4: backward compatibility.
    {"inv2543", kProcessed, "RFC 2543: no branch, no From tag, no Max-Forwards, no Content-Length"},
};
static_assert(std::size(kMessages) == 49);

std::string Read(const char* name) { return ReadCorpus("rfc4475/" + std::string(name) + ".dat"); }

uint16_t WhatWeDo(const Message& message) {
  Verdict verdict = Judge(message);
  if (verdict.ok() && message.is_request()) {
    verdict = JudgeAbilities(message, {kOptionTags, kMediaTypes});
  }
  if (verdict.action == Verdict::Action::kDrop) return kDropped;
  return verdict.status_code;
}

TEST(Rfc4475Test, EachMessageIsTakenAsTheRfcSays) {
  for (const Torture& torture : kMessages) {
    const std::string text = Read(torture.name);
    Message message;
    (void)message.Index(text);  // Judge() is told by the message itself.
    EXPECT_EQ(WhatWeDo(message), torture.expected) << torture.name << ": " << torture.why;
  }
}

TEST(Rfc4475Test, TheTableHoldsEveryFileOnce) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/corpus/rfc4475")) {
    const std::string stem = entry.path().stem();
    EXPECT_EQ(std::count_if(std::begin(kMessages), std::end(kMessages),
                            [&](const Torture& torture) { return torture.name == stem; }),
              1)
        << stem;
    ++files;
  }
  EXPECT_EQ(files, std::size(kMessages));
}

// A message of the corpus with its bytes.
struct Indexed {
  explicit Indexed(const char* name) : text(Read(name)) { error = message.Index(text); }
  std::string text;
  Message message;
  ParseError error;
};

Uri ParsedUri(std::string_view text) {
  Uri uri;
  EXPECT_EQ(ParseUri(text, &uri), ParseError::kOk) << text;
  return uri;
}

std::string Unescaped(std::string_view text) {
  char memory[256];
  return std::string(Unescape(text, memory).value_or("no escape"));
}

TEST(Rfc4475Test, WsinvFoldsAndSpaces) {
  const Indexed wsinv("wsinv");
  NameAddr to;
  ASSERT_EQ(wsinv.message.To(&to), ParseError::kOk);
  EXPECT_EQ(to.uri, "sip:vivekg@chair-dnrc.example.com");
  EXPECT_EQ(to.tag, "1918181833n");
  NameAddr from;
  ASSERT_EQ(wsinv.message.From(&from), ParseError::kOk);
  EXPECT_EQ(from.display_name, R"(J Rosenberg \\\")");
  EXPECT_EQ(from.tag, "98asjd8");
  uint32_t hops = 0;
  EXPECT_EQ(wsinv.message.MaxForwards(&hops), ParseError::kOk);
  EXPECT_EQ(hops, 68u);
  CSeqValue cseq;
  ASSERT_EQ(wsinv.message.CSeq(&cseq), ParseError::kOk);
  EXPECT_EQ(cseq.sequence_number, 9u);
  EXPECT_EQ(wsinv.message.body().size(), 150u);
  EXPECT_EQ(wsinv.message.Find(HeaderId::kSubject), "");
  EXPECT_EQ(wsinv.message.FindByName("UnknownHeaderWithUnusualValue"), ";;,,;;,;");
  NameAddr contact;
  ASSERT_EQ(wsinv.message.Contact(&contact), ParseError::kOk);
  EXPECT_EQ(contact.display_name, R"(Quoted string \"\")");
  EXPECT_EQ(contact.parameters.Find("newparam"), "newvalue");
  EXPECT_EQ(contact.parameters.Find("q"), "0.33");
}

TEST(Rfc4475Test, WsinvViasOfTwoLinesAreThree) {
  const Indexed wsinv("wsinv");
  std::vector<std::string> branches;
  std::vector<std::string> hosts;
  ListReader vias(wsinv.message, HeaderId::kVia);
  for (std::string_view value; vias.Next(&value);) {
    Via via;
    ASSERT_EQ(ParseVia(value, &via), ParseError::kOk) << value;
    branches.emplace_back(via.branch);
    hosts.emplace_back(via.sent_by.host);
  }
  EXPECT_THAT(branches, testing::ElementsAre("390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"));
  EXPECT_THAT(hosts, testing::ElementsAre("192.0.2.2", "spindle.example.com", "192.168.255.111"));
}

TEST(Rfc4475Test, IntmethIsUnusualAndReadable) {
  const Indexed intmeth("intmeth");
  EXPECT_EQ(intmeth.error, ParseError::kOk);
  EXPECT_EQ(intmeth.message.method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
  const Uri uri = ParsedUri(intmeth.message.request_uri());
  EXPECT_EQ(uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
  EXPECT_EQ(uri.host_port.host, "example.com");
  NameAddr to;
  ASSERT_EQ(intmeth.message.To(&to), ParseError::kOk);
  EXPECT_EQ(to.display_name, std::string_view("BEL:\\\x07 NUL:\\\0 DEL:\\\x7f", 20));
  NameAddr from;
  ASSERT_EQ(intmeth.message.From(&from), ParseError::kOk);
  EXPECT_EQ(from.display_name, "token1~` token2'+_ token3*%!.-");
  EXPECT_EQ(from.tag, "_token~1'+`*%!-.");
  CSeqValue cseq;
  ASSERT_EQ(intmeth.message.CSeq(&cseq), ParseError::kOk);
  EXPECT_EQ(cseq.method_text, intmeth.message.method_text());
}

TEST(Rfc4475Test, EscapesMeanWhatTheyStandFor) {
  const Indexed esc01("esc01");
  EXPECT_EQ(Unescaped(ParsedUri(esc01.message.request_uri()).user), "sips:user@example.com");
  NameAddr to;
  ASSERT_EQ(esc01.message.To(&to), ParseError::kOk);
  EXPECT_TRUE(Equivalent(ParsedUri(to.uri), ParsedUri("sip:user@example.com")));
  NameAddr contact;
  ASSERT_EQ(esc01.message.Contact(&contact), ParseError::kOk);
  const Uri uri = ParsedUri(contact.uri);
  EXPECT_EQ(Unescaped(uri.user), "caller");
  EXPECT_EQ(FindUriParameter(uri, "lr"), "");
  EXPECT_EQ(Unescaped(*FindUriParameter(uri, "name")), "value%41");

  const Indexed esc02("esc02");
  EXPECT_EQ(esc02.message.Count(HeaderId::kContact), 2u) << "C%6Fntact is another field";
  EXPECT_TRUE(esc02.message.FindByName("C%6Fntact").has_value());
  ASSERT_EQ(esc02.message.To(&to), ParseError::kOk);
  EXPECT_EQ(to.display_name, "%Z%45");

  const Indexed escnull("escnull");
  ASSERT_EQ(escnull.message.To(&to), ParseError::kOk);
  EXPECT_EQ(Unescaped(ParsedUri(to.uri).user), std::string("null-\0-null", 11));
  AddressReader contacts(escnull.message, HeaderId::kContact);
  NameAddr first;
  NameAddr second;
  ASSERT_TRUE(contacts.Next(&first) && contacts.Next(&second));
  EXPECT_FALSE(Equivalent(ParsedUri(first.uri), ParsedUri(second.uri)));
}

TEST(Rfc4475Test, ValidMessagesInTheirParts) {
  const Indexed lwsdisp("lwsdisp");
  NameAddr address;
  ASSERT_EQ(lwsdisp.message.From(&address), ParseError::kOk);
  EXPECT_EQ(address.display_name, "caller");

  const Indexed longreq("longreq");
  EXPECT_EQ(longreq.message.Count(HeaderId::kVia), 34u);
  ASSERT_EQ(longreq.message.To(&address), ParseError::kOk);
  EXPECT_EQ(ParsedUri(address.uri).host_port.port, 6000);

  const Indexed dblreq("dblreq");
  EXPECT_EQ(dblreq.message.method(), Method::kRegister);
  EXPECT_EQ(dblreq.message.body(), "");
  EXPECT_EQ(dblreq.message.call_id(), "dblreq.0ha0isndaksdj99sdfafnl3lk233412");

  const Indexed semiuri("semiuri");
  const Uri uri = ParsedUri(semiuri.message.request_uri());
  EXPECT_EQ(Unescaped(uri.user), "user;par=u@example.net");
  EXPECT_EQ(uri.parameters, "");

  const Indexed mpart01("mpart01");
  EXPECT_EQ(mpart01.message.body().size(), 553u);
  MediaType type;
  ASSERT_EQ(ParseMediaType(*mpart01.message.Find(HeaderId::kContentType), &type), ParseError::kOk);
  EXPECT_EQ(type.parameters.Find("boundary"), "7a9cbec02ceef655");

  EXPECT_EQ(Indexed("unreason").message.status_code(), 200);
  EXPECT_EQ(Indexed("unreason").message.reason(),
            "= 2**3 * 5**2 но сто девяносто девять - простое");
  EXPECT_EQ(Indexed("noreason").message.status_code(), 100);
  EXPECT_EQ(Indexed("noreason").message.reason(), "");
}

TEST(Rfc4475Test, EachTransportIsAName) {
  const Indexed transports("transports");
  std::vector<std::string> names;
  ListReader vias(transports.message, HeaderId::kVia);
  for (std::string_view value; vias.Next(&value);) {
    Via via;
    ASSERT_EQ(ParseVia(value, &via), ParseError::kOk) << value;
    names.emplace_back(via.transport);
  }
  EXPECT_THAT(names, testing::ElementsAre("UDP", "SCTP", "TLS", "UNKNOWN", "TCP"));
}

// The reason for each refusal is the one that the RFC names, not another that the message happens
// to give as well.
TEST(Rfc4475Test, EachFaultIsFoundWhereItIs) {
  const std::pair<const char*, std::string_view> reasons[] = {
      {"badinv01", "Malformed Via"},
      {"clerr", "Body Shorter Than Content-Length"},
      {"ncl", "Bad Content-Length"},
      {"scalar02", "Malformed CSeq"},
      {"quotbal", "Malformed To"},
      {"ltgtruri", "Malformed Request-URI"},
      {"lwsruri", "Malformed Request-Line"},
      {"lwsstart", "Malformed Request-Line"},
      {"trws", "Malformed Request-Line"},
      {"escruri", "Header Fields in Request-URI"},
      {"regbadct", "Malformed Contact"},
      {"badaspec", "Malformed To"},
      {"baddn", "Malformed To"},
      {"mismatch01", "CSeq Method Mismatch"},
      {"insuf", "Missing To"},
      {"unksm2", "To Is No Address of Record"},
      {"multi01", "Repeated Header Field"},
      {"mcl01", "Bad Content-Length"},
  };
  for (const auto& [name, reason] : reasons) {
    EXPECT_EQ(Judge(Indexed(name).message).reason, reason) << name;
  }
}

TEST(Rfc4475Test, NumbersOutOfRangeAreRefusedByTheirReaders) {
  const Indexed scalar02("scalar02");
  uint32_t number = 0;
  EXPECT_EQ(scalar02.message.MaxForwards(&number), ParseError::kNumber);
  EXPECT_EQ(scalar02.message.Number(HeaderId::kExpires, &number), ParseError::kNumber);
  NameAddr contact;
  ASSERT_EQ(scalar02.message.Contact(&contact), ParseError::kOk);
  EXPECT_EQ(ParseNumber(*contact.parameters.Find("expires"), &number), ParseError::kNumber);

  const Indexed scalarlg("scalarlg");
  RetryAfter retry_after;
  EXPECT_EQ(ParseRetryAfter(*scalarlg.message.Find(HeaderId::kRetryAfter), &retry_after),
            ParseError::kNumber);
  Warning warning;
  EXPECT_EQ(ParseWarning(*scalarlg.message.Find(HeaderId::kWarning), &warning),
            ParseError::kNumber);
  EXPECT_EQ(Indexed("bigcode").error, ParseError::kStatusCode);
}

TEST(Rfc4475Test, ApplicationLayerInItsParts) {
  const Indexed bext01("bext01");
  char memory[128];
  TextWriter unsupported(memory);
  WriteUnsupportedTags(bext01.message, kOptionTags, &unsupported);
  EXPECT_EQ(unsupported.text(), "nothingSupportsThis, nothingSupportsThisEither");

  const Indexed badbranch("badbranch");
  Via via;
  ASSERT_EQ(badbranch.message.TopVia(&via), ParseError::kOk);
  EXPECT_FALSE(via.has_cookie());

  uint32_t hops = 7;
  EXPECT_EQ(Indexed("zeromf").message.MaxForwards(&hops), ParseError::kOk);
  EXPECT_EQ(hops, 0u);

  // A registrar that asks for credentials challenges again (401).
  const Indexed regaut01("regaut01");
  DigestCredentials credentials;
  EXPECT_EQ(ParseDigestCredentials(*regaut01.message.Find(HeaderId::kAuthorization), &credentials),
            ParseError::kToken);
}

TEST(Rfc4475Test, ContactParametersAndHeaders) {
  NameAddr contact;
  const Indexed cparam01("cparam01");
  ASSERT_EQ(cparam01.message.Contact(&contact), ParseError::kOk);
  EXPECT_TRUE(contact.parameters.Has("unknownparam"));
  EXPECT_EQ(ParsedUri(contact.uri).parameters, "");
  const Indexed cparam02("cparam02");
  ASSERT_EQ(cparam02.message.Contact(&contact), ParseError::kOk);
  EXPECT_FALSE(contact.parameters.Has("unknownparam"));
  EXPECT_TRUE(FindUriParameter(ParsedUri(contact.uri), "unknownparam").has_value());
  const Indexed regescrt("regescrt");
  ASSERT_EQ(regescrt.message.Contact(&contact), ParseError::kOk);
  EXPECT_EQ(ParsedUri(contact.uri).headers, "Route=%3Csip:sip.example.com%3E");
}

TEST(Rfc4475Test, OldMessagesHaveLess) {
  const Indexed inv2543("inv2543");
  Via via;
  ASSERT_EQ(inv2543.message.TopVia(&via), ParseError::kOk);
  EXPECT_EQ(via.branch, "");
  NameAddr from;
  ASSERT_EQ(inv2543.message.From(&from), ParseError::kOk);
  EXPECT_EQ(from.tag, "");
  EXPECT_EQ(ParsedUri(from.uri).user, "+13035551111");
  EXPECT_EQ(inv2543.message.body().substr(0, 3), "v=0");
}

}  // namespace
}  // namespace core::sip

#include "core/sip/verdict.h"

#include <gtest/gtest.h>

#include <string>

namespace core::sip {
namespace {

// Goal: a message that lacks what RFC 3261 §8.1.1 asks for is told so with the status of §8.2 and
// §21, an ACK and a response never (§17.1.1.3, §8.1.3); what the RFC leaves open passes. The
// torture messages of RFC 4475 have a test of their own.

struct Parts {
  std::string start = "INVITE sip:bob@h SIP/2.0";
  std::string via = "SIP/2.0/UDP c.example.com;branch=z9hG4bK1";
  std::string from = "<sip:a@h>;tag=1";
  std::string to = "<sip:b@h>";
  std::string call_id = "7";
  std::string cseq = "1 INVITE";
  std::string more = {};
  std::string body = {};
};

std::string Text(const Parts& parts) {
  const auto line = [](std::string_view name, const std::string& value) {
    return value.empty() ? std::string() : std::string(name) + ": " + value + "\r\n";
  };
  return parts.start + "\r\n" + line("Via", parts.via) + line("From", parts.from) +
         line("To", parts.to) + line("Call-ID", parts.call_id) + line("CSeq", parts.cseq) +
         parts.more + "\r\n" + parts.body;
}

std::string Judged(const Parts& parts) {
  const std::string text = Text(parts);
  Message message;
  (void)message.Index(text);  // Judge() is told by the message itself.
  const Verdict verdict = Judge(message);
  switch (verdict.action) {
    case Verdict::Action::kProcess:
      return "process";
    case Verdict::Action::kDrop:
      return "drop";
    case Verdict::Action::kAnswer:
      break;
  }
  return std::to_string(verdict.status_code) + " " + std::string(verdict.reason);
}

TEST(VerdictTest, AWholeRequestIsProcessedEvenWithoutMaxForwardsAndTag) {
  EXPECT_EQ(Judged({}), "process");
  EXPECT_EQ(Judged({.from = "<sip:a@h>"}), "process");  // RFC 2543's From may have no tag.
  EXPECT_EQ(Judged({.more = "Max-Forwards: 0\r\n"}), "process");
}

// What begins as a response is one, however it goes on: cut off anywhere, or without any field.
TEST(VerdictTest, AResponseIsNeverAnswered) {
  const std::string whole =
      Text({.start = "SIP/2.0 481 Call/Transaction Does Not Exist", .cseq = "2 BYE"});
  for (size_t size = 0; size < whole.size(); ++size) {
    Message message;
    (void)message.Index(std::string_view(whole).substr(0, size));
    EXPECT_EQ(Judge(message).action, Verdict::Action::kDrop) << size;
  }
  for (const char* start :
       {"SIP/2.0 481 Gone", "SIP/2.0 481 ", "SIP/2.0 481", "sip/2.0 481 Gone"}) {
    EXPECT_EQ(Judged({.start = start, .cseq = "2 BYE"}), "process") << start;
    EXPECT_EQ(Judged({.start = start, .via = "", .cseq = "2 BYE"}), "drop") << start;
    EXPECT_EQ(Judged({.start = start, .from = "", .cseq = "2 BYE"}), "drop") << start;
    EXPECT_EQ(Judged({.start = start, .to = "", .cseq = "2 BYE"}), "drop") << start;
    EXPECT_EQ(Judged({.start = start, .call_id = "", .cseq = "2 BYE"}), "drop") << start;
    EXPECT_EQ(Judged({.start = start, .cseq = ""}), "drop") << start;
  }
  for (const char* start :
       {"SIP/2.0  481 Gone", "SIP/2.0 81 Gone", "SIP/2.0", "SIP/3.0 481 Gone"}) {
    EXPECT_EQ(Judged({.start = start, .cseq = "2 BYE"}), "drop") << start;
  }
}

TEST(VerdictTest, MandatoryFields) {
  EXPECT_EQ(Judged({.from = ""}), "400 Missing From");
  EXPECT_EQ(Judged({.to = ""}), "400 Missing To");
  EXPECT_EQ(Judged({.call_id = ""}), "400 Missing Call-ID");
  EXPECT_EQ(Judged({.cseq = ""}), "400 Missing CSeq");
  EXPECT_EQ(Judged({.via = ""}), "drop") << "nothing says where the answer goes";
}

TEST(VerdictTest, MalformedFields) {
  EXPECT_EQ(Judged({.via = "SIP/2.0/UDP ;"}), "400 Malformed Via");
  EXPECT_EQ(Judged({.from = "<sip:a@h"}), "400 Malformed From");
  EXPECT_EQ(Judged({.from = "<sip:a@@h>"}), "400 Malformed From");
  EXPECT_EQ(Judged({.to = "*"}), "400 Malformed To");
  EXPECT_EQ(Judged({.cseq = "2147483648 INVITE"}), "400 Malformed CSeq");
  EXPECT_EQ(Judged({.cseq = "1 BYE"}), "400 CSeq Method Mismatch");
  EXPECT_EQ(Judged({.more = "Max-Forwards: many\r\n"}), "400 Malformed Max-Forwards");
  EXPECT_EQ(Judged({.more = "Contact: <sip:a@h:0>\r\n"}), "400 Malformed Contact");
  EXPECT_EQ(Judged({.more = "Contact: *\r\n"}), "400 Malformed Contact");  // Only in a REGISTER.
  EXPECT_EQ(Judged({.more = "Route: <sip:a@h>,\r\n"}), "400 Malformed Route");
  EXPECT_EQ(Judged({.more = "Record-Route: sip:\r\n"}), "400 Malformed Record-Route");
  EXPECT_EQ(Judged({.more = "no header field\r\n"}), "400 Malformed Header Field");
}

TEST(VerdictTest, RepeatedSingleFields) {
  for (const std::string name : {"From", "To", "Call-ID", "CSeq", "Max-Forwards"}) {
    const std::string lines = name + ": <sip:a@h>\r\n" + name + ": <sip:a@h>\r\n";
    EXPECT_EQ(Judged({.more = lines}), "400 Repeated Header Field") << name;
  }
  EXPECT_EQ(Judged({.more = "Contact: <sip:a@h>\r\nContact: <sip:b@h>\r\n"}), "process");
}

TEST(VerdictTest, Framing) {
  EXPECT_EQ(Judged({.start = "INVITE sip:bob@h SIP/3.0"}), "505 Version Not Supported");
  EXPECT_EQ(Judged({.more = "Content-Length: 9\r\n"}), "400 Body Shorter Than Content-Length");
  EXPECT_EQ(Judged({.more = "Content-Length: x\r\n"}), "400 Bad Content-Length");
  std::string fields;
  for (size_t i = 0; i <= Message::kHeadersMax; ++i) fields += "A: b\r\n";
  EXPECT_EQ(Judged({.more = fields}), "513 Too Many Header Fields");
}

TEST(VerdictTest, RequestUris) {
  EXPECT_EQ(Judged({.start = "INVITE sip:h?Route=%3Csip:x%3E SIP/2.0"}),
            "400 Header Fields in Request-URI");
  EXPECT_EQ(Judged({.start = "INVITE sip:a@ SIP/2.0"}), "400 Malformed Request-URI");
  EXPECT_EQ(Judged({.start = "INVITE urn:service:sos SIP/2.0"}), "416 Unsupported URI Scheme");
  EXPECT_EQ(Judged({.start = "INVITE tel:+12015550123 SIP/2.0"}), "process");
}

TEST(VerdictTest, UnknownMethodsAreToldSoBeforeTheirCSeqIs) {
  EXPECT_EQ(Judged({.start = "FLY sip:h SIP/2.0"}), "501 Not Implemented");
  EXPECT_EQ(Judged({.start = "invite sip:h SIP/2.0"}), "501 Not Implemented");
}

TEST(VerdictTest, AcksAndResponsesAreNeverAnswered) {
  EXPECT_EQ(Judged({.start = "ACK sip:bob@h SIP/2.0", .cseq = "1 ACK"}), "process");
  EXPECT_EQ(Judged({.start = "ACK sip:bob@h SIP/2.0", .from = "", .cseq = "1 ACK"}), "drop");
  EXPECT_EQ(Judged({.start = "SIP/2.0 200 OK"}), "process");
  EXPECT_EQ(Judged({.start = "SIP/2.0 200 OK", .to = ""}), "drop");
  EXPECT_EQ(Judged({.start = "SIP/2.0 200 OK", .cseq = "x"}), "drop");
  EXPECT_EQ(Judged({.start = "SIP/2.0 200 OK", .more = "Content-Length: 5\r\n"}), "drop");
  EXPECT_EQ(Judged({.start = "SIP/3.0 200 OK"}), "drop");
}

// §8.1.3.3: a response with a second Via belongs to someone else.
TEST(VerdictTest, AResponseHasOneVia) {
  EXPECT_EQ(Judged({.start = "SIP/2.0 200 OK", .more = "Via: SIP/2.0/UDP h\r\n"}), "drop");
  EXPECT_EQ(Judged({.start = "SIP/2.0 200 OK", .via = "SIP/2.0/UDP h, SIP/2.0/UDP i"}), "drop");
}

TEST(VerdictTest, NoiseIsDropped) {
  for (const std::string_view noise :
       {"", "\r\n\r\n", "\x80\x60 rtp", "hello\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    Message message;
    (void)message.Index(noise);  // Judge() is told by the message itself.
    EXPECT_EQ(Judge(message).action, Verdict::Action::kDrop) << noise;
  }
}

constexpr std::string_view kOptionTags[] = {"100rel", "timer"};
constexpr std::string_view kMediaTypes[] = {"application/sdp"};
constexpr Abilities kAbilities{kOptionTags, kMediaTypes};

uint16_t AbilityOf(const Parts& parts) {
  const std::string text = Text(parts);
  Message message;
  EXPECT_EQ(message.Index(text), ParseError::kOk) << text;
  return JudgeAbilities(message, kAbilities).status_code;
}

TEST(VerdictTest, RequiredOptionTags) {  // §8.2.2.3
  EXPECT_EQ(AbilityOf({.more = "Require: timer, 100rel\r\n"}), 0);
  EXPECT_EQ(AbilityOf({.more = "Require: timer\r\nRequire: path, gruu\r\n"}), 420);
  EXPECT_EQ(AbilityOf({.start = "CANCEL sip:h SIP/2.0", .more = "Require: path\r\n"}), 0);
  EXPECT_EQ(AbilityOf({.start = "ACK sip:h SIP/2.0", .more = "Require: path\r\n"}), 0);

  const std::string text = Text({.more = "Require: timer, path\r\nRequire: gruu\r\n"});
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  char memory[64];
  TextWriter unsupported(memory);
  WriteUnsupportedTags(message, kOptionTags, &unsupported);
  EXPECT_EQ(unsupported.text(), "path, gruu");
}

TEST(VerdictTest, BodiesWeCannotRead) {  // §8.2.3
  EXPECT_EQ(AbilityOf({.more = "c: application/SDP\r\n", .body = "v=0"}), 0);
  EXPECT_EQ(AbilityOf({.more = "c: application/isup\r\n", .body = "x"}), 415);
  EXPECT_EQ(AbilityOf({.body = "x"}), 415);
  EXPECT_EQ(AbilityOf({.more = "c: application/isup\r\n"}), 0) << "no body, no fault";
  EXPECT_EQ(AbilityOf({.more = "c: a/b\r\nContent-Disposition: signal;handling=optional\r\n",
                       .body = "x"}),
            0);
  EXPECT_EQ(AbilityOf({.start = "MESSAGE sip:h SIP/2.0", .more = "c: text/plain\r\n", .body = "x"}),
            0);
}

TEST(VerdictTest, AnswersThatNobodyWants) {  // §21.4.7
  EXPECT_EQ(AbilityOf({.more = "Accept: text/nobodyKnowsThis\r\n"}), 406);
  EXPECT_EQ(AbilityOf({.more = "Accept: text/plain, application/*;q=0.5\r\n"}), 0);
  EXPECT_EQ(AbilityOf({.more = "Accept: */*\r\n"}), 0);
  EXPECT_EQ(AbilityOf({.more = "Accept:\r\n"}), 406);
}

}  // namespace
}  // namespace core::sip

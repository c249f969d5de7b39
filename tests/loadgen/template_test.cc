// Message templates expand as SIPp expands them. Where an expectation says so it is what Debian's
// sipp 3.6.1 sent for the same text and the same received message; the three places where we send
// a better message on purpose say that.

#include "loadgen/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/loadgen/template_fixture.h"
#include "tests/support/allocations.h"

namespace loadgen {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kInvite =
    "INVITE sip:bob@127.0.0.1:5060;x=1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\n"
    "VIA:  SIP/2.0/UDP 127.0.0.3:9;branch=z9hG4bK3 \r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:a@h>;tag=f1\r\n"
    "to:   <sip:b@h;p=1>;transport=UDP\r\n"
    "Call-ID: cid-1@x\r\n"
    "CSeq: 77 INVITE\r\n"
    "Record-Route: <sip:1.1.1.1;lr>,<sip:1.1.1.2;lr>\r\n"
    "Record-Route: <sip:2.2.2.2;lr>\r\n"
    "X-Two: 1\r\n"
    "X-Empty: \r\n"
    "x-two: 2\r\n"
    "Content-Length: 5\r\n\r\n"
    "abcde";

TEST(TemplateTest, AddressesAndNumbers) {
  TemplateFixture fixture;
  EXPECT_EQ(fixture.Expand("[remote_ip] [remote_host] [remote_port] [remote_port+2] [transport]"),
            "192.0.2.1 peer.example 5060 5062 UDP");
  EXPECT_EQ(fixture.Expand("[local_ip] [local_ip_type] [local_port] [local_port-1] [server_ip]"),
            "192.0.2.9 4 5070 5069 192.0.2.9");
  EXPECT_EQ(fixture.Expand("[media_ip] [media_ip_type] [media_port] [media_port+1]"),
            "192.0.2.8 4 6000 6001");
  EXPECT_EQ(fixture.Expand("[auto_media_port] [auto_media_port+1]"), "6008 6009");  // Third call.
  fixture.context.media_port = 7000;  // A call that has ports of its own.
  EXPECT_EQ(fixture.Expand("[media_port] [auto_media_port+1] [rtpstream_audio_port+2]"),
            "7000 7001 7002");
  fixture.context.media_port = 0;
  EXPECT_EQ(fixture.Expand("[pid] [call_number] [call_id] [service] [users] [userid] [msg_index]"),
            "4711 3 3-4711@192.0.2.9 service -1 0 7");
  EXPECT_EQ(fixture.Expand("[cseq] [cseq+1] [sipp_version] [clock_tick]"), "1 2 3.6 0");
}

// Trap 4: z9hG4bK-pid-call-index, where the index counts steps and an offset moves it.
TEST(TemplateTest, BranchNamesCallAndStep) {
  TemplateFixture fixture;
  EXPECT_EQ(fixture.Expand("[branch] [branch-4] [branch+2]"),
            "z9hG4bK-4711-3-7 z9hG4bK-4711-3-3 z9hG4bK-4711-3-9");
}

TEST(TemplateTest, TimesAreSippsForms) {
  TemplateFixture fixture;
  fixture.context.wall.unix_us = 1795386186'080211;
  EXPECT_EQ(fixture.Expand("[timestamp]"), "2026-11-22\t22:23:06.080211\t1795386186.080211");
  EXPECT_EQ(fixture.Expand("[date]"), "Sun, 22 Nov 2026 22:23:06 GMT");
  fixture.run.utc_offset_s = 3600;
  EXPECT_EQ(fixture.Expand("[timestamp]"), "2026-11-22\t23:23:06.080211\t1795386186.080211");
}

TEST(TemplateTest, BytesAndBrackets) {
  TemplateFixture fixture;
  EXPECT_EQ(fixture.Expand("\\x5Bx\\x5D \\x41B"), "[x] AB");
  // Of fewer than two digits sipp loses the character behind: so do we.
  EXPECT_EQ(fixture.Expand("\\x4 \\xZZ \\q"), "\x04Z \\q");
  EXPECT_EQ(fixture.Expand("[[local_ip]]:[[pid] ]"), "[192.0.2.9]:[4711 ]");
  EXPECT_EQ(fixture.Expand("a\nb"), "a\r\nb");
}

// Trap 2: a whole header field, all of its name in one line; nothing where it is absent.
TEST(TemplateTest, LastHeader) {
  TemplateFixture fixture;
  fixture.Receive(kInvite);
  EXPECT_EQ(fixture.Expand("[last_Via:]"),
            "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1, "
            "SIP/2.0/UDP 127.0.0.3:9;branch=z9hG4bK3");
  EXPECT_EQ(fixture.Expand("A: [last_From]|"), "A: From: <sip:a@h>;tag=f1|");
  EXPECT_EQ(fixture.Expand("[last_To:];tag=1"), "to:   <sip:b@h;p=1>;transport=UDP;tag=1");
  EXPECT_EQ(fixture.Expand("[last_t:]"), "to:   <sip:b@h;p=1>;transport=UDP");
  EXPECT_EQ(fixture.Expand("<[last_X-Empty:]>"), "<X-Empty:>");
  EXPECT_EQ(fixture.Expand("[last_X-Two:]"), "X-Two: 1, 2");
  EXPECT_EQ(fixture.Expand("<[last_Nope:]>"), "<>");
  EXPECT_EQ(fixture.Expand("[last_Record-Route:]"),
            "Record-Route: <sip:1.1.1.1;lr>,<sip:1.1.1.2;lr>, <sip:2.2.2.2;lr>");
  EXPECT_EQ(fixture.Expand("[last_Request_URI] [last_cseq_number] [last_cseq_number+1]"),
            "sip:b@h;p=1 77 78");
  EXPECT_EQ(fixture.Expand("[last_message]"), std::string(kInvite));
}

// A compact form answers to the long name, and keeps its spelling, as with sipp. Where both are in
// one message sipp loses one of the two; we join them.
TEST(TemplateTest, LastHeaderInCompactForm) {
  TemplateFixture fixture;
  fixture.Receive(
      "OPTIONS sip:b@h SIP/2.0\r\nv:  SIP/2.0/UDP h;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP i\r\n"
      "f: <sip:a@h>\r\nt: <sip:b@h>\r\ni: c\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n");
  EXPECT_EQ(fixture.Expand("[last_Via:]"), "v:  SIP/2.0/UDP h;branch=z9hG4bK1, SIP/2.0/UDP i");
  EXPECT_EQ(fixture.Expand("[last_From:]|[last_Call-ID:]|[last_Content-Length:]"),
            "f: <sip:a@h>|i: c|l: 0");
}

// Without a received message everything of it is empty.
TEST(TemplateTest, LastOfNothing) {
  TemplateFixture fixture;
  EXPECT_EQ(fixture.Expand("a[last_Via:][last_message][last_Request_URI][last_cseq_number]b"),
            "ab");
}

// Trap 3: what expands to nothing at the start of a line takes the line with it, and only there.
TEST(TemplateTest, EmptyLineIsSwallowed) {
  TemplateFixture fixture;
  fixture.Receive(kInvite);
  EXPECT_EQ(fixture.Expand("A\n[routes]\nB"), "A\r\nB");
  EXPECT_EQ(fixture.Expand("A\n[last_Nope:]\n[$v]\nB"), "A\r\nB");
  EXPECT_EQ(fixture.Expand("A\n[last_Nope:];tag=1\nB"), "A\r\n;tag=1\r\nB");
  EXPECT_EQ(fixture.Expand("A\n[$v] foo\nB"), "A\r\nfoo\r\nB");  // With its leading blank.
  EXPECT_EQ(fixture.Expand("A: [$v]\nB"), "A: \r\nB");
  fixture.context.routes = "<sip:1.1.1.1;lr>, <sip:2.2.2.2;lr>";
  EXPECT_EQ(fixture.Expand("A\n[routes]\nB"),
            "A\r\nRoute: <sip:1.1.1.1;lr>, <sip:2.2.2.2;lr>\r\nB");
}

// On purpose not sipp's bytes: it drops every line end there, so that the body becomes a header
// field; and a keyword that expands behind an empty one loses its line end.
TEST(TemplateTest, OnlyItsOwnLineIsSwallowed) {
  TemplateFixture fixture;
  fixture.context.routes = "<sip:1.1.1.1;lr>";
  EXPECT_EQ(fixture.Expand("A\n[last_Nope:]\n\nbody"), "A\r\n\r\nbody");
  EXPECT_EQ(fixture.Expand("A\n[$v][routes]\nB"), "A\r\nRoute: <sip:1.1.1.1;lr>\r\nB");
}

// Trap 1: five columns, blanks in front.
TEST(TemplateTest, LenIsFiveColumnsWide) {
  TemplateFixture fixture;
  EXPECT_EQ(fixture.Send("OPTIONS sip:a SIP/2.0\nContent-Length: [len]\n\nbody\n x\n"),
            "OPTIONS sip:a SIP/2.0\r\nContent-Length:     9\r\n\r\nbody\r\nx\r\n");
  EXPECT_EQ(fixture.Send("OPTIONS sip:a SIP/2.0\nContent-Length: [len+7]\nX: y\n\nbody"),
            "OPTIONS sip:a SIP/2.0\r\nContent-Length:    11\r\nX: y\r\n\r\nbody");
  EXPECT_EQ(fixture.Send("OPTIONS sip:a SIP/2.0\nContent-Length: [len]\n"),
            "OPTIONS sip:a SIP/2.0\r\nContent-Length:     0\r\n\r\n");
  // Sipp ends the message behind such a [len], with a NUL byte among what follows.
  EXPECT_EQ(fixture.Send("OPTIONS sip:a SIP/2.0\nContent-Length: [len]\nX: y\n"),
            "OPTIONS sip:a SIP/2.0\r\nContent-Length:     0\r\nX: y\r\n\r\n");
}

TEST(TemplateTest, LenCountsWhatExpansionsBring) {
  TemplateFixture fixture;
  fixture.Receive(kInvite);
  const std::string long_body(12345, 'x');
  EXPECT_THAT(fixture.Send("OPTIONS sip:a SIP/2.0\nContent-Length: [len]\n[routes]\n\n[pid]abc"),
              HasSubstr("Content-Length:     7\r\n\r\n4711abc"));
  EXPECT_THAT(fixture.Send("OPTIONS sip:a SIP/2.0\nL: [len]\nX: [last_Nope:]\n\n[last_Call-ID:]"),
              HasSubstr("L:    16\r\nX: \r\n\r\nCall-ID: cid-1@x"));
  // An empty line that a variable brings is the end of the headers.
  const std::optional<VariableId> v = fixture.table.Use("body", 1);
  ASSERT_TRUE(fixture.store.SetText(v->index, VariableType::kString, "\r\n\r\nhello"));
  EXPECT_THAT(fixture.Send("OPTIONS sip:a SIP/2.0\nL: [len]\nX: y[$body]\n"),
              HasSubstr("L:     9\r\nX: y\r\n\r\nhello\r\n\r\n"));
}

// Variables print as %f, true and false (1.5 is sipp's "1.500000").
TEST(TemplateTest, Variables) {
  TemplateFixture fixture;
  const auto number = *fixture.table.Use("n", 1);
  const auto truth = *fixture.table.Use("b", 1);
  const auto text = *fixture.table.Use("t", 1);
  fixture.store.SetNumber(number.index, 1.5);
  fixture.store.SetBool(truth.index, false);
  ASSERT_TRUE(fixture.store.SetText(text.index, VariableType::kRegexp, "abc"));
  EXPECT_EQ(fixture.Expand("[$n] [$b] [$t] [$unset]|"), "1.500000 false abc |");
}

// Trap 10: two -inf files; `file=` by base name, wrong syntax falls to the first one.
TEST(TemplateTest, InjectionFields) {
  TemplateFixture fixture;
  fixture.AddFile("SEQUENTIAL\nalice;b1;c1\nbob;b2\n", "dir/f.csv");
  fixture.AddFile("SEQUENTIAL,PRINTF=3,PRINTFOFFSET=10\nu%03d;x%d\n", "g.csv");
  fixture.lines = {0, 1};
  EXPECT_EQ(fixture.Expand("[field0] [field1] [field2] [field5]|"), "alice b1 c1 |");
  EXPECT_EQ(fixture.Expand("[field0 file=\"g.csv\"] [field1 file=g.csv]"), "u011 x11");
  EXPECT_EQ(fixture.Expand("[field0 file=\"f.csv\" line=\"1\"] [field0 file1]"), "bob alice");
  const auto line = *fixture.table.Use("l", 1);
  fixture.store.SetNumber(line.index, 1);
  EXPECT_EQ(fixture.Expand("[field0 line=[$l]]"), "bob");
  EXPECT_EQ(fixture.Expand("A\n[field5]\nB"), "A\r\nB");
}

TEST(TemplateTest, Keys) {
  TemplateFixture fixture;
  fixture.keys = {{"foo", "x[1"}, {"empty", ""}, {"a-1", "dash"}};
  EXPECT_EQ(fixture.Expand("[foo]|[empty]|[a-1]"), "x[1||dash");
}

class FakeAuthenticator : public Authenticator {
 public:
  void WriteHeader(const Request& request, core::sip::TextWriter* out) override {
    for (const std::string_view part :
         {request.username, request.password, request.method, request.body}) {
      out->Append(part);
      out->Append('/');
    }
  }
};

TEST(TemplateTest, AuthenticationIsWrittenLastAndInItsPlace) {
  TemplateFixture fixture;
  FakeAuthenticator authenticator;
  fixture.run.auth_username = "me";
  fixture.run.auth_password = "secret";
  constexpr std::string_view kSend =
      "REGISTER sip:a SIP/2.0\n[authentication username=[service] password=\"p w\"]\nL: "
      "[len]\n\nab";
  EXPECT_EQ(fixture.Send(kSend), "REGISTER sip:a SIP/2.0\r\nL:     2\r\n\r\nab");
  fixture.context.authenticator = &authenticator;
  EXPECT_EQ(fixture.Send(kSend),
            "REGISTER sip:a SIP/2.0\r\nservice/p w/REGISTER/ab/\r\nL:     2\r\n\r\nab");
  EXPECT_EQ(fixture.Send("REGISTER sip:a SIP/2.0\n[authentication]\n"),
            "REGISTER sip:a SIP/2.0\r\nme/secret/REGISTER//\r\n\r\n");
  fixture.AddFile("SEQUENTIAL\nx;[authentication username=joe password=doe]\n", "f.csv");
  EXPECT_EQ(fixture.Send("REGISTER sip:a SIP/2.0\n[field1]\nX: y\n"),
            "REGISTER sip:a SIP/2.0\r\njoe/doe/REGISTER//\r\nX: y\r\n\r\n");
}

// What does not fit is not sent in part: 0 is the answer, and no byte past the end is written.
TEST(TemplateTest, NothingPastTheEndOfTheBuffer) {
  TemplateFixture fixture;
  fixture.Receive(kInvite);
  const absl::StatusOr<SendTemplate> compiled = CompileSend(
      "SIP/2.0 200 OK\n[last_Via:]\n[last_To:];tag=[pid]\nContent-Length: [len]\n\nbody [branch]",
      fixture.Scope());
  ASSERT_TRUE(compiled.ok());
  const std::string whole = fixture.Render(compiled->message);
  for (size_t size = 0; size <= whole.size(); ++size) {
    const auto exact = std::make_unique<char[]>(size);
    const size_t written = compiled->Render(fixture.context, {exact.get(), size});
    EXPECT_EQ(written, size == whole.size() ? size : 0) << size;
  }
}

TEST(TemplateTest, RenderingAllocatesNothing) {
  TemplateFixture fixture;
  fixture.Receive(kInvite);
  fixture.AddFile("SEQUENTIAL,PRINTF=9\nu%03d\n", "f.csv");
  const auto number = *fixture.table.Use("n", 1);
  fixture.store.SetNumber(number.index, 1e300);
  FakeAuthenticator authenticator;
  fixture.context.authenticator = &authenticator;
  const absl::StatusOr<SendTemplate> compiled = CompileSend(
      "INVITE sip:[field0 line=[$n]] SIP/2.0\n[last_Via:]\n[last_X-Two:]\n[routes]\nA: [$n] "
      "[timestamp] [date] [branch]\n[authentication username=[service]]\nL: [len]\n\n[local_ip]",
      fixture.Scope());
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  std::array<char, 4096> out;
  const size_t before = Allocations();
  const size_t size = compiled->Render(fixture.context, out);
  EXPECT_EQ(Allocations(), before);
  EXPECT_GT(size, 300u);
}

TEST(TemplateTest, KnowsWhatItSends) {
  TemplateFixture fixture;
  const auto request = CompileSend("\n  INVITE sip:a SIP/2.0\n", fixture.Scope());
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->method_id, core::sip::Method::kInvite);
  EXPECT_FALSE(request->is_response());
  const auto response = CompileSend("SIP/2.0 486 Busy Here", fixture.Scope());
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status_code, 486);
  const auto unknown = CompileSend("PING sip:a SIP/2.0", fixture.Scope());
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->method, "PING");
  EXPECT_EQ(unknown->method_id, core::sip::Method::kUnknown);
}

// Trap 16: an unknown keyword is fatal; what SIPp knows and we do not says so.
TEST(TemplateTest, RefusesWhatItCannotExpand) {
  TemplateFixture fixture;
  EXPECT_THAT(fixture.Expand("[foo]"), HasSubstr("[foo]: unknown keyword"));
  EXPECT_THAT(fixture.Expand("[tdmmap]"), HasSubstr("not supported yet"));
  EXPECT_THAT(fixture.Expand("[rtpstream_video_port]"), HasSubstr("not supported yet"));
  EXPECT_THAT(fixture.Expand("[field0]"), HasSubstr("wanted -inf FILE"));
  EXPECT_THAT(fixture.Expand("[pid"), HasSubstr("wanted a ]"));
  EXPECT_THAT(fixture.Expand("a[]b"), HasSubstr("wanted 1 to 256"));
  EXPECT_THAT(fixture.Expand("[last_]"), HasSubstr("wanted the name of a header field"));
  EXPECT_THAT(fixture.Expand("[authentication aka_K=0x12]"), HasSubstr("AKA is not supported yet"));
  EXPECT_THAT(fixture.Send("[service] sip:a SIP/2.0"), HasSubstr("in plain text at the beginning"));
  EXPECT_THAT(fixture.Send("SIP/2.0 99 No"), HasSubstr("wanted a status code"));
  EXPECT_THAT(fixture.Send("   "), HasSubstr("CDATA is empty"));
}

}  // namespace
}  // namespace loadgen

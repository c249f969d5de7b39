// Goal: the line of a call tells every routing decision and its reason (design section 5), and no
// peer's byte can end it or forge a key.

#include "sbc/control/call_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/sbc/control/record_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string LineOf(const CallRecord& record) {
  std::string out;
  AppendCallLine({.call = record, .media = {}}, &out);
  return out;
}

std::string RoutesOf(const CallRecord& record) {
  std::string out;
  AppendRoutes(record.direction, record.routes, &out);
  return out;
}

TEST(CallLogTest, AnAnsweredCallByteForByte) {
  EXPECT_EQ(LineOf(InboundRecord()),
            "time=2019-08-10T01:13:49.250000Z level=info event=call "
            "id=01234567-89ab-4def-bedc-ba9876543210 connector=dr3rbaar376u5r4ntcnlq4 "
            "direction=origination end=callee_hung_up status=200 from=+15105551234 "
            "from_sent=+15105551234 to=+15105551212 source=3.80.16.5:5060 ring_ms=1000.000 "
            "setup_ms=5250.500 talk_ms=4000.000 "
            "routes=\"routes[0] 10.0.0.5:5060 failed_code 503 after 12 ms; "
            "routes[1] 10.0.0.6:5060 answered 200 after 5250 ms\" "
            "caller_call_id=abc@trunk callee_call_id=ours\n");
}

// What media did stands last; of a leg that was silent only the counts are known.
TEST(CallLogTest, MediaOfBothLegs) {
  CallReport report = InboundReport();
  std::string line;
  AppendCallLine(report, &line);
  EXPECT_THAT(
      line,
      EndsWith(
          " callee_call_id=ours caller_media=\"codec=pcmu received=3500 sent=2990 "
          "rtcp_received=12 rtcp_sent=13 expected=3503 lost=5 duplicates=2 reordered=4 late=1 "
          "jitter_ms=0.125 jitter_max_ms=2.500 gap_ms=60.000 ssrc_changes=1 payload_switches=1 "
          "mos_lq=4.40 dtmf=2 rtt_ms=19.434 mos_cq=4.35 peer_lost=6 peer_jitter_ms=0.250\" "
          "callee_media=\"codec=opus received=2990 sent=3498 rtcp_received=0 rtcp_sent=11 "
          "expected=2990 lost=0 duplicates=0 reordered=0 late=0 gap_ms=0.000 ssrc_changes=0 "
          "payload_switches=0 wrong_source=7 dtmf=0\"\n"));
  report.media.legs[1] = {};
  line.clear();
  AppendCallLine(report, &line);
  EXPECT_THAT(line, EndsWith(" callee_media=\"received=0 sent=0 rtcp_received=0 rtcp_sent=0 "
                             "dtmf=0\"\n"));
}

TEST(CallLogTest, ARefusalAndItsReason) {
  CallRecord record = InboundRecord();
  record.end = CallEnd::kRefused;
  record.cause = RejectionCause::kCallerId;
  record.status_code = 403;
  record.answered = record.ringing = {};
  record.emergency = true;
  record.routes = {};
  record.detail.AssignTruncated("+15105551234 is not in phone_numbers");
  const std::string line = LineOf(record);
  EXPECT_THAT(line, HasSubstr(" end=refused cause=caller_id status=403 emergency=true "));
  EXPECT_THAT(line, HasSubstr(" detail=\"+15105551234 is not in phone_numbers\" routes=\"\" "));
  EXPECT_THAT(line, Not(HasSubstr("talk_ms")));
  EXPECT_THAT(line, Not(HasSubstr("setup_ms")));
}

// Every event and every skip has its words, and the trunk's one route its own name.
TEST(CallLogTest, EveryRoutingDecision) {
  CallRecord record;
  record.direction = CallDirection::kOrigination;
  record.routes.last_resort = true;
  record.routes.skipped_own = 1u << 3;
  record.routes.skipped_unresolved = 1u << 4;
  record.routes.skipped_down = 1u << 5 | 1u << 19;
  record.routes.more_steps = 2;
  for (uint8_t event = 0; event <= static_cast<uint8_t>(RouteEvent::kCancelled); ++event) {
    AddStep(event, "[2001:db8::1]:5060", static_cast<RouteEvent>(event), 0, event, &record);
  }
  AddStep(9, "10.0.0.1:5060", RouteEvent::kRangOut, 180, 180'000, &record);
  EXPECT_EQ(RoutesOf(record),
            "all down, so all are tried; routes[3] skipped: our own address; "
            "routes[4] skipped: no address; routes[5] skipped: down; routes[19] skipped: down; "
            "routes[0] [2001:db8::1]:5060 trying after 0 ms; "
            "routes[1] [2001:db8::1]:5060 answered after 1 ms; "
            "routes[2] [2001:db8::1]:5060 failed_code after 2 ms; "
            "routes[3] [2001:db8::1]:5060 no_answer after 3 ms; "
            "routes[4] [2001:db8::1]:5060 no_progress after 4 ms; "
            "routes[5] [2001:db8::1]:5060 rang_out after 5 ms; "
            "routes[6] [2001:db8::1]:5060 transport_error after 6 ms; "
            "routes[7] [2001:db8::1]:5060 total_timeout after 7 ms; "
            "routes[8] [2001:db8::1]:5060 cancelled after 8 ms; "
            "2 more attempts; routes[9] 10.0.0.1:5060 rang_out 180 after 180000 ms");

  CallRecord out;
  AddStep(0, "3.80.16.5:5060", RouteEvent::kAnswered, 486, 80, &out);
  EXPECT_EQ(RoutesOf(out), "trunk 3.80.16.5:5060 answered 486 after 80 ms");
}

TEST(CallLogTest, HostileBytesAreQuotedAndEscaped) {
  CallRecord record = InboundRecord();
  record.caller.AssignTruncated("x\" end=forged\n\xff\\");
  const std::string line = LineOf(record);
  EXPECT_THAT(line, HasSubstr(" from=\"x\\\" end=forged\\x0a\\xff\\\\\" "));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

// A pipe takes a line whole or not at all, so none is longer than that.
TEST(CallLogTest, TheLongestLineIsCutAndSaysSo) {
  CallRecord record = InboundRecord();
  const std::string worst(200, '\xff');
  for (auto* text : {&record.caller_call_id, &record.callee_call_id}) text->AssignTruncated(worst);
  record.detail.AssignTruncated(worst);
  record.caller.AssignTruncated(worst);
  record.caller_sent.AssignTruncated(worst);
  record.called.AssignTruncated(worst);
  record.routes = {};
  record.routes.skipped_down = 0xfffff;
  for (int i = 0; i < 16; ++i) {
    AddStep(19, "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535", RouteEvent::kTransportError, 0,
            UINT16_MAX, &record);
  }
  const std::string line = LineOf(record);
  EXPECT_EQ(line.size(), kCallLineMax);
  EXPECT_THAT(line, EndsWith(" truncated=true\n"));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(CallLogTest, NothingIsAllocatedOnceTheBufferHasGrown) {
  const CallReport report = InboundReport();
  std::string out;
  AppendCallLine(report, &out);
  out.clear();
  const size_t before = Allocations();
  AppendCallLine(report, &out);
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace sbc

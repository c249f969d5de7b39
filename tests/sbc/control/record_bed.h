#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/base/address.h"
#include "sbc/call_record.h"

namespace sbc {

inline constexpr std::string_view kRecordConnector = "dr3rbaar376u5r4ntcnlq4";

inline core::Endpoint EndpointOf(std::string_view text) {
  core::Endpoint endpoint;
  EXPECT_TRUE(core::Endpoint::Parse(text, &endpoint)) << text;
  return endpoint;
}

// The host of route n is number n.
inline void AddStep(uint8_t route, std::string_view endpoint, RouteEvent event, uint16_t status,
                    uint32_t after_ms, CallRecord* record) {
  RouteTrace::Step step{route, event, status, after_ms, route, EndpointOf(endpoint)};
  EXPECT_TRUE(record->routes.steps.PushBack(step));
}

/// A call from the trunk that the second PBX answered: rang after 1 s, talked for 4 s.
inline CallRecord InboundRecord() {
  CallRecord record;
  record.direction = CallDirection::kOrigination;
  record.end = CallEnd::kCalleeHungUp;
  record.status_code = 200;
  record.connector = 3;
  record.connector_id.AssignTruncated(kRecordConnector);
  record.started = {1565399620'000000};
  record.ringing = {1565399621'000000};
  record.answered = {1565399625'250000};
  record.ended = {1565399629'250000};
  record.setup = std::chrono::microseconds(5250500);
  record.transaction_id[0] = 0x0123456789abcdef;
  record.transaction_id[1] = 0xfedcba9876543210;
  record.caller.AssignTruncated("+15105551234");
  record.caller_sent.AssignTruncated("+15105551234");
  record.called.AssignTruncated("+15105551212");
  record.source.AssignTruncated("3.80.16.5:5060");
  record.caller_call_id.AssignTruncated("abc@trunk");
  record.callee_call_id.AssignTruncated("ours");
  AddStep(0, "10.0.0.5:5060", RouteEvent::kFailedCode, 503, 12, &record);
  AddStep(1, "10.0.0.6:5060", RouteEvent::kAnswered, 200, 5250, &record);
  return record;
}

/// The same call with a minute and ten seconds of media, which the trunk's leg reports on by RTCP
/// and the PBX's does not.
inline CallReport InboundReport() {
  using std::chrono::microseconds;
  CallReport report{.call = InboundRecord(), .media = {}};
  report.media.streams = 1;
  MediaLegSummary& trunk = report.media.legs[Index(LegId::kCaller)];
  trunk.whole.received = {3500, 602000, 12, 1200};
  trunk.whole.sent = {2990, 514280, 13, 1300};
  trunk.whole.stream.packets = 3498;
  trunk.whole.stream.expected = 3503;
  trunk.whole.stream.duplicates = 2;
  trunk.whole.stream.reordered = 4;
  trunk.whole.stream.late = 1;
  trunk.whole.stream.loss_runs = 5;
  trunk.whole.stream.ssrc_changes = 1;
  trunk.whole.stream.payload_switches = 1;
  trunk.whole.stream.buffer_packets = 3498;
  trunk.whole.stream.buffer_sum = microseconds(40'000) * 3498;
  trunk.lately = trunk.whole;
  trunk.lately.received = {500, 86000, 2, 200};
  trunk.lately.sent = {490, 84280, 3, 300};
  trunk.codec = trunk.judged_by = trunk.lately_judged_by = core::rtp::Codec::kPcmu;
  trunk.is_active = true;
  trunk.packet_duration = microseconds(20'000);
  trunk.jitter = microseconds(125);
  trunk.jitter_max = microseconds(2500);
  trunk.longest_gap = microseconds(60'000);
  trunk.dtmf_digits = 2;
  trunk.round_trip = microseconds(19434);
  trunk.sent_lost = 6;
  trunk.sent_jitter = microseconds(250);
  MediaLegSummary& pbx = report.media.legs[Index(LegId::kCallee)];
  pbx.whole.received = {2990, 514280, 0, 0};
  pbx.whole.sent = {3498, 601656, 11, 1100};
  pbx.whole.stream.packets = pbx.whole.stream.expected = 2990;
  pbx.lately = pbx.whole;
  pbx.codec = core::rtp::Codec::kOpus;  // Of which no MOS is known.
  pbx.is_active = true;
  pbx.wrong_source = 7;
  return report;
}

/// A configuration whose connector asks for the media log.
inline Config MediaLoggedConfig() {
  Config config;
  config.connectors.resize(1);
  config.connectors[0].id = kRecordConnector;
  config.connectors[0].region = "us-east-1";
  config.connectors[0].home_plan = HomePlan::kNanp;
  config.connectors[0].logging.enable_media_metric_logs = true;
  return config;
}

}  // namespace sbc

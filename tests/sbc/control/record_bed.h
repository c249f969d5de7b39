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
                    uint16_t after_ms, CallRecord* record) {
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

}  // namespace sbc

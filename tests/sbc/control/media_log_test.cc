// Goal: what media did is told with Amazon's keys and units (voice-connector notes 6.3; rule 27 of
// the SBC's rules), so that what reads the trunk's media log reads ours.

#include "sbc/control/media_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/sbc/control/record_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

std::string Written(const CallReport& report) {
  MediaLogWriter writer;
  writer.Configure(MediaLoggedConfig());
  std::string out;
  writer.Append(report, &out);
  return out;
}

nlohmann::json Parsed(const CallReport& report) {
  const std::string text = Written(report);
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  return nlohmann::json::parse(text, nullptr, false);
}

// An inbound call: the trunk called, so `rem` is the caller's leg and `cust` the PBX's. Counts are
// of the last minute, losses of the whole call.
TEST(MediaLogTest, AnInboundCallByteForByte) {
  EXPECT_EQ(
      Written(InboundReport()),
      "{\"voice_connector_id\":\"dr3rbaar376u5r4ntcnlq4\",\"event_timestamp\":1565399629250,"
      "\"call_id\":\"01234567-89ab-4def-bedc-ba9876543210\",\"from_sip_user\":\"+15105551234\","
      "\"from_country\":\"US\",\"to_sip_user\":\"+15105551212\",\"to_country\":\"US\","
      "\"endpoint_id\":\"3.80.16.5:5060\",\"aws_region\":\"us-east-1\","
      "\"cust2vc_rtp_packets\":2990,\"cust2vc_rtp_bytes\":514280,\"cust2vc_rtcp_packets\":0,"
      "\"cust2vc_rtcp_bytes\":0,\"cust2vc_packets_lost\":0,\"cust2vc_jitter\":0,"
      "\"vc2cust_rtp_packets\":3498,\"vc2cust_rtp_bytes\":601656,\"vc2cust_rtcp_packets\":11,"
      "\"vc2cust_rtcp_bytes\":1100,\"vc2cust_packets_lost\":0,\"vc2cust_jitter\":0,"
      "\"rem2vc_rtp_packets\":500,\"rem2vc_rtp_bytes\":86000,\"rem2vc_rtcp_packets\":2,"
      "\"rem2vc_rtcp_bytes\":200,\"rem2vc_packets_lost\":5,\"rem2vc_jitter\":125,"
      "\"vc2rem_rtp_packets\":490,\"vc2rem_rtp_bytes\":84280,\"vc2rem_rtcp_packets\":3,"
      "\"vc2rem_rtcp_bytes\":300,\"vc2rem_packets_lost\":6,\"vc2rem_jitter\":250,"
      "\"rtt_btwn_vc_and_rem\":19434,\"mos_btwn_vc_and_rem\":4.4}\n");
}

TEST(MediaLogTest, AnOutboundCallHasItsCustomerAsCaller) {
  CallReport report = InboundReport();
  report.call.direction = CallDirection::kTermination;
  report.call.routes = {};
  AddStep(0, "3.80.16.7:5060", RouteEvent::kAnswered, 200, 80, &report.call);
  const nlohmann::json json = Parsed(report);
  EXPECT_EQ(json["cust2vc_rtp_packets"], 500);
  EXPECT_EQ(json["rem2vc_rtp_packets"], 2990);
  EXPECT_EQ(json["rtt_btwn_vc_and_cust"], 19434);
  EXPECT_EQ(json["endpoint_id"], "3.80.16.7:5060");
}

// Only the round trips and the scores may be missing; they are where nobody can know them.
TEST(MediaLogTest, AllKeysAndNoOthers) {
  std::set<std::string> wanted = {"voice_connector_id", "event_timestamp", "call_id",
                                  "from_sip_user",      "from_country",    "to_sip_user",
                                  "to_country",         "endpoint_id",     "aws_region"};
  for (const std::string flow : {"cust2vc", "vc2cust", "rem2vc", "vc2rem"}) {
    for (const char* key : {"_rtp_packets", "_rtp_bytes", "_rtcp_packets", "_rtcp_bytes",
                            "_packets_lost", "_jitter"}) {
      wanted.insert(flow + key);
    }
  }
  const auto keys = [](const CallReport& report) {
    std::set<std::string> found;
    const nlohmann::json json = Parsed(report);
    for (const auto& item : json.items()) found.insert(item.key());
    return found;
  };
  CallReport report = InboundReport();
  report.media.legs[0].round_trip.reset();
  EXPECT_EQ(keys(report), wanted);
  report = InboundReport();
  report.media.legs[1] = report.media.legs[0];
  for (const char* key : {"rtt_btwn_vc_and_cust", "mos_btwn_vc_and_cust", "rtt_btwn_vc_and_rem",
                          "mos_btwn_vc_and_rem"}) {
    wanted.insert(key);
  }
  EXPECT_EQ(keys(report), wanted);
}

// The scale of the trunk's: 1.0 to 4.4, in tenths.
TEST(MediaLogTest, ScoresAreInTenths) {
  CallReport report = InboundReport();
  report.media.legs[0].lately.stream.packets = 700;
  EXPECT_LT(Parsed(report)["mos_btwn_vc_and_rem"].get<double>(), 1.5);
  EXPECT_GE(Parsed(report)["mos_btwn_vc_and_rem"].get<double>(), 1.0);
  const std::string text = Written(report);
  const size_t at = text.find("\"mos_btwn_vc_and_rem\":");
  EXPECT_EQ(text.substr(at + 22).find("}\n"), 3u) << text;
}

// Duplicates can make more packets than were expected; the trunk's log counts losses from 0 on.
TEST(MediaLogTest, LossIsNeverNegative) {
  CallReport report = InboundReport();
  report.media.legs[0].whole.stream.packets = 3600;
  EXPECT_EQ(Parsed(report)["rem2vc_packets_lost"], 0);
}

TEST(MediaLogTest, OnlyForConnectorsThatAskForIt) {
  MediaLogWriter writer;
  const CallReport report = InboundReport();
  EXPECT_FALSE(writer.Wants(report));
  writer.Configure(MediaLoggedConfig());
  EXPECT_TRUE(writer.Wants(report));
  EXPECT_FALSE(writer.Wants({.call = InboundRecord(), .media = {}}));  // It had no media.
  Config config = MediaLoggedConfig();
  config.connectors[0].logging.enable_media_metric_logs = false;
  writer.Configure(config);
  EXPECT_FALSE(writer.Wants(report));
  writer.Configure(MediaLoggedConfig());
  writer.Configure(Config());
  EXPECT_FALSE(writer.Wants(report));
}

TEST(MediaLogTest, HostileBytesStayInside) {
  CallReport report = InboundReport();
  report.call.caller.AssignTruncated("x\",\"call_id\":\"forged\n\xff");
  const nlohmann::json json = Parsed(report);
  EXPECT_EQ(json["call_id"], "01234567-89ab-4def-bedc-ba9876543210");
}

TEST(MediaLogTest, NothingIsAllocatedOnceTheBufferHasGrown) {
  MediaLogWriter writer;
  writer.Configure(MediaLoggedConfig());
  const CallReport report = InboundReport();
  std::string out;
  writer.Append(report, &out);
  out.clear();
  const size_t before = Allocations();
  writer.Append(report, &out);
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace sbc

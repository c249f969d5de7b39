// Goal: our call records have Amazon's fields, in Amazon's order, and join Amazon's by CallId
// (rule 27 of the SBC's rules; AWS Administrator Guide, "Call detail records").

#include "sbc/control/cdr.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/sbc/control/record_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

Config ConfigWith(std::string_view region) {
  Config config;
  config.connectors.resize(1);
  config.connectors[0].id = kRecordConnector;
  config.connectors[0].region = region;
  config.connectors[0].account_id = "111122223333";
  config.connectors[0].home_plan = HomePlan::kNanp;
  return config;
}

std::string Written(const CallRecord& record, std::string_view region = "us-east-1") {
  CdrWriter writer;
  writer.Configure(ConfigWith(region));
  std::string out;
  writer.Append(record, &out);
  return out;
}

nlohmann::json Parsed(const CallRecord& record) {
  const std::string text = Written(record);
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  return nlohmann::json::parse(text, nullptr, false);
}

TEST(CdrTest, AnInboundCallByteForByte) {
  EXPECT_EQ(Written(InboundRecord()),
            "{\"AwsAccountId\":\"111122223333\","
            "\"TransactionId\":\"01234567-89ab-4def-bedc-ba9876543210\","
            "\"CallId\":\"abc@trunk\",\"VoiceConnectorId\":\"dr3rbaar376u5r4ntcnlq4\","
            "\"Status\":\"Completed\",\"StatusMessage\":\"Normal Call Clearing\","
            "\"BillableDurationSeconds\":6,\"BillableDurationMinutes\":0.1,"
            "\"SchemaVersion\":\"2.0\",\"SourcePhoneNumber\":\"+15105551234\","
            "\"SourcePhoneNumberName\":\"\",\"SourceCountry\":\"US\","
            "\"DestinationPhoneNumber\":\"+15105551212\",\"DestinationPhoneNumberName\":\"\","
            "\"DestinationCountry\":\"US\",\"UsageType\":\"USE1-US-inbound-minutes\","
            "\"ServiceCode\":\"AmazonChimeVoiceConnector\",\"Direction\":\"Inbound\","
            "\"StartTimeEpochSeconds\":1565399625,\"EndTimeEpochSeconds\":1565399629,"
            "\"Region\":\"us-east-1\",\"Streaming\":false,\"IsProxyCall\":false}\n");
}

// The trunk leg is the one that we made, so its Call-ID is ours; both countries are billed.
TEST(CdrTest, AnOutboundCall) {
  CallRecord record = InboundRecord();
  record.direction = CallDirection::kTermination;
  record.called.AssignTruncated("+4930123456");
  const nlohmann::json cdr = nlohmann::json::parse(Written(record, "us-west-2"), nullptr, false);
  EXPECT_EQ(cdr["CallId"], "ours");
  EXPECT_EQ(cdr["Direction"], "Outbound");
  EXPECT_EQ(cdr["DestinationCountry"], "DE");
  EXPECT_EQ(cdr["UsageType"], "USW2-US-DE-outbound-minutes");
}

// Billed by started six seconds, in tenths of a minute.
TEST(CdrTest, BillingSteps) {
  struct Case {
    int64_t talked_us;
    int64_t seconds;
    std::string_view minutes;
  };
  constexpr Case kCases[] = {
      {0, 0, "0,"},           {1, 6, "0.1,"},           {4'000'000, 6, "0.1,"},
      {6'000'000, 6, "0.1,"}, {6'000'001, 12, "0.2,"},  {30'000'000, 30, "0.5,"},
      {60'000'000, 60, "1,"}, {61'000'000, 66, "1.1,"}, {3'600'000'000, 3600, "60,"},
      {-5'000'000, 0, "0,"},  // The wall clock was set back during the call.
  };
  for (const Case& each : kCases) {
    CallRecord record = InboundRecord();
    record.ended.unix_us = record.answered.unix_us + each.talked_us;
    EXPECT_EQ(BillableSeconds(record.answered, record.ended), each.seconds) << each.talked_us;
    const std::string text = Written(record);
    EXPECT_NE(text.find("\"BillableDurationSeconds\":" + std::to_string(each.seconds) + ","),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("\"BillableDurationMinutes\":" + std::string(each.minutes)),
              std::string::npos)
        << text;
  }
}

// A call that was never answered has Status Failed and 0 seconds, and starts with its INVITE.
TEST(CdrTest, CallsThatFailed) {
  CallRecord record = InboundRecord();
  record.answered = {};
  record.end = CallEnd::kRefused;
  record.status_code = 403;
  record.cause = RejectionCause::kRegion;
  nlohmann::json cdr = Parsed(record);
  EXPECT_EQ(cdr["Status"], "Failed");
  EXPECT_EQ(cdr["StatusMessage"], "refused: region");
  EXPECT_EQ(cdr["BillableDurationSeconds"], 0);
  EXPECT_EQ(cdr["BillableDurationMinutes"], 0);
  EXPECT_EQ(cdr["StartTimeEpochSeconds"], 1565399620);

  record.end = CallEnd::kFailed;
  record.cause.reset();
  record.status_code = 486;
  EXPECT_EQ(Parsed(record)["StatusMessage"], "Busy Here");
  record.end = CallEnd::kCanceled;
  EXPECT_EQ(Parsed(record)["StatusMessage"], "canceled");
}

// What ended a call by itself is said in the words of our logs.
TEST(CdrTest, ACallThatFellSilent) {
  CallRecord record = InboundRecord();
  record.end = CallEnd::kMediaTimeout;
  EXPECT_EQ(Parsed(record)["Status"], "Completed");
  EXPECT_EQ(Parsed(record)["StatusMessage"], "media_timeout");
}

// What is no number stands as it came, without a country, and is not billed to one. A number
// without its prefix is read by the connector's numbering plan.
TEST(CdrTest, NumbersAsTheyCame) {
  CallRecord record = InboundRecord();
  record.caller.AssignTruncated("anonymous");
  record.called.AssignTruncated("5105551212");
  nlohmann::json cdr = Parsed(record);
  EXPECT_EQ(cdr["SourcePhoneNumber"], "anonymous");
  EXPECT_EQ(cdr["SourceCountry"], "");
  EXPECT_EQ(cdr["DestinationPhoneNumber"], "+15105551212");
  EXPECT_EQ(cdr["UsageType"], "USE1-US-inbound-minutes");

  record.direction = CallDirection::kTermination;
  EXPECT_EQ(Parsed(record)["UsageType"], "");
}

// A peer's bytes are inside strings, whatever they are, and each record is one line.
TEST(CdrTest, HostileBytes) {
  CallRecord record = InboundRecord();
  const std::string_view hostile("\",\"Status\":\"x\n\r\\\0\x80\xff\x7f", 20);
  record.caller.AssignTruncated(hostile);
  record.caller_call_id.AssignTruncated(hostile);
  const std::string text = Written(record);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
  const nlohmann::json cdr = Parsed(record);
  EXPECT_EQ(cdr["Status"], "Completed");
  EXPECT_EQ(cdr["CallId"].get<std::string>().substr(0, 16), hostile.substr(0, 16));
  EXPECT_EQ(cdr.size(), 23u);
}

// A call of no connector, or of one that nobody configured, has its record all the same.
TEST(CdrTest, NoConnector) {
  CallRecord record = InboundRecord();
  record.connector_id.Clear();
  const nlohmann::json cdr = Parsed(record);
  EXPECT_EQ(cdr["AwsAccountId"], "");
  EXPECT_EQ(cdr["VoiceConnectorId"], "");
  EXPECT_EQ(cdr["UsageType"], "");
}

// Its whole id is in the record, or neither its account nor its routes would be found.
TEST(CdrTest, AConnectorOfTheLongestId) {
  Config config = ConfigWith("us-east-1");
  config.connectors[0].id = std::string(ConnectorConfig::kIdMax, 'x');
  CdrWriter writer;
  writer.Configure(config);
  CallRecord record = InboundRecord();
  record.connector_id.AssignTruncated(config.connectors[0].id);
  std::string out;
  writer.Append(record, &out);
  EXPECT_EQ(nlohmann::json::parse(out)["AwsAccountId"], "111122223333");
  EXPECT_EQ(nlohmann::json::parse(out)["VoiceConnectorId"], config.connectors[0].id);
}

// The connectors of before a reload are remembered: their calls end later.
TEST(CdrTest, AConnectorThatAReloadTookAway) {
  CdrWriter writer;
  writer.Configure(ConfigWith("us-east-1"));
  writer.Configure(Config());
  std::string out;
  writer.Append(InboundRecord(), &out);
  EXPECT_NE(out.find("\"AwsAccountId\":\"111122223333\""), std::string::npos);
}

TEST(CdrTest, NothingIsAllocatedOnceTheBufferHasGrown) {
  CdrWriter writer;
  writer.Configure(ConfigWith("us-east-1"));
  const CallRecord record = InboundRecord();
  std::string out;
  writer.Append(record, &out);
  out.clear();
  const size_t before = Allocations();
  writer.Append(record, &out);
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace sbc

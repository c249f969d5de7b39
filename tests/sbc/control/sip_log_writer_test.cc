// Goal: SIP messages are told with Amazon's keys (voice-connector notes 6.2), so that what reads
// the trunk's SIP log reads ours.

#include "sbc/control/sip_log_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/sbc/control/record_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

SipLogWriter::Entry EntryOf(std::string_view message) {
  return {.connector_id = kRecordConnector,
          .transaction_id = {0x0123456789abcdef, 0xfedcba9876543210},
          .at = {1565399629'250999},
          .message = message};
}

std::string Written(std::string_view message) {
  SipLogWriter writer;
  writer.Configure(MediaLoggedConfig());
  std::string out;
  writer.Append(EntryOf(message), &out);
  return out;
}

TEST(SipLogWriterTest, AMessageByteForByte) {
  EXPECT_EQ(Written("BYE sip:a SIP/2.0\r\nCall-ID: \"x\"\r\n\r\n"),
            "{\"voice_connector_id\":\"dr3rbaar376u5r4ntcnlq4\",\"aws_region\":\"us-east-1\","
            "\"event_timestamp\":1565399629250,"
            "\"call_id\":\"01234567-89ab-4def-bedc-ba9876543210\","
            "\"sip_message\":\"BYE sip:a SIP/2.0\\nCall-ID: \\\"x\\\"\\n\\n\"}\n");
}

// The first line is what readers look at: '*\n'. Bodies keep their lines as well.
TEST(SipLogWriterTest, LinesEndInLf) {
  const auto json = nlohmann::json::parse(Written("a\r\nb\r\n\r\nv=0\r\nno end"), nullptr, false);
  EXPECT_EQ(json["sip_message"], "a\nb\n\nv=0\nno end");
}

TEST(SipLogWriterTest, HostileBytesStayInside) {
  const std::string text = Written("x\"}\n{\"call_id\":\"forged\xff\r\r\n");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  EXPECT_EQ(json["call_id"], "01234567-89ab-4def-bedc-ba9876543210");
}

TEST(SipLogWriterTest, NothingIsAllocatedOnceTheBufferHasGrown) {
  SipLogWriter writer;
  writer.Configure(MediaLoggedConfig());
  const SipLogWriter::Entry entry = EntryOf("BYE sip:a SIP/2.0\r\n\r\n");
  std::string out;
  writer.Append(entry, &out);
  out.clear();
  const size_t before = Allocations();
  writer.Append(entry, &out);
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace sbc

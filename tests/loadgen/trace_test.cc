#include "loadgen/trace.h"

#include <gtest/gtest.h>

#include <string>

// -trace_msg and -trace_err: SIPp's form of a message, and nothing where they are off.

namespace loadgen {
namespace {

class Text final : public core::LogSink {
 public:
  void Write(std::string_view line) override { text += line; }
  std::string text;
};

constexpr core::WallTime kWall{1'700'000'001'000'042};

TEST(TraceTest, WritesMessagesAsSippDoes) {
  Text messages;
  Trace trace({.messages = &messages, .utc_offset_s = -3600});
  trace.SetWall(kWall);
  trace.Sent("BYE sip:x SIP/2.0\r\n\r\n");
  trace.Received("ACK");
  EXPECT_EQ(messages.text,
            "----------------------------------------------- "
            "2023-11-14\t21:13:21.000042\t1700000001.000042\n"
            "UDP message sent [21] bytes:\n\nBYE sip:x SIP/2.0\r\n\r\n\n"
            "----------------------------------------------- "
            "2023-11-14\t21:13:21.000042\t1700000001.000042\n"
            "UDP message received [3] bytes:\n\nACK\n");
  trace.Warn({"not for this file"});
  EXPECT_FALSE(trace.warns());
}

TEST(TraceTest, WarningsAreOneLineAndTheirMessage) {
  Text errors;
  Trace trace({.errors = &errors});
  trace.SetWall(kWall);
  trace.Warn({"Call-Id: ", "c", ", what"});
  trace.Warn({"about"}, "a message");
  const std::string at = "2023-11-14\t22:13:21.000042\t1700000001.000042: ";
  EXPECT_EQ(errors.text, at + "Call-Id: c, what\n" + at + "about:\na message\n");
}

// A text of the peer's cannot overrun the line.
TEST(TraceTest, LongWarningsAreCut) {
  Text errors;
  Trace trace({.errors = &errors});
  trace.Warn({std::string(10'000, 'x'), "end"}, "m");
  EXPECT_EQ(errors.text.size(), Trace::kWarningMax + 2);
  EXPECT_TRUE(errors.text.ends_with("x:\nm\n"));
}

}  // namespace
}  // namespace loadgen

#include "loadgen/route_set.h"

#include <gtest/gtest.h>

#include <string>

#include "core/base/concat.h"

// What rrs keeps: [routes] and [next_url] (RFC 3261 sections 12.1.1, 12.1.2 and 12.2.1.1; SIPp's
// regression tests 0234 and 0262).

namespace loadgen {
namespace {

struct Kept {
  std::string routes;
  std::string next;
  friend bool operator==(const Kept&, const Kept&) = default;
};

Kept Keep(bool response, std::string_view headers) {
  const std::string text = core::Concat(
      response ? "SIP/2.0 200 OK\r\n" : "INVITE sip:x SIP/2.0\r\n",
      "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n", headers, "Call-ID: c\r\nCSeq: 1 INVITE\r\n\r\n");
  core::sip::Message message;
  EXPECT_EQ(message.Index(text), core::sip::ParseError::kOk);
  char memory[4096];
  core::sip::TextWriter out(memory);
  const size_t size = WriteRouteSet(message, &out);
  return {std::string(out.text().substr(0, size)), std::string(out.text().substr(size))};
}

constexpr char kRoutes[] =
    "Record-Route: <sip:a;lr>, <sip:b;lr>;x=1\r\nRecord-Route: \"C, c\" <sip:c;lr>\r\n";

TEST(RouteSetTest, ResponsesTurnItRound) {
  EXPECT_EQ(Keep(true, core::Concat(kRoutes, "Contact: <sip:t@h;alias=1>;expires=5\r\n")),
            (Kept{"\"C, c\" <sip:c;lr>, <sip:b;lr>;x=1, <sip:a;lr>", "sip:t@h;alias=1"}));
}

TEST(RouteSetTest, RequestsDoNot) {
  EXPECT_EQ(Keep(false, core::Concat(kRoutes, "Contact: Name <sip:t@h>\r\n")),
            (Kept{"<sip:a;lr>, <sip:b;lr>;x=1, \"C, c\" <sip:c;lr>", "sip:t@h"}));
}

TEST(RouteSetTest, StrictRoutersComeFirst) {
  EXPECT_EQ(Keep(false, "Record-Route: <sip:strict>, <sip:b;lr>\r\nContact: <sip:t@h>\r\n"),
            (Kept{"<sip:b;lr>, <sip:t@h>", "sip:strict"}));
  EXPECT_EQ(Keep(false, "Record-Route: <sip:strict>\r\nContact: <sip:t@h>\r\n"),
            (Kept{"<sip:t@h>", "sip:strict"}));
}

TEST(RouteSetTest, ContactsOfEveryShape) {
  EXPECT_EQ(Keep(true, "Contact: sip:t@h;expires=5\r\n"), (Kept{"", "sip:t@h"}));
  EXPECT_EQ(Keep(true, "m: \"A <b>\" <sip:t@h>, <sip:u@h>\r\n"), (Kept{"", "sip:t@h"}));
  EXPECT_EQ(Keep(true, "Contact: \"broken <sip:t@h>\r\n"), (Kept{"", "sip:t@h"}));
  EXPECT_EQ(Keep(true, ""), (Kept{"", ""}));
}

}  // namespace
}  // namespace loadgen

// Goal: --check-config says what would run, in words that an operator can hold against the plan.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/base/concat.h"
#include "sbc/config.h"

namespace sbc {
namespace {

std::string Described(std::string_view text) {
  const absl::StatusOr<Config> config = ParseConfig(text, "tests/corpus/seed/sbc.yaml");
  return config.ok() ? DescribeConfig(*config) : std::string(config.status().message());
}

TEST(DescribeConfigTest, SaysWhatWouldRun) {
  EXPECT_EQ(
      Described(R"(
node: {name: sbc-1, workers: 2}
listeners:
  - {side: customer, address: 127.0.0.2}
  - {side: trunk, address: 127.0.0.3, advertise: 203.0.113.10}
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    termination:
      CpsLimit: 5
      CallingRegions: [US, CA]
      CidrAllowedList: [198.51.100.204/32]
      DefaultPhoneNumber: "+16185558387"
    origination: {file: origination-weighted.json}
    phone_numbers: ["+16185558387", "+16185558388"]
  - id: other
    region: eu-west-1
    termination: {Disabled: true}
    routes: [{host: pbx.example.com}, {host: "2001:db8::1", weight: 2}]
logs: {directory: /tmp}
)"),
      "node sbc-1: 2 workers, io uring, latency budget 1ms\n"
      "limits: 20000 calls (8 kept for emergencies), any number of calls a second\n"
      "listener: customer udp 127.0.0.2:5060\n"
      "listener: trunk udp 127.0.0.3:5060, advertised as 203.0.113.10\n"
      "media: none, so SDP passes as it came and RTP does not pass here\n"
      "connector dr3rbaar376u5r4ntcnlq4 (us-east-1): "
      "dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws:5060 udp, reached by "
      "3.80.16.0/23, 2600:f0f0:c040::/48\n"
      "  to the trunk: from 198.51.100.204/32; to US, CA; at most 5 calls in any "
      "second; as +16185558387; 2 callers' numbers\n"
      "  from the trunk: 198.51.100.204:5060 50%, 198.51.100.205:5060 50%\n"
      "    else 198.51.100.206:5060 10%, 198.51.100.207:5060 90%\n"
      "connector other (eu-west-1): other.voiceconnector.chime.aws:5060 udp, reached "
      "by 99.77.250.0/24, 2600:f0f0:c043::/48\n"
      "  to the trunk: disabled\n"
      "  from the trunk: pbx.example.com:5060 33%, [2001:db8::1]:5060 67%\n"
      "rejections: cidr drop, cps 503, region 403, caller_id 403, disabled 403, calls "
      "503, no_route 503, overload 503, drain 503, origination_disabled 403, "
      "unknown_number 404\n"
      "admin: http://127.0.0.1:9060\n"
      "logs: /tmp\n"
      "warning: tests/corpus/seed/sbc.yaml:18: connectors[1].routes[1]: 2001:db8::1 cannot be "
      "reached: no listener of side customer has an IPv6 address\n");
}

TEST(DescribeConfigTest, SaysWhereMediaGoes) {
  const std::string text = Described(R"(
listeners: [{side: any, address: 127.0.0.2}]
media:
  - {side: customer, address: 127.0.0.2, ports: 20000-29999}
  - {side: trunk, address: 127.0.0.3, ports: 20000-29999, advertise: 203.0.113.10}
connectors: [{id: a}, {id: b, video: relay}]
limits: {calls: 5000}
)");
  EXPECT_NE(text.find("listener: any udp 127.0.0.2:5060\n"), std::string::npos) << text;
  EXPECT_NE(text.find("media: customer 127.0.0.2 ports 20000-29999\n"
                      "media: trunk 127.0.0.3 ports 20000-29999, shared by calls, advertised as "
                      "203.0.113.10\n"),
            std::string::npos)
      << text;
  // Each connector's stands in its own paragraph.
  EXPECT_LT(text.find("connector a "), text.find("  video: refused\nconnector b "));
  EXPECT_NE(text.find("  video: relayed\n"), std::string::npos) << text;
}

// What crosses, and not what the lists say: of two lists only what both have does.
TEST(DescribeConfigTest, SaysWhichCodecsCross) {
  const auto described = [](std::string_view codecs, std::string_view media) {
    return Described(core::Concat("listeners: [{side: any, address: 127.0.0.2}]\n", media,
                                  "connectors: [{id: a, codecs: ", codecs, "}]\n"));
  };
  constexpr std::string_view kMedia =
      "media: [{side: customer, address: 127.0.0.2, ports: 20000-39999}, "
      "{side: trunk, address: 127.0.0.3, ports: 20000-39999}]\n";
  const std::pair<std::string_view, std::string_view> kRows[] = {
      {"[PCMA, PCMU]", "told to the customer PCMA, PCMU; told to the trunk PCMA, PCMU\n"},
      {"{trunk: [PCMU, PCMA], customer: [G722, PCMA, PCMU]}",
       "told to the customer PCMA, PCMU; told to the trunk PCMU, PCMA\n"},
      {"{trunk: [PCMU, PCMA]}",
       "told to the customer PCMU, PCMA as they come; told to the trunk PCMU, PCMA\n"},
      {"{trunk: [PCMU], customer: [PCMA]}", "told to the customer none; told to the trunk none\n"},
  };
  for (const auto& [codecs, words] : kRows) {
    EXPECT_NE(described(codecs, kMedia).find(core::Concat("\n  codecs: ", words)),
              std::string::npos)
        << described(codecs, kMedia);
    EXPECT_EQ(described(codecs, "").find("  codecs: "), std::string::npos) << "not ours then";
  }
  EXPECT_EQ(described("{}", kMedia).find("  codecs: "), std::string::npos);
}

}  // namespace
}  // namespace sbc

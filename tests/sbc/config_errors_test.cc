// Goal: every mistake in a configuration is refused with its file, line, path, value and what was
// wanted, before anything starts (issue: `--check-config`; style guide, section 6).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>

#include "core/base/concat.h"
#include "sbc/config.h"
#include "sbc/header_policy.h"

namespace sbc {
namespace {

using core::Concat;
using ::testing::HasSubstr;

std::string ErrorsOf(std::string_view text) {
  const absl::StatusOr<Config> config = ParseConfig(text, "tests/corpus/seed/sbc.yaml");
  return config.ok() ? "accepted" : std::string(config.status().message());
}

// A sound configuration of three parts; a row replaces one of them, or adds a fourth.
constexpr std::string_view kListeners =
    "listeners: [{side: customer, address: 127.0.0.2}, {side: trunk, address: 127.0.0.3, "
    "advertise: "
    "203.0.113.10}]\n";
constexpr std::string_view kConnector = "connectors: [{id: abc}]\n";

TEST(ConfigErrorsTest, TheBaseOfTheTablesIsSound) {
  EXPECT_EQ(ErrorsOf(Concat(kListeners, kConnector)), "accepted");
}

struct Row {
  const char* text;
  const char* message;  // Without the file's name.
};

void ExpectErrors(std::string_view before, std::string_view after, const Row& row) {
  EXPECT_EQ(ErrorsOf(Concat(before, row.text, "\n", after)),
            Concat("tests/corpus/seed/sbc.yaml:", row.message))
      << row.text;
}

TEST(ConfigErrorsTest, Sections) {
  const Row kRows[] = {
      {"lisseners: []", "1: lisseners: no such key; did you mean `listeners`?"},
      {"node: []", "1: node: a list is not a map of keys and values"},
      {"node: {workers: 0}", "1: node.workers: 0 is outside 1..64"},
      {"node: {workers: two}", "1: node.workers: two is not a whole number"},
      {"node: {wokers: 2}", "1: node.wokers: no such key; did you mean `workers`?"},
      {"node: {io: epoll}", "1: node.io: epoll is not uring or dpdk"},
      {"node: {io: dpdk}", "1: node: `dpdk` goes with `io: dpdk`, and only with it"},
      {"node: {dpdk: {device: x, address: 10.0.0.1/8}}",
       "1: node: `dpdk` goes with `io: dpdk`, and only with it"},
      {"node: {io: dpdk, dpdk: {address: 127.0.0.2/8}}", "1: node.dpdk: `device` is missing"},
      {"node: {io: dpdk, dpdk: {device: x, address: 10.0.0.1}}",
       "1: node.dpdk.address: 10.0.0.1 is not an address and its network's length, such as "
       "10.0.0.1/24"},
      {"node: {io: dpdk, dpdk: {device: x, address: 10.0.0.1/8, neighbours: [{address: 10.0.0.2, "
       "mac: 0200}]}}",
       "1: node.dpdk.neighbours[0].mac: 0200 is not an Ethernet address, such as "
       "02:00:00:00:00:01"},
      {"node: {name: 'a\"b'}",
       "1: node.name: a\"b is not 1 to 128 printable ASCII characters without blanks, quotes and "
       "\\"},
      {"node: {name: 'two words'}",
       "1: node.name: two words is not 1 to 128 printable ASCII characters without blanks, quotes "
       "and \\"},
      {"node: {latency_budget: 1}",
       "1: node.latency_budget: 1 is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"node: {latency_budget: 1s}", "1: node.latency_budget: 1s is outside 0s..100ms"},
      {"limits: {calls: -1}", "1: limits.calls: -1 is outside 1..1000000"},
      {"limits: {call: 5}", "1: limits.call: no such key; did you mean `calls`?"},
      {"limits: {calls: 5}\nemergency: {reserve_calls: 5}",
       "2: emergency.reserve_calls: 5 leaves nothing of limits.calls, 5"},
      {"failover: {codes: [200]}", "1: failover.codes[0]: 200 is outside 400..599"},
      {"failover: {codes: 503}", "1: failover.codes: 503 is not a list"},
      {"failover: {codes: [401]}", "1: failover: codes: 401 never leads to failover"},
      {"failover: {answer_timeout: 4}",
       "1: failover.answer_timeout: 4 is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"failover: {answer_timout: 4s}",
       "1: failover.answer_timout: no such key; did you mean `answer_timeout`?"},
      {"rejections: {cidr: ignore}",
       "1: rejections.cidr: ignore is not a response code of 400 to 699, or drop"},
      {"rejections: {cidr: 200}", "1: rejections.cidr: 200 is outside 400..699"},
      {"rejections: {cidr: [403]}",
       "1: rejections.cidr: a list is not a response code of 400 to 699, or drop"},
      {"rejections: {region: silence}",
       "1: rejections.region: silence is not a response code of 400 to 699"},
      {"rejections: {region_: 403}", "1: rejections.region_: no such key; did you mean `region`?"},
      {"sip: {t1: 5s}", "1: sip: t1 is longer than t2, up to which it doubles"},
      {"sip: {min_se: 30s}", "1: sip.min_se: 30s is outside 90s..24h"},
      {"sip: {session_expires: 90s, min_se: 2m}", "1: sip: session_expires is shorter than min_se"},
      {"sip: {fold_early_dialogs: 1}", "1: sip.fold_early_dialogs: 1 is not true or false"},
      {"dns: {servers: [dns.example.com]}",
       "1: dns.servers[0]: dns.example.com is not an address with or without a port, such as "
       "10.0.0.2 or [::1]:5353"},
      {"headers: {pass: [Via]}", "1: headers.pass[0]: Via is never passed: each hop has its own"},
      {"headers: {pass: [p-asserted-identity]}",
       "1: headers.pass[0]: p-asserted-identity is never passed: interpreted, then written with "
       "our host (rule 17)"},
      {"headers: {pass: [r]}",
       "1: headers.pass[0]: r is never passed: rewritten where `transfer` is `pass` (rule 18)"},
      {"headers: {pass: [\"X A\"]}", "1: headers.pass[0]: X A is not the name of a header field"},
      {"transfer: follow", "1: transfer: follow is not refuse or pass"},
      {"transfer: {trunk: yes}", "1: transfer.trunk: yes is not refuse or pass"},
      {"caller_id: {allow_diverted: 1}", "1: caller_id.allow_diverted: 1 is not true or false"},
      {"emergency: {numbers: [\"+911\"]}",
       "1: emergency.numbers[0]: +911 is not an emergency number of 2 to 8 digits"},
      {"local_networks: [10.0.0.1/8]",
       "1: local_networks[0]: 10.0.0.1/8 is not where a block begins: 10.0.0.0/8 or 10.0.0.1/32 is "
       "wanted"},
      {"drain_timeout: forever",
       "1: drain_timeout: forever is not a duration, such as 500ms, 4s, 5m or 1h"},
      {"admin: {port: 0}", "1: admin.port: 0 is outside 1..65535"},
      {"admin: {address: localhost}", "1: admin.address: localhost is not an IPv4 or IPv6 address"},
      {"logs: {directory: }", "1: logs.directory: nothing is not text"},
      {"logs: {directory: termination.json}",
       "1: logs.directory: tests/corpus/seed/termination.json is not a directory"},
      {"logs: {dir: x}", "1: logs.dir: no such key; known are directory"},
      {"media: [{side: trunk, address: 127.0.0.2, ports: 20000-20999}]",
       "1: media: none is of side customer: media goes through both, or through none"},
      {"media: [{side: customer, address: 127.0.0.2, ports: 20000-20999, shared: true}, {side: "
       "trunk, address: 127.0.0.2, ports: 30000-30999}]",
       "1: media[0].shared: true goes with `side: trunk` only: a customer behind a NAT is known by "
       "its port"},
      {"media: [{side: any, address: 127.0.0.2, ports: 20000-20999}]",
       "1: media[0].side: any is not customer or trunk"},
      {"media: [{side: trunk, address: 127.0.0.2, ports: 20999-20000}]",
       "1: media[0].ports: 20999-20000 is not a range of ports, such as 20000-29999"},
      {"media: [{side: trunk, address: 127.0.0.2, ports: 20000-70000}]",
       "1: media[0].ports: 20000-70000 is not a range of ports, such as 20000-29999"},
      {"media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, {side: trunk, address: "
       "127.0.0.3, ports: 30001-30002}]",
       "1: media[1].ports: 30001-30002 hold no pair, an even port for RTP and the odd one after it "
       "for RTCP"},
      {"media: [{side: trunk, address: 127.0.0.2, ports: 20000-20999}, {side: customer, address: "
       "127.0.0.2, ports: 20999-30000}]",
       "1: media[1]: ports 20999-30000 of 127.0.0.2 overlap those of media[0]"},
      {"media: [{side: trunk, address: 127.0.0.2, ports: 5000-6000}, {side: customer, address: "
       "127.0.0.2, ports: 7000-7999}]",
       "1: media[0]: ports 5000-6000 hold the port of listeners[0], 5060"},
  };
  for (const Row& row : kRows) ExpectErrors("", Concat(kListeners, kConnector), row);
}

// A description has one address of ours, wherever the ports are that a call was lent.
TEST(ConfigErrorsTest, ASideHasOneMediaAddressOfEachFamily) {
  const Row row = {
      "media: [{side: customer, address: 127.0.0.2, ports: 20000-20499}, "
      "{side: customer, address: 127.0.0.4, ports: 20000-20499}, "
      "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
      "1: media[1]: side customer has another address in media[0]: a side has one of each family, "
      "which descriptions tell"};
  ExpectErrors("", Concat(kListeners, kConnector), row);
}

// What is judged when the caller has had our 100 cannot be silence any more: it would be 403.
TEST(ConfigErrorsTest, OnlyWhatIsJudgedBeforeATransactionCanBeDropped) {
  for (size_t i = 0; i < kRejectionCodeCount; ++i) {
    const auto cause = static_cast<RejectionCause>(i);
    const std::string map = Concat("rejections: {", RejectionCauseName(cause), ": drop}");
    const std::string connector = Concat("connectors: [{id: a, ", map, "}]\n");
    if (cause == RejectionCause::kCidr) {
      EXPECT_EQ(ErrorsOf(Concat(kListeners, kConnector, map, "\n")), "accepted");
      EXPECT_EQ(ErrorsOf(Concat(kListeners, connector)), "accepted");
      continue;
    }
    const std::string said = Concat("rejections.", RejectionCauseName(cause),
                                    ": drop is for cidr alone: whatever else is refused, is "
                                    "refused after our 100; wanted is a response code of 400 to "
                                    "699");
    EXPECT_EQ(ErrorsOf(Concat(kListeners, kConnector, map, "\n")),
              Concat("tests/corpus/seed/sbc.yaml:3: ", said));
    EXPECT_EQ(ErrorsOf(Concat(kListeners, connector)),
              Concat("tests/corpus/seed/sbc.yaml:2: connectors[0].", said));
  }
}

// A name that is taken and then does nothing would be worse than one that is refused (rule 16).
TEST(ConfigErrorsTest, HeadersThatAreNeverPassedCannotBeNamed) {
  const auto naming = [](std::string_view name) {
    return ErrorsOf(Concat(kListeners, kConnector, "headers: {pass: [", name, "]}\n"));
  };
  for (size_t i = 1; i < core::sip::kHeaderIdCount; ++i) {
    const auto id = static_cast<core::sip::HeaderId>(i);
    const std::string_view name = core::sip::Name(id);
    EXPECT_EQ(naming(name), IsNeverPassed(id)
                                ? Concat("tests/corpus/seed/sbc.yaml:3: headers.pass[0]: ", name,
                                         " is never passed: ", RuleOf(id).why)
                                : "accepted");
  }
  EXPECT_EQ(naming("X-Nobody-Knows"), "accepted");
}

TEST(ConfigErrorsTest, Listeners) {
  const Row kRows[] = {
      {"listeners: {}", "1: listeners: a map is not a list"},
      {"{}", ""},
      {"listeners: [{side: customer}]", "1: listeners[0]: `address` is missing"},
      {"listeners: [{address: 127.0.0.2}]", "1: listeners[0]: `side` is missing"},
      {"listeners: [{side: both, address: 127.0.0.2}]",
       "1: listeners[0].side: both is not customer, trunk or any"},
      {"listeners: [{side: any, address: 127.0.0.2, transport: tcp}]",
       "1: listeners[0].transport: tcp is not supported yet; udp is"},
      {"listeners: [{side: any, address: 127.0.0.2, transport: tls}]",
       "1: listeners[0].transport: tls is not supported yet; udp is"},
      {"listeners: [{side: any, address: 127.0.0.2, transport: ws}]",
       "1: listeners[0].transport: ws is not supported yet; udp is"},
      {"listeners: [{side: any, address: 127.0.0.2, transport: sctp}]",
       "1: listeners[0].transport: sctp is not udp"},
      {"listeners: [{side: any, address: 127.0.0.2, port: 70000}]",
       "1: listeners[0].port: 70000 is outside 1..65535"},
      {"listeners: [{side: any, address: 0.0.0.0}]",
       "1: listeners[0].address: 0.0.0.0 is not an address of one host: peers are told it"},
      {"listeners: [{side: any, address: 255.255.255.255}]",
       "1: listeners[0].address: 255.255.255.255 is not an address of one host: peers are told it"},
      {"listeners: [{side: any, address: sbc.example.com}]",
       "1: listeners[0].address: sbc.example.com is not an IPv4 or IPv6 address"},
      {"listeners: [{side: any, address: 127.0.0.2, advertise: \"::\"}]",
       "1: listeners[0].advertise: :: is not an address of one host: peers are told it"},
      {"listeners: [{side: any, address: 127.0.0.2, advertise: \"2001:db8::1\"}]",
       "1: listeners[0].advertise: 2001:db8::1 is not an address of the family of `address`: who "
       "is "
       "reached there reads it"},
      {"listeners: [{side: any, address: 127.0.0.2, prot: 1}]",
       "1: listeners[0].prot: no such key; did you mean `port`?"},
      {"listeners: []", "1: `listeners` is missing: at least one for each side is wanted"},
      {"listeners: [{side: trunk, address: 127.0.0.2}]", "1: listeners: none is of side customer"},
      {"listeners: [{side: customer, address: 127.0.0.2}]", "1: listeners: none is of side trunk"},
      {"listeners:\n  - {side: customer, address: 127.0.0.2}\n  - {side: trunk, address: "
       "127.0.0.2}",
       "3: listeners[1]: 127.0.0.2:5060 is taken by listeners[0]; one listener of `side: any` may "
       "serve both"},
  };
  for (const Row& row : kRows) {
    if (row.message[0] != '\0') ExpectErrors("", kConnector, row);
  }
  EXPECT_EQ(ErrorsOf(kConnector),
            "tests/corpus/seed/sbc.yaml:1: `listeners` is missing: at least one for each side is "
            "wanted");
}

TEST(ConfigErrorsTest, Connectors) {
  const Row kRows[] = {
      {"connectors: []", "1: `connectors` is missing: at least one is wanted"},
      {"connectors: [{}]", "2: connectors[0]: `id` is missing"},
      {"connectors: [{id: a b}]",
       "2: connectors[0].id: a b is not the id of a Voice Connector: up to 63 letters and digits"},
      {"connectors: [{id: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234}]",
       "2: connectors[0].id: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff... is "
       "not the id of a Voice Connector: up to 63 letters and digits"},
      {"connectors:\n  - {id: a}\n  - {id: a}", "4: connectors[1]: id a is taken by connectors[0]"},
      {"connectors: [{id: a, region: us-east-2}]",
       "2: connectors[0].region: us-east-2 is not a region of Voice Connectors that we know; "
       "wanted "
       "is us-east-1, us-west-2, ca-central-1, eu-west-1, eu-central-1, eu-west-2, ap-northeast-2, "
       "ap-northeast-1, ap-southeast-1 or ap-southeast-2, or `trunk: {cidrs: ...}`"},
      {"connectors: [{id: a, trunk: {host: \"a b\"}}]",
       "2: connectors[0].trunk.host: a b is not a host name or an address"},
      {"connectors: [{id: a, trunk: {host: 999.1.1.1}}]",
       "2: connectors[0].trunk.host: 999.1.1.1 is not a host name or an address"},
      {"connectors: [{id: a, trunk: {transport: TLS}}]",
       "2: connectors[0].trunk.transport: TLS is not supported yet; udp is"},
      {"connectors: [{id: a, trunk: {cidrs: []}}]",
       "2: connectors[0].trunk.cidrs: at least one block is wanted"},
      {"connectors: [{id: a, trunk: {cidrs: [3.80.16.0/33]}}]",
       "2: connectors[0].trunk.cidrs[0]: 3.80.16.0/33 is not a block of addresses, such as "
       "3.80.16.0/23"},
      {"connectors: [{id: a, termination: termination.json}]",
       "2: connectors[0].termination: termination.json is not a map of keys and values"},
      {"connectors: [{id: a, termination: {file: missing.json}}]",
       "2: connectors[0].termination.file: cannot read tests/corpus/seed/missing.json: No such "
       "file or directory"},
      {"connectors: [{id: a, termination: {file: termination.json, CpsLimit: 1}}]",
       "2: connectors[0].termination.CpsLimit: no such key; known are file"},
      {"connectors: [{id: a, termination: {CpsLimit: -1}}]",
       "2: connectors[0].termination.CpsLimit: -1 is outside 0..1000000"},
      {"connectors: [{id: a, termination: {cpsLimit: 1}}]",
       "2: connectors[0].termination.cpsLimit: no such key; did you mean `CpsLimit`?"},
      {"connectors: [{id: a, termination: {Termination: {CpsLimit: 1}, ResponseMetadata: {}}}]",
       "2: connectors[0].termination.ResponseMetadata: no such key; known are file and "
       "Termination"},
      {"connectors: [{id: a, termination: {CallingRegions: [USA]}}]",
       "2: connectors[0].termination.CallingRegions[0]: USA is not a country's two letters, such "
       "as "
       "US"},
      {"connectors: [{id: a, termination: {DefaultPhoneNumber: \"555\"}}]",
       "2: connectors[0].termination.DefaultPhoneNumber: 555 is not an E.164 number, such as "
       "+16185558387"},
      {"connectors: [{id: a, termination: {Disabled: \"no\"}}]",
       "2: connectors[0].termination.Disabled: no is not true or false"},
      {"connectors: [{id: a, termination: {CidrAllowedList: [198.51.100.204/24]}}]",
       "2: connectors[0].termination.CidrAllowedList[0]: 198.51.100.204/24 is not where a block "
       "begins: 198.51.100.0/24 or 198.51.100.204/32 is wanted"},
      {"connectors: [{id: a, origination: {Routes: [{Port: 5060}]}}]",
       "2: connectors[0].origination.Routes[0]: `Host` is missing"},
      {"connectors: [{id: a, origination: {Routes: [{Host: a, Protocol: TCP}]}}]",
       "2: connectors[0].origination.Routes[0].Protocol: TCP is not supported yet; udp is"},
      {"connectors: [{id: a, origination: {Routes: [{Host: a, Weight: 0}]}}]",  // Rule 12.
       "2: connectors[0].origination.Routes[0].Weight: 0 is outside 1..100"},
      {"connectors: [{id: a, origination: {Routes: [{Host: a, Weight: 101}]}}]",
       "2: connectors[0].origination.Routes[0].Weight: 101 is outside 1..100"},
      {"connectors: [{id: a, origination: {Routes: [{Host: a, Priority: 0}]}}]",
       "2: connectors[0].origination.Routes[0].Priority: 0 is outside 1..100"},
      {"connectors: [{id: a, origination: {Routes: [{Host: a, Priority: 101}]}}]",
       "2: connectors[0].origination.Routes[0].Priority: 101 is outside 1..100"},
      {"connectors: [{id: a, origination: {Routes: [{Host: a, Port: 0}]}}]",
       "2: connectors[0].origination.Routes[0].Port: 0 is outside 1..65535"},
      {"connectors: [{id: a, origination: {Routes: [{Host: a, weight: 5}]}}]",
       "2: connectors[0].origination.Routes[0].weight: no such key; did you mean `Weight`?"},
      {"connectors: [{id: a, routes: [{host: 10.0.0.1, srv: true}]}]",
       "2: connectors[0].routes[0].srv: 10.0.0.1 is an address and has no SRV records"},
      {"connectors: [{id: a, customers: [{nat: true}]}]",
       "2: connectors[0].customers[0]: `cidrs` is missing"},
      {"connectors: [{id: a, customers: [{cidrs: [10.0.0.0/8], credentials: {username: u}}]}]",
       "2: connectors[0].customers[0].credentials: `password` is missing"},
      {"connectors: [{id: a, phone_numbers: [asterisk]}]",
       "2: connectors[0].phone_numbers[0]: asterisk is not an E.164 number, such as +16185558387"},
      {"connectors: [{id: a, phone_numbers: [\"+16185558387\", \"16185558387\"]}]",
       "2: connectors[0].phone_numbers[1]: +16185558387 is there twice"},
      {"connectors: [{id: a, dtmf: inband}]", "2: connectors[0].dtmf: inband is not pass or info"},
      {"connectors: [{id: a, video: both}]", "2: connectors[0].video: both is not refuse or relay"},
      {"connectors: [{id: a, limits: {calls: many}}]",
       "2: connectors[0].limits.calls: many is not a whole number"},
      {"connectors: [{id: a, failover: {codes: [99]}}]",
       "2: connectors[0].failover.codes[0]: 99 is outside 400..599"},
      {"connectors: [{id: a, rejections: {cps: 100}}]",
       "2: connectors[0].rejections.cps: 100 is outside 400..699"},
      {"connectors: [{id: a, logging: {EnableSipLogs: true}}]",
       "2: connectors[0].logging.EnableSipLogs: no such key; did you mean `EnableSIPLogs`?"},
      {"connectors: [{id: a, teminaton: {}}]",
       "2: connectors[0].teminaton: no such key; did you mean `termination`?"},
      // Rule 1: a route back to ourselves, by the address we bind and by the one we advertise.
      {"connectors: [{id: a, routes: [{host: 127.0.0.2}]}]",
       "2: connectors[0].routes[0]: 127.0.0.2:5060 is our own address (listeners[0]): name the "
       "PBXs "
       "in `routes` beside `origination`"},
      {"connectors: [{id: a, origination: {Routes: [{Host: 203.0.113.10}]}}]",
       "2: connectors[0].origination.Routes[0]: 203.0.113.10:5060 is our own address "
       "(listeners[1]): "
       "name the PBXs in `routes` beside `origination`"},
  };
  for (const Row& row : kRows) ExpectErrors(kListeners, "", row);
}

// A list for both sides, or one for each.
TEST(ConfigErrorsTest, Codecs) {
  const Row kRows[] = {
      {"connectors: [{id: a, codecs: [pcmu]}]",
       "2: connectors[0].codecs[0]: pcmu is not PCMU, PCMA, G722, G729 or opus"},
      {"connectors: [{id: a, codecs: [PCMU, PCMA, PCMU]}]",
       "2: connectors[0].codecs[2]: PCMU is there twice"},
      {"connectors: [{id: a, codecs: []}]",
       "2: connectors[0].codecs: at least one codec is wanted; without the key they cross as they "
       "come"},
      {"connectors: [{id: a, codecs: PCMU}]", "2: connectors[0].codecs: PCMU is not a list"},
      {"connectors: [{id: a, codecs: {trunk: [PCMU, AMR]}}]",
       "2: connectors[0].codecs.trunk[1]: AMR is not PCMU, PCMA, G722, G729 or opus"},
      {"connectors: [{id: a, codecs: {customer: [G722, G722]}}]",
       "2: connectors[0].codecs.customer[1]: G722 is there twice"},
      {"connectors: [{id: a, codecs: {trunk: []}}]",
       "2: connectors[0].codecs.trunk: at least one codec is wanted; without the key they cross as "
       "they come"},
      {"connectors: [{id: a, codecs: {trunks: [PCMU]}}]",
       "2: connectors[0].codecs.trunks: no such key; did you mean `trunk`?"},
  };
  for (const Row& row : kRows) ExpectErrors(kListeners, "", row);
}

TEST(ConfigErrorsTest, ARouteToAnotherPortOfOurHostIsAPbxBesideUs) {
  EXPECT_EQ(ErrorsOf(Concat(kListeners,
                            "connectors: [{id: a, routes: [{host: 127.0.0.2, port: "
                            "5080}]}]\n")),
            "accepted");
}

TEST(ConfigErrorsTest, TwentyRoutesAreTheMost) {
  std::string routes;
  for (int i = 0; i < 20; ++i) routes += Concat("{Host: pbx", i, ".example.com}, ");
  const auto with = [](const std::string& list) {
    return ErrorsOf(
        Concat(kListeners, "connectors: [{id: a, origination: {Routes: [", list, "]}}]\n"));
  };
  EXPECT_EQ(with(routes), "accepted");
  EXPECT_EQ(with(routes + "{Host: one.too.many}"),
            "tests/corpus/seed/sbc.yaml:2: connectors[0].origination.Routes: 21 routes; at most 20 "
            "are wanted");
}

// Rule 3: at a listener of both sides, an address on both sides could not be told apart.
TEST(ConfigErrorsTest, SidesMustNotOverlapAtAListenerOfBoth) {
  const std::string any = "listeners: [{side: any, address: 127.0.0.2}]\n";
  const std::string overlap =
      "connectors: [{id: a, trunk: {cidrs: [3.80.16.0/23]}, customers: [{cidrs: "
      "[3.80.0.0/16]}]}]\n";
  EXPECT_EQ(
      ErrorsOf(any + overlap),
      "tests/corpus/seed/sbc.yaml:2: connectors[0].customers[0].cidrs[0]: 3.80.0.0/16 overlaps "
      "the trunk's 3.80.16.0/23 of connectors[0].trunk.cidrs[0], and a listener of `side: any` "
      "could not tell them apart");
  EXPECT_EQ(ErrorsOf(any + "connectors: [{id: a, routes: [{host: 3.80.16.9}]}]\n"),
            "tests/corpus/seed/sbc.yaml:2: connectors[0].routes[0]: 3.80.16.9/32 overlaps the "
            "trunk's 3.80.16.0/23 of connectors[0], and a listener of `side: any` could not tell "
            "them apart");
  EXPECT_EQ(ErrorsOf(any + "connectors: [{id: a, customers: [{cidrs: [198.51.100.0/24]}]}]\n"),
            "accepted");
  EXPECT_EQ(ErrorsOf(Concat(kListeners, overlap)), "accepted") << "two listeners tell them apart";
}

TEST(ConfigErrorsTest, UnderDpdkListenersHaveTheCardsAddress) {
  EXPECT_EQ(ErrorsOf("node: {io: dpdk, dpdk: {device: x, address: 10.0.0.1/8}}\n"
                     "listeners: [{side: any, address: 10.0.0.2}]\nconnectors: [{id: a}]\n"),
            "tests/corpus/seed/sbc.yaml:2: listeners[0]: 10.0.0.2 is not the address of node.dpdk, "
            "10.0.0.1");
}

TEST(ConfigErrorsTest, UnderDpdkThereIsOneWorker) {
  EXPECT_EQ(ErrorsOf("node: {workers: 2, io: dpdk, dpdk: {device: x, address: 10.0.0.1/8}}\n"
                     "listeners: [{side: any, address: 10.0.0.1}]\nconnectors: [{id: a}]\n"),
            "tests/corpus/seed/sbc.yaml:1: node.workers: 2 is too many: io dpdk has one queue, for "
            "one worker");
}

// A mistake in an included file is told in that file, with the path that it has in the whole.
TEST(ConfigErrorsTest, IncludedFilesTellTheirOwnLines) {
  const std::string directory = ::testing::TempDir() + "/";
  std::ofstream(directory + "bad_origination.json")
      << "{\n \"Origination\": {\n  \"Routes\": [\n   {\"Host\": \"a\", \"Weight\": 500}\n  ]\n "
         "}\n}\n";
  std::ofstream(directory + "not_yaml.json") << "{\"Termination\": [}";
  const std::string text =
      Concat(kListeners,
             "connectors:\n  - id: a\n    origination: {file: "
             "bad_origination.json}\n    termination: {file: not_yaml.json}\n");
  std::ofstream(directory + "sbc_errors_test.yaml") << text;
  const absl::StatusOr<Config> config = ReadConfig(directory + "sbc_errors_test.yaml");
  ASSERT_FALSE(config.ok());
  const std::string message(config.status().message());
  EXPECT_THAT(message, HasSubstr(Concat(directory,
                                        "bad_origination.json:4: connectors[0].origination."
                                        "Origination.Routes[0].Weight: 500 is outside 1..100")));
  EXPECT_THAT(message, HasSubstr(Concat(directory,
                                        "sbc_errors_test.yaml:5: "
                                        "connectors[0].termination.file: ",
                                        directory, "not_yaml.json:1:")));
}

TEST(ConfigErrorsTest, AllMistakesAreToldAtOnce) {
  EXPECT_EQ(ErrorsOf(R"(node: {workers: 0}
limits: {calls: x}
listeners:
  - {side: customer, address: 127.0.0.2, port: 0}
connectors:
  - {id: a, region: mars}
)"),
            "tests/corpus/seed/sbc.yaml:1: node.workers: 0 is outside 1..64\n"
            "tests/corpus/seed/sbc.yaml:2: limits.calls: x is not a whole number\n"
            "tests/corpus/seed/sbc.yaml:4: listeners[0].port: 0 is outside 1..65535\n"
            "tests/corpus/seed/sbc.yaml:6: connectors[0].region: mars is not a region of Voice "
            "Connectors that we know; wanted is us-east-1, us-west-2, ca-central-1, eu-west-1, "
            "eu-central-1, eu-west-2, ap-northeast-2, ap-northeast-1, ap-southeast-1 or "
            "ap-southeast-2, or `trunk: {cidrs: ...}`");
}

TEST(ConfigErrorsTest, TheFileItself) {
  EXPECT_EQ(std::string(ReadConfig("/nonexistent/sbc.yaml").status().message()),
            "cannot read /nonexistent/sbc.yaml: No such file or directory");
  EXPECT_EQ(ErrorsOf(""), "tests/corpus/seed/sbc.yaml: empty");
  EXPECT_EQ(ErrorsOf("- a\n"),
            "tests/corpus/seed/sbc.yaml:1: a list is not a map of keys and values");
  EXPECT_EQ(ErrorsOf("a: {\n"),
            "tests/corpus/seed/sbc.yaml:2:1: not YAML: end of map flow not found");
}

}  // namespace
}  // namespace sbc

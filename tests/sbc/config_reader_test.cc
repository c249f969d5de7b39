// Goal: the configuration contract (section 7 of the design, section 6 of the rules) is read as
// written, Amazon's own JSON included, and every default is the documented one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "sbc/config.h"
#include "sbc/voice_connector_regions.h"

namespace sbc {
namespace {

using core::Concat;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kListeners = R"(
listeners:
  - {side: customer, address: 127.0.0.2}
  - {side: trunk, address: 127.0.0.3, advertise: 203.0.113.10}
)";

Config Read(std::string_view text) {
  absl::StatusOr<Config> config = ParseConfig(text, "tests/corpus/seed/sbc.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  CHECK(config.ok());
  return std::move(*config);
}

std::string FileText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  CHECK(!text.str().empty());
  return text.str();
}

template <typename T>
std::string Text(const T& address) {
  const auto text = address.text();
  return std::string(text.view());
}

template <typename T>
std::vector<std::string> Texts(const std::vector<T>& values) {
  std::vector<std::string> texts;
  for (const T& value : values) texts.push_back(Text(value));
  return texts;
}

std::vector<std::string> Hosts(const ConnectorConfig& connector) {
  std::vector<std::string> hosts;
  for (const RouteConfig& route : connector.routes) {
    hosts.push_back(Concat(route.host, ":", route.port, " ", TransportName(route.transport), " ",
                           route.priority, "/", route.weight));
  }
  return hosts;
}

// The design's own example.
TEST(ConfigReaderTest, ReadsTheContract) {
  const Config config = Read(R"(
node: {name: sbc-1, workers: 1, io: uring}
limits: {calls: 20000, calls_per_second: 0}           # 0: none of our own
listeners:                                             # a side may have several
  - {side: customer, transport: udp, address: 127.0.0.2, port: 5060}
  - {side: trunk,    transport: udp, address: 127.0.0.3, port: 5060, advertise: 203.0.113.10}
media:
  - {side: customer, address: 127.0.0.2, ports: 20000-29999}
  - {side: trunk,    address: 127.0.0.3, ports: 20000-29999, advertise: 203.0.113.10}
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    region: us-east-1
    trunk: {host: dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws, port: 5060, transport: udp,
            cidrs: [3.80.16.0/23]}
    termination: {file: termination.json}              # or the JSON object itself, with or without
                                                       # its outer key
    origination: {file: origination.json}
    phone_numbers: ["+16185558387"]                    # optional: then From must be one of them
    logging: {EnableSIPLogs: true, EnableMediaMetricLogs: true}
failover: {codes: [408, 500, 502, 503, 504], answer_timeout: 4s, options_interval: 30s}
rejections: {cidr: drop, cps: 503, region: 403, caller_id: 403, disabled: 403}   # drop: cidr alone
admin: {address: 127.0.0.1, port: 9060}                # /metrics, /healthz, /readyz, /api/v1/...
logs: {directory: /var/log/ringfence}
)");
  EXPECT_EQ(config.node.name, "sbc-1");
  ASSERT_THAT(config.listeners, SizeIs(2));
  EXPECT_EQ(Text(config.listeners[0].local), "127.0.0.2:5060");
  EXPECT_EQ(Text(config.listeners[0].advertised()), "127.0.0.2:5060");
  EXPECT_EQ(Text(config.listeners[1].advertised()), "203.0.113.10:5060");
  EXPECT_TRUE(config.listeners[1].serves(Side::kTrunk));
  EXPECT_FALSE(config.listeners[1].serves(Side::kCustomer));
  ASSERT_THAT(config.media, SizeIs(2));
  EXPECT_EQ(config.media[1].port_first, 20000);
  EXPECT_EQ(config.media[1].port_last, 29999);
  ASSERT_THAT(config.connectors, SizeIs(1));
  const ConnectorConfig& connector = config.connectors[0];
  EXPECT_EQ(connector.trunk.host, "dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws");
  EXPECT_THAT(Texts(connector.trunk.cidrs), ElementsAre("3.80.16.0/23"));
  EXPECT_EQ(connector.termination.cps_limit, 0u);
  ASSERT_THAT(connector.termination.calling_regions, SizeIs(1));
  EXPECT_EQ(connector.termination.calling_regions[0].view(), "US");
  EXPECT_FALSE(connector.termination.disabled);
  ASSERT_THAT(connector.customers, SizeIs(1));
  EXPECT_THAT(Texts(connector.customers[0].cidrs), ElementsAre("198.51.100.204/32"));
  EXPECT_THAT(Hosts(connector), ElementsAre("198.51.100.204:5060 udp 1/1"));
  EXPECT_THAT(connector.phone_numbers, ElementsAre("+16185558387"));
  EXPECT_TRUE(connector.logging.enable_sip_logs && connector.logging.enable_media_metric_logs);
  EXPECT_EQ(config.logs.directory, "/var/log/ringfence");
  EXPECT_EQ(config.path, "tests/corpus/seed/sbc.yaml");
}

// Everything has a default except what cannot: one listener for each side, and a connector's id.
TEST(ConfigReaderTest, TheLeastConfigurationHasAllDefaults) {
  const Config config = Read(Concat(kListeners, "connectors: [{id: abc}]\n"));
  EXPECT_EQ(config.node.workers, 1);
  EXPECT_EQ(config.node.io, IoKind::kUring);
  EXPECT_EQ(config.node.latency_budget, 1ms);
  EXPECT_FALSE(config.node.poll);
  EXPECT_EQ(config.limits.calls, 20000u);
  EXPECT_EQ(config.limits.calls_per_second, 0u);
  EXPECT_EQ(config.listeners[0].local.port, 5060);
  EXPECT_THAT(config.failover.codes, ElementsAre(408, 500, 502, 503, 504));
  EXPECT_EQ(config.failover.answer_timeout, 4s);     // Rule 7.
  EXPECT_EQ(config.failover.progress_timeout, 10s);  // Rule 7.
  EXPECT_EQ(config.failover.ring_timeout, 180s);     // Rule 7.
  EXPECT_EQ(config.failover.total_timeout, 20s);     // Rule 7.
  EXPECT_EQ(config.failover.options_interval, 30s);
  EXPECT_EQ(config.failover.options_timeout, 3s);  // Rule 10.
  EXPECT_EQ(config.dns.stale_max, 1h);             // Rule 9.
  EXPECT_EQ(config.sip.t1, 500ms);
  EXPECT_EQ(config.sip.session_expires, 1800s);
  EXPECT_EQ(config.sip.min_se, 90s);
  EXPECT_TRUE(config.emergency.numbers.Contains("911"));  // Rule 6.
  EXPECT_TRUE(config.emergency.numbers.Contains("933"));
  EXPECT_EQ(config.transfer.of(Side::kTrunk), PassPolicy::kRefuse);  // Rule 18.
  EXPECT_FALSE(config.caller_id.allow_diverted);                     // Rule 17.
  EXPECT_EQ(Text(config.admin.local), "127.0.0.1:9060");
  EXPECT_EQ(config.logs.directory, "");
  const ConnectorConfig& connector = config.connectors[0];
  EXPECT_EQ(connector.trunk.host, "abc.voiceconnector.chime.aws");
  EXPECT_EQ(connector.trunk.port, 5060);
  EXPECT_THAT(Texts(connector.trunk.cidrs), ElementsAre("3.80.16.0/23", "2600:f0f0:c040::/48"));
  EXPECT_TRUE(connector.termination.disabled) << "what is not there must not be open";
  EXPECT_TRUE(connector.origination.disabled);
}

TEST(ConfigReaderTest, TheDefaultReserveForEmergenciesShrinksWithTheNode) {
  for (const auto& [calls, reserve] : {std::pair{20000, 8u}, {32, 8u}, {20, 5u}, {1, 0u}}) {
    const Config config =
        Read(Concat(kListeners, "connectors: [{id: a}]\nlimits: {calls: ", calls, "}\n"));
    EXPECT_EQ(config.emergency.reserve_calls, reserve) << calls;
  }
}

TEST(ConfigReaderTest, RejectionsHaveTheDesignsDefaults) {
  const struct {
    RejectionCause cause;
    const char* name;
    uint16_t code;
  } kRows[] = {
      {RejectionCause::kCidr, "cidr", RejectionsConfig::kDrop},
      {RejectionCause::kCps, "cps", 503},
      {RejectionCause::kRegion, "region", 403},
      {RejectionCause::kCallerId, "caller_id", 403},
      {RejectionCause::kDisabled, "disabled", 403},
      {RejectionCause::kCalls, "calls", 503},
      {RejectionCause::kNoRoute, "no_route", 503},
      {RejectionCause::kOverload, "overload", 503},
      {RejectionCause::kDrain, "drain", 503},
      {RejectionCause::kOriginationDisabled, "origination_disabled", 403},
      {RejectionCause::kUnknownNumber, "unknown_number", 404},
  };
  static_assert(std::size(kRows) == kRejectionCodeCount);
  for (const auto& row : kRows) {
    EXPECT_EQ(RejectionCauseName(row.cause), row.name);
    EXPECT_EQ(RejectionsConfig().code(row.cause), row.code) << row.name;
    const Config config = Read(Concat(kListeners, "connectors: [{id: a}, {id: b, rejections: {",
                                      row.name, ": 699}}]\nrejections: {", row.name, ": 486}\n"));
    EXPECT_EQ(config.rejections.code(row.cause), 486) << row.name;
    EXPECT_EQ(config.connectors[0].rejections.code(row.cause), 486) << "inherited";
    EXPECT_EQ(config.connectors[1].rejections.code(row.cause), 699);
  }
}

TEST(ConfigReaderTest, AConnectorsCidrIsDroppedThoughTheNodesIsAnswered) {
  const Config config = Read(Concat(
      kListeners, "connectors: [{id: a, rejections: {cidr: drop}}]\nrejections: {cidr: 403}\n"));
  EXPECT_EQ(config.rejections.code(RejectionCause::kCidr), 403);
  EXPECT_EQ(config.connectors[0].rejections.code(RejectionCause::kCidr), RejectionsConfig::kDrop);
}

// Issue: the seed's three JSON files work as they stand, by `file:` and pasted inline.
TEST(ConfigReaderTest, TakesTheSeedsJsonByFileAndInline) {
  const std::string directory = "tests/corpus/seed/";
  const std::string pasted =
      Concat(kListeners, "connectors:\n  - id: dr3rbaar376u5r4ntcnlq4\n    termination: ",
             FileText(directory + "termination.json"),
             "\n    origination: ", FileText(directory + "origination-weighted.json"),
             "\n  - id: other\n    origination: ", FileText(directory + "origination.json"), "\n");
  // Below its key, it begins at the margin: that is how it was printed.
  std::string below = pasted;
  for (size_t at; (at = below.find(": {\n")) != std::string::npos;) below.replace(at, 2, ":\n");
  const std::string by_file = Concat(kListeners, R"(
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    termination: {file: termination.json}
    origination: {file: origination-weighted.json}
  - id: other
    origination: {file: origination.json}
)");
  for (const std::string& text : {by_file, pasted, below}) {
    const Config config = Read(text);
    ASSERT_THAT(config.connectors, SizeIs(2));
    const ConnectorConfig& weighted = config.connectors[0];
    EXPECT_EQ(weighted.termination.cps_limit, 0u);
    EXPECT_THAT(Texts(weighted.customers[0].cidrs), ElementsAre("198.51.100.204/32"));
    // A route without Port or Protocol means 5060 and UDP.
    EXPECT_THAT(Hosts(weighted),
                ElementsAre("198.51.100.204:5060 udp 1/5", "198.51.100.205:5060 udp 1/5",
                            "198.51.100.206:5060 udp 2/1", "198.51.100.207:5060 udp 2/9"));
    EXPECT_THAT(Hosts(config.connectors[1]), ElementsAre("198.51.100.204:5060 udp 1/1"));
    EXPECT_FALSE(weighted.origination.disabled);
  }
}

TEST(ConfigReaderTest, TakesAwsObjectsWithOrWithoutTheirOuterKey) {
  const Config config = Read(Concat(kListeners, R"(
connectors:
  - id: bare
    termination: {"CpsLimit": 5, "DefaultPhoneNumber": "16185558387",
      "CallingRegions": ["US", "CA",], "CidrAllowedList": ["198.51.100.204/32"], "Disabled": true}
    origination: {"Disabled": true, "Routes": []}
    logging: {"EnableSIPLogs": true}
  - id: wrapped
    termination: {"Termination": {"CpsLimit": 5, "CallingRegions": ["US"]}}
    origination: {"Origination": {"Routes": [{"Host": "pbx.example.com", "Port": 5070,
      "Protocol": "UDP", "Priority": 100, "Weight": 100}]}}
    logging: {"LoggingConfiguration": {"EnableMediaMetricLogs": true}}
)"));
  const ConnectorConfig& bare = config.connectors[0];
  EXPECT_EQ(bare.termination.cps_limit, 5u);
  EXPECT_EQ(bare.termination.default_phone_number, "+16185558387");
  EXPECT_THAT(bare.termination.calling_regions, SizeIs(2));
  EXPECT_TRUE(bare.termination.disabled);
  EXPECT_TRUE(bare.origination.disabled);
  EXPECT_TRUE(bare.logging.enable_sip_logs);
  EXPECT_FALSE(bare.logging.enable_media_metric_logs);
  const ConnectorConfig& wrapped = config.connectors[1];
  EXPECT_EQ(wrapped.termination.cps_limit, 5u);
  EXPECT_THAT(Hosts(wrapped), ElementsAre("pbx.example.com:5070 udp 100/100"));
  EXPECT_FALSE(wrapped.routes[0].ip);
  EXPECT_TRUE(wrapped.logging.enable_media_metric_logs);
}

// Rule 1: customers and routes beside a paste stand in for its CidrAllowedList and Routes, even
// where those name this SBC itself.
TEST(ConfigReaderTest, CustomersAndRoutesOverrideThePaste) {
  const Config config = Read(R"(
listeners:
  - {side: customer, address: 10.0.0.5}
  - {side: trunk, address: 10.0.0.6, advertise: 198.51.100.204}
connectors:
  - id: abc
    termination: {file: termination.json}
    origination: {file: origination.json}
    customers:
      - cidrs: [10.1.0.0/24, "2001:db8::/64"]
        nat: true
        credentials: {username: pbx, password: secret}
      - {cidrs: [10.2.0.1], credentials: [{Username: a, Password: b}, {username: c, password: d}]}
    routes:
      - {host: 10.1.0.9}
      - {host: "[2001:db8::9]", port: 5070, priority: 2, weight: 7}
      - {host: pbx.example.com, srv: true}
)");
  const ConnectorConfig& connector = config.connectors[0];
  ASSERT_THAT(connector.customers, SizeIs(2));
  EXPECT_THAT(Texts(connector.customers[0].cidrs), ElementsAre("10.1.0.0/24", "2001:db8::/64"));
  EXPECT_TRUE(connector.customers[0].nat);
  ASSERT_THAT(connector.customers[0].credentials, SizeIs(1));
  EXPECT_EQ(connector.customers[0].credentials[0].password, "secret");
  EXPECT_THAT(Texts(connector.customers[1].cidrs), ElementsAre("10.2.0.1/32"));
  EXPECT_THAT(connector.customers[1].credentials, SizeIs(2));
  EXPECT_THAT(Hosts(connector), ElementsAre("10.1.0.9:5060 udp 1/1", "2001:db8::9:5070 udp 2/7",
                                            "pbx.example.com:5060 udp 1/1"));
  EXPECT_EQ(Text(*connector.routes[1].ip), "2001:db8::9");
  EXPECT_TRUE(connector.routes[2].srv);
}

TEST(ConfigReaderTest, EachSideMayHaveCodecsOfItsOwn) {
  using enum core::sdp::Codec;
  const auto read = [](std::string_view codecs) {
    return Read(Concat(kListeners, "connectors: [{id: a, codecs: ", codecs, "}]\n"))
        .connectors[0]
        .codecs;
  };
  const auto both = read("{trunk: [PCMU], customer: [opus, G722, G729, PCMA, PCMU]}");
  EXPECT_THAT(both.trunk, ElementsAre(kPcmu));
  EXPECT_THAT(both.customer, ElementsAre(kOpus, kG722, kG729, kPcma, kPcmu));
  const auto one = read("{trunk: [PCMU, PCMA]}");
  EXPECT_THAT(one.trunk, ElementsAre(kPcmu, kPcma));
  EXPECT_THAT(one.customer, ElementsAre());
  EXPECT_THAT(read("{}").trunk, ElementsAre());
}

TEST(ConfigReaderTest, ReadsEveryFurtherName) {
  const Config config = Read(Concat(kListeners, R"(
node: {name: n, workers: 4, latency_budget: 50ms, io: uring, poll: true}
limits: {calls: 100, calls_per_second: 50, calls_per_second_per_source: 5, transactions: 999}
connectors:
  - id: abc
    region: eu-west-2
    account_id: "123456789012"
    trunk: {host: 127.0.0.9, port: 5070, transport: UDP, srv: false, cidrs: [127.0.0.9],
            media_cidrs: [127.0.0.0/30]}
    termination: {CallingRegions: [GB], CidrAllowedList: [127.0.0.8/32], CpsLimit: 1}
    routes: [{host: 127.0.0.8}]
    credentials: {username: u, password: p}
    limits: {calls: 10}
    codecs: [PCMU, PCMA]
    dtmf: info
    video: relay
    media_timeout: 60s
    failover: {answer_timeout: 1s}
failover: {codes: [503], progress_timeout: 5s, ring_timeout: 1m, total_timeout: 30s,
           options_timeout: 1s, options_interval: 0s}
sip: {t1: 100ms, t2: 1s, t4: 2s, session_expires: 10m, min_se: 2m,
      fold_early_dialogs: {customer: true}}
dns: {servers: [10.0.0.2, "127.0.0.1:5353", "[::1]:54"], stale_max: 10m}
headers: {pass: [X-Account, User-to-User]}
transfer: {customer: pass}
message: pass
caller_id: {allow_diverted: true}
emergency: {numbers: [112, "999"], reserve_calls: 3}
local_networks: [10.0.0.0/8, "fd00::/8"]
drain_timeout: 30s
admin: {port: 9061}
logs: {directory: logs}
)"));
  EXPECT_EQ(config.node.workers, 4);
  EXPECT_EQ(config.node.latency_budget, 50ms);
  EXPECT_TRUE(config.node.poll);
  EXPECT_EQ(config.limits.transactions, 999u);
  EXPECT_EQ(config.limits.calls_per_second_per_source, 5u);
  const ConnectorConfig& connector = config.connectors[0];
  EXPECT_EQ(connector.home_plan, HomePlan::kInternational);
  EXPECT_EQ(connector.account_id, "123456789012");
  EXPECT_EQ(connector.trunk.host, "127.0.0.9");
  EXPECT_THAT(Texts(connector.trunk.media_cidrs), ElementsAre("127.0.0.0/30"));
  EXPECT_EQ(connector.credentials->username, "u");
  EXPECT_EQ(connector.calls_max, 10u);
  EXPECT_THAT(connector.codecs.trunk,
              ElementsAre(core::sdp::Codec::kPcmu, core::sdp::Codec::kPcma));
  EXPECT_EQ(connector.codecs.customer, connector.codecs.trunk) << "one list is for both sides";
  EXPECT_EQ(connector.dtmf, DtmfKind::kInfo);
  EXPECT_EQ(connector.video, VideoKind::kRelay);
  EXPECT_EQ(connector.media_timeout, 60s);
  EXPECT_EQ(connector.failover.answer_timeout, 1s);
  EXPECT_EQ(connector.failover.progress_timeout, 5s) << "what it does not say is the global one's";
  EXPECT_EQ(config.failover.answer_timeout, 4s);
  EXPECT_EQ(config.failover.options_interval, 0s);
  EXPECT_EQ(config.sip.t1, 100ms);
  EXPECT_TRUE(config.sip.fold_early_dialogs.of(Side::kCustomer));
  EXPECT_FALSE(config.sip.fold_early_dialogs.of(Side::kTrunk));
  EXPECT_THAT(Texts(config.dns.servers), ElementsAre("10.0.0.2:53", "127.0.0.1:5353", "[::1]:54"));
  EXPECT_THAT(config.headers.pass, ElementsAre("X-Account", "User-to-User"));
  EXPECT_EQ(config.transfer.customer, PassPolicy::kPass);
  EXPECT_EQ(config.transfer.trunk, PassPolicy::kRefuse);
  EXPECT_EQ(config.message.trunk, PassPolicy::kPass);
  EXPECT_TRUE(config.caller_id.allow_diverted);
  EXPECT_TRUE(config.emergency.numbers.Contains("112"));
  EXPECT_FALSE(config.emergency.numbers.Contains("911"));
  EXPECT_EQ(config.emergency.reserve_calls, 3u);
  EXPECT_THAT(Texts(config.local_networks), ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_EQ(config.drain_timeout, 30s);
  EXPECT_EQ(config.admin.local.port, 9061);
  EXPECT_EQ(config.logs.directory, "tests/corpus/seed/logs") << "relative to the file";
}

TEST(ConfigReaderTest, ReadsTheDpdkSection) {
  const Config config = Read(R"(
node:
  io: dpdk
  dpdk:
    device: net_af_packet0,iface=veth1
    address: 10.9.0.1/24
    gateway: 10.9.0.254
    neighbours: [{address: 10.9.0.2, mac: "02:00:00:00:00:fE"}]
    eal: [--no-huge, -m, "256"]
    file_prefix: test
listeners: [{side: any, address: 10.9.0.1}]
connectors: [{id: abc}]
)");
  ASSERT_TRUE(config.node.dpdk);
  EXPECT_EQ(config.node.dpdk->device, "net_af_packet0,iface=veth1");
  EXPECT_EQ(Text(config.node.dpdk->address), "10.9.0.1");
  EXPECT_EQ(config.node.dpdk->prefix_length, 24);
  EXPECT_EQ(Text(*config.node.dpdk->gateway), "10.9.0.254");
  ASSERT_THAT(config.node.dpdk->neighbours, SizeIs(1));
  EXPECT_EQ(config.node.dpdk->neighbours[0].mac[0], 2);
  EXPECT_EQ(config.node.dpdk->neighbours[0].mac[5], 0xfe);
  EXPECT_THAT(config.node.dpdk->eal, ElementsAre("--no-huge", "-m", "256"));
}

TEST(ConfigReaderTest, TheRegionsAreThoseOfTheAdministratorGuide) {
  EXPECT_THAT(VoiceConnectorRegions(), SizeIs(10));
  for (const VoiceConnectorRegion& region : VoiceConnectorRegions()) {
    const Config config =
        Read(Concat(kListeners, "connectors: [{id: abc, region: ", region.name, "}]\n"));
    EXPECT_THAT(Texts(config.connectors[0].trunk.cidrs), ElementsAre(region.v4, region.v6));
    EXPECT_EQ(config.connectors[0].home_plan, region.home_plan);
    core::Cidr global;
    ASSERT_TRUE(core::Cidr::Parse("2600:f0f0:c040::/42", &global));
    EXPECT_TRUE(global.Contains(config.connectors[0].trunk.cidrs[1])) << region.name;
  }
  EXPECT_EQ(FindVoiceConnectorRegion("us-east-2"), nullptr);
  // A region that is newer than we are works by its blocks.
  const Config config = Read(
      Concat(kListeners, "connectors: [{id: a, region: x-1, trunk: {cidrs: [7.7.7.0/24]}}]\n"));
  EXPECT_THAT(Texts(config.connectors[0].trunk.cidrs), ElementsAre("7.7.7.0/24"));
}

// The example that is shipped stays true: it reads, and it says what sbc/config.h says.
TEST(ConfigReaderTest, TheShippedExampleHasTheDefaults) {
  const absl::StatusOr<Config> example = ReadConfig("deploy/config/sbc-example.yaml");
  ASSERT_TRUE(example.ok()) << example.status();
  // Whether this machine has the folder of the logs is not the example's matter.
  EXPECT_THAT(example->warnings, ::testing::Each(::testing::HasSubstr("logs.directory")));
  const Config least = Read(Concat(kListeners, "connectors: [{id: abc}]\n"));
  for (const ConfigChange& change : DiffConfig(least, *example)) {
    // Its own addresses and names; everything else it shows is a default.
    EXPECT_THAT(change.text, ::testing::AnyOf(::testing::StartsWith("listeners["),
                                              ::testing::StartsWith("connectors["),
                                              ::testing::StartsWith("node.name"),
                                              ::testing::StartsWith("logs.directory")));
  }
}

}  // namespace
}  // namespace sbc

// Goal: a reload shows what it changes, setting by setting, and which of it has to wait for a
// restart (design, section 2: "shows what changes"); passwords are compared and never shown.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "sbc/config.h"

namespace sbc {
namespace {

using core::Concat;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Config Read(std::string_view text) {
  absl::StatusOr<Config> config = ParseConfig(text, "f.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  CHECK(config.ok());
  return std::move(*config);
}

// Each change as one line; those that need a restart end in '!'.
std::vector<std::string> Diff(const Config& before, const Config& after) {
  std::vector<std::string> lines;
  for (const ConfigChange& change : DiffConfig(before, after)) {
    lines.push_back(Concat(change.text, change.needs_restart ? "!" : ""));
  }
  return lines;
}

constexpr std::string_view kListeners =
    "listeners: [{side: customer, address: 127.0.0.2}, {side: trunk, address: 127.0.0.3}]\n";

TEST(DiffConfigTest, NothingChangesNothing) {
  const Config config = Read(Concat(kListeners, "connectors: [{id: a}]\n"));
  EXPECT_THAT(Diff(config, config), IsEmpty());
}

TEST(DiffConfigTest, TellsWhatNeedsARestart) {
  const Config before = Read(Concat(kListeners, "connectors: [{id: a}]\n"));
  const Config after = Read(R"(
node: {workers: 2, latency_budget: 2ms, poll: true}
limits: {calls: 30000, calls_per_second: 100}
listeners:
  - {side: customer, address: 127.0.0.2, advertise: 203.0.113.1}
  - {side: trunk, address: 127.0.0.3}
  - {side: trunk, address: 127.0.0.4}
connectors: [{id: a}]
drain_timeout: 1m
)");
  EXPECT_THAT(Diff(before, after),
              ElementsAre("drain_timeout: 5m -> 1m",            //
                          "limits.calls: 20000 -> 30000!",      //
                          "limits.calls_per_second: 0 -> 100",  //
                          "listeners[0]: customer udp 127.0.0.2:5060 advertised 127.0.0.2:5060 -> "
                          "customer udp 127.0.0.2:5060 advertised 203.0.113.1:5060!",
                          "listeners[2]: nothing -> trunk udp 127.0.0.4:5060 advertised "
                          "127.0.0.4:5060!",
                          "node.latency_budget: 1ms -> 2ms!",  //
                          "node.poll: false -> true!",         //
                          "node.workers: 1 -> 2!"));
}

TEST(DiffConfigTest, FollowsConnectorsByTheirId) {
  const Config before = Read(Concat(kListeners, R"(
connectors:
  - {id: gone}
  - id: stays
    termination: {CpsLimit: 1, CallingRegions: [US], CidrAllowedList: [198.51.100.204/32]}
    routes: [{host: pbx, weight: 1}]
)"));
  const Config after = Read(Concat(kListeners, R"(
connectors:
  - id: stays
    termination: {CpsLimit: 5, CallingRegions: [US, CA], CidrAllowedList: [198.51.100.205/32]}
    routes: [{host: pbx, weight: 2}]
  - {id: comes}
)"));
  EXPECT_THAT(
      Diff(before, after),
      ElementsAre("connectors[comes]: nothing -> a connector",
                  "connectors[gone]: a connector -> nothing",
                  "connectors[stays].customers[0].cidrs: 198.51.100.204/32 -> "
                  "198.51.100.205/32",
                  "connectors[stays].routes[0]: pbx:5060 udp priority 1 weight 1 -> pbx:5060 "
                  "udp priority 1 weight 2",
                  "connectors[stays].termination.CallingRegions: US -> US, CA",
                  "connectors[stays].termination.CpsLimit: 1 -> 5"));
}

TEST(DiffConfigTest, NeverShowsAPassword) {
  const auto with = [](std::string_view password) {
    return Read(Concat(
        kListeners, "connectors: [{id: a, credentials: {username: u, password: ", password,
        "}, customers: [{cidrs: [10.0.0.0/8], credentials: {username: u, password: ", password,
        "}}]}]\n"));
  };
  EXPECT_THAT(Diff(with("one"), with("two")),
              ElementsAre("connectors[a].credentials: (hidden) -> (hidden)",
                          "connectors[a].customers[0].credentials: (hidden) -> (hidden)"));
}

TEST(DiffConfigTest, SeesWhatBelongsToARangeOfMediaPorts) {
  const auto with = [](std::string_view more) {
    return Read(Concat(kListeners,
                       "connectors: [{id: a}]\nmedia: [{side: trunk, address: 127.0.0.3, ports: "
                       "20000-20999",
                       more, "}, {side: customer, address: 127.0.0.2, ports: 20000-20999}]\n"));
  };
  EXPECT_THAT(
      Diff(with(""), with(", shared: false, allow: [private, loopback]")),
      ElementsAre(
          "media[0]: trunk 127.0.0.3 ports 20000-20999 advertised  shared allows [] -> trunk "
          "127.0.0.3 ports 20000-20999 advertised  allows [private, loopback]!"));
}

// A name and a password are told apart, wherever the blank stands.
TEST(DiffConfigTest, SeesACredentialWhoseWordsMoved) {
  const auto with = [](std::string_view username, std::string_view password) {
    return Read(Concat(kListeners, "connectors: [{id: a, credentials: {username: ", username,
                       ", password: ", password, "}}]\n"));
  };
  EXPECT_EQ(Diff(with("a b", "c"), with("a", "b c")).size(), 1u);
}

// Each setting that can be written is also compared: a change that a reload hid would be a
// surprise.
TEST(DiffConfigTest, SeesEverySetting) {
  const std::string base = Concat(kListeners, "connectors: [{id: a}]\n");
  for (const std::string_view setting :
       {"node: {name: x}",
        "limits: {transactions: 5}",
        "limits: {calls_per_second_per_source: 1}",
        "failover: {codes: [503]}",
        "failover: {ring_timeout: 9s}",
        "rejections: {cidr: 403}",
        "sip: {t1: 100ms}",
        "sip: {t4: 1s}",
        "sip: {session_expires: 100s}",
        "sip: {min_se: 100s}",
        "sip: {fold_early_dialogs: true}",
        "dns: {servers: [10.0.0.1]}",
        "dns: {stale_max: 1s}",
        "headers: {pass: [X-A]}",
        "transfer: pass",
        "redirect: pass",
        "message: {trunk: pass}",
        "caller_id: {allow_diverted: true}",
        "emergency: {numbers: [112]}",
        "emergency: {reserve_calls: 1}",
        "local_networks: [10.0.0.0/8]",
        "admin: {port: 1}",
        "logs: {directory: /x}",
        "media: [{side: trunk, address: 127.0.0.3, ports: 20000-20999}, "
        "{side: customer, address: 127.0.0.2, ports: 20000-20999}]"}) {
    const std::vector<std::string> lines = Diff(Read(base), Read(Concat(base, setting, "\n")));
    EXPECT_GE(lines.size(), 1u) << setting;
  }
  for (const std::string_view setting : {"region: us-west-2",
                                         "account_id: x",
                                         "trunk: {host: h}",
                                         "trunk: {port: 1}",
                                         "trunk: {srv: true}",
                                         "trunk: {cidrs: [1.0.0.0/8]}",
                                         "trunk: {media_cidrs: [1.0.0.0/8]}",
                                         "logging: {EnableSIPLogs: true}",
                                         "logging: {EnableMediaMetricLogs: true}",
                                         "limits: {calls: 1}",
                                         "codecs: [PCMU]",
                                         "codecs: {customer: [PCMU]}",
                                         "codecs: {trunk: [PCMU]}",
                                         "dtmf: info",
                                         "video: relay",
                                         "media_timeout: 1s",
                                         "failover: {answer_timeout: 1s}",
                                         "rejections: {cps: 480}",
                                         "customers: [{cidrs: [10.0.0.0/8], nat: true}]",
                                         "phone_numbers: [\"+16185558387\"]",
                                         "termination: {Disabled: false}",
                                         "origination: {Disabled: false}"}) {
    const Config changed = Read(Concat(kListeners, "connectors: [{id: a, ", setting, "}]\n"));
    EXPECT_GE(Diff(Read(base), changed).size(), 1u) << setting;
  }
}

}  // namespace
}  // namespace sbc

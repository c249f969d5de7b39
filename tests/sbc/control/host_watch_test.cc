// Goal: workers hear of a host's addresses when they change and only then, literals at once, names
// through the DNS, and a host that no configuration names any more loses them (rules 2 and 9 of the
// SBC's rules).

#include "sbc/control/host_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <set>
#include <string>
#include <vector>

#include "core/time/clock.h"
#include "tests/sbc/policy_bed.h"
#include "tests/support/dns_server.h"

namespace sbc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Lines final : public core::LogSink {
 public:
  void Write(std::string_view line) override { text.append(line); }
  std::string text;
};

class HostWatchTest : public testing::Test {
 protected:
  HostWatchTest() {
    EXPECT_TRUE(core::Endpoint::Parse(server_.address(), &dns_.servers.emplace_back()));
    literal_ =
        Number({.connector_id = "c", .name = "10.0.0.5", .ip = Ip("10.0.0.5"), .port = 5070});
    name_ = Number({.connector_id = "c", .side = Side::kTrunk, .name = "pbx.example", .ip = {}});
    EXPECT_TRUE(watch_.Configure(dns_, clock_.Now()).ok());
  }

  uint16_t Number(const HostSpec& spec) {
    const auto number = registry_.Host(spec);
    EXPECT_TRUE(number.ok());
    return *number;
  }

  // Serves the DNS until something changed, or nothing is under way any more.
  std::vector<HostWatch::Change> NextChanges() {
    for (int turn = 0; turn < 1000; ++turn) {
      watch_.Poll(clock_.Now());
      (void)server_.Serve();
      std::vector<HostWatch::Change> changes = watch_.TakeChanges();
      if (!changes.empty()) return changes;
      std::vector<pollfd> fds = {{server_.fd(), POLLIN, 0}};
      watch_.AddPollFds(&fds);
      (void)poll(fds.data(), fds.size(), 10);
    }
    return {};
  }

  core::KernelClock clock_;
  tests::DnsServer server_;
  DnsConfig dns_;
  Lines lines_;
  core::Logger log_{&lines_, core::LogLevel::kInfo};
  HostRegistry registry_{16};
  HostWatch watch_{&registry_, &log_};
  uint16_t literal_ = 0;
  uint16_t name_ = 0;
};

TEST_F(HostWatchTest, ALiteralIsKnownAtOnce) {
  watch_.Watch({literal_}, clock_.Now());
  const auto changes = watch_.TakeChanges();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].host, literal_);
  EXPECT_EQ(changes[0].side, Side::kCustomer);
  EXPECT_THAT(changes[0].addresses, ElementsAre(HostAddress{{Ip("10.0.0.5"), 5070}, 0, 0}));
  EXPECT_THAT(server_.questions(), IsEmpty());
  watch_.Watch({literal_}, clock_.Now());
  EXPECT_THAT(watch_.TakeChanges(), IsEmpty());  // No news.
}

TEST_F(HostWatchTest, ANameIsAskedForAndWhatChangesIsTold) {
  server_.SetAddresses("pbx.example", 3600, {"192.0.2.1", "192.0.2.2"});
  watch_.Watch({name_}, clock_.Now());
  EXPECT_EQ(watch_.unresolved(), 1u);
  const auto changes = NextChanges();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].host, name_);
  EXPECT_EQ(changes[0].side, Side::kTrunk);
  EXPECT_EQ(changes[0].addresses.size(), 2u);
  EXPECT_EQ(watch_.unresolved(), 0u);
  EXPECT_THAT(lines_.text, HasSubstr("event=host_resolved host=pbx.example:5060 "));
}

// What the configuration may not name the DNS may not either (rule 24's likes for signalling): a
// datagram to it would go to everybody, or to ourselves.
TEST_F(HostWatchTest, AddressesOfNoOneHostAreLeftOut) {
  server_.SetAddresses("pbx.example", 3600,
                       {"0.0.0.0", "192.0.2.1", "224.0.0.1", "255.255.255.255"});
  watch_.Watch({name_}, clock_.Now());
  const auto changes = NextChanges();
  ASSERT_EQ(changes.size(), 1u);
  ASSERT_EQ(changes[0].addresses.size(), 1u);
  EXPECT_EQ(changes[0].addresses[0].endpoint.ip, Ip("192.0.2.1"));
  EXPECT_THAT(lines_.text, HasSubstr("event=host_address_refused host=pbx.example:5060 "));
}

// Workers get the priorities and weights of SRV records, and their ports (RFC 2782).
TEST_F(HostWatchTest, WhatSrvRecordsSayIsPassedOn) {
  const uint16_t host = Number({.connector_id = "c", .name = "pbx.example", .ip = {}, .srv = true});
  server_.SetSrv("_sip._udp.pbx.example", 3600,
                 {{20, 0, 5070, "b.example"}, {10, 60, 5060, "a.example"}});
  server_.SetAddresses("a.example", 3600, {"192.0.2.1"});
  server_.SetAddresses("b.example", 3600, {"192.0.2.2"});
  watch_.Watch({host}, clock_.Now());
  const auto changes = NextChanges();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_THAT(changes[0].addresses, ElementsAre(HostAddress{{Ip("192.0.2.1"), 5060}, 10, 60},
                                                HostAddress{{Ip("192.0.2.2"), 5070}, 20, 0, 1}));
}

TEST_F(HostWatchTest, ANameThatDoesNotExistIsSaid) {
  watch_.Watch({name_}, clock_.Now());
  for (int turn = 0; turn < 200 && lines_.text.empty(); ++turn) {
    watch_.Poll(clock_.Now());
    (void)server_.Serve();
    pollfd ready = {server_.fd(), POLLIN, 0};
    (void)poll(&ready, 1, 10);
  }
  EXPECT_THAT(lines_.text, HasSubstr("event=host_unresolved host=pbx.example:5060 error="));
  EXPECT_THAT(watch_.TakeChanges(), IsEmpty());
}

TEST_F(HostWatchTest, AHostThatNobodyNamesLosesItsAddresses) {
  server_.SetAddresses("pbx.example", 3600, {"192.0.2.1"});
  watch_.Watch({literal_, name_}, clock_.Now());
  (void)watch_.TakeChanges();
  ASSERT_EQ(NextChanges().size(), 1u);
  watch_.Watch({literal_}, clock_.Now());
  const auto changes = watch_.TakeChanges();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].host, name_);
  EXPECT_THAT(changes[0].addresses, IsEmpty());
}

// Another server after a reload: it is asked, and the old answer serves until it answers.
TEST_F(HostWatchTest, OtherServersAreAskedAnew) {
  server_.SetAddresses("pbx.example", 3600, {"192.0.2.1"});
  watch_.Watch({name_}, clock_.Now());
  ASSERT_EQ(NextChanges().size(), 1u);
  ASSERT_TRUE(watch_.Configure(dns_, clock_.Now()).ok());
  EXPECT_THAT(watch_.TakeChanges(), IsEmpty());
  EXPECT_EQ(watch_.unresolved(), 0u);
  server_.SetAddresses("pbx.example", 3600, {"192.0.2.9"});
  const auto changes = NextChanges();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_THAT(changes[0].addresses, ElementsAre(HostAddress{{Ip("192.0.2.9"), 5060}, 0, 0}));
}

// Rule 9: servers that do not know the name, as a reload with a wrong address has them, take
// nothing away from what the servers before them said.
TEST_F(HostWatchTest, Rule09_OtherServersThatFailTakeNothingAway) {
  server_.SetAddresses("pbx.example", 3600, {"192.0.2.1"});
  watch_.Watch({name_}, clock_.Now());
  ASSERT_EQ(NextChanges().size(), 1u);
  server_.set_fault(tests::DnsServer::Fault::kServerFailure);
  ASSERT_TRUE(watch_.Configure(dns_, clock_.Now()).ok());
  for (int turn = 0; turn < 1000 && watch_.counters().failures == 0; ++turn) {
    watch_.Poll(clock_.Now());
    (void)server_.Serve();
    pollfd ready = {server_.fd(), POLLIN, 0};
    (void)poll(&ready, 1, 1);
  }
  EXPECT_EQ(watch_.counters().failures, 1u);
  EXPECT_THAT(watch_.TakeChanges(), IsEmpty());
  EXPECT_EQ(watch_.unresolved(), 0u);
}

TEST_F(HostWatchTest, HostsOfAPolicyAreItsRoutesAndTrunks) {
  HostRegistry registry(16);
  auto policy = Policy::Build(SmallConfig(), &registry);
  ASSERT_TRUE(policy.ok());
  EXPECT_THAT(HostsOf(**policy), ElementsAre(0, 1));
}

}  // namespace
}  // namespace sbc

// The compiled configuration: what a reload keeps, what Build() refuses, and the count that tells
// when the last call of an old configuration is gone.

#include "sbc/policy.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/sbc/policy_bed.h"

namespace sbc {
namespace {

// Rule 9: a route without Port goes to 5060, and SRV is looked up only where it says so.
TEST(PolicyTest, Rule09_NoPortMeans5060AndNoSrv) {
  PolicyBed bed(SmallConfig());
  ASSERT_EQ(bed.registry().hosts().size(), 2u);
  const HostSpec& route = bed.registry().hosts()[bed.connector().routes[0].host];
  EXPECT_EQ(route.port, 5060);
  EXPECT_FALSE(route.srv);
  EXPECT_EQ(route.ip, Ip("198.51.100.204"));
  EXPECT_EQ(route.side, Side::kCustomer);
  const HostSpec& trunk = bed.registry().hosts()[bed.connector().trunk[0].host];
  EXPECT_EQ(trunk.name, std::string(kConnectorA) + ".voiceconnector.chime.aws");
  EXPECT_EQ(trunk.side, Side::kTrunk);
  EXPECT_EQ(trunk.ip, std::nullopt);
}

TEST(PolicyTest, Rule09_SrvIsAnotherHost) {
  Config config = SmallConfig();
  config.connectors[0].routes.push_back(config.connectors[0].routes[0]);
  config.connectors[0].routes[1].srv = true;
  PolicyBed bed(config);
  EXPECT_NE(bed.connector().routes[0].host, bed.connector().routes[1].host);
  EXPECT_TRUE(bed.registry().hosts()[bed.connector().routes[1].host].srv);
}

// Rule 1: what the HostTable compares targets with holds both addresses of a listener.
TEST(PolicyTest, Rule01_OwnEndpointsAreThoseListenedOnAndAdvertised) {
  PolicyBed bed(SmallConfig());
  const auto own = bed->own_endpoints();
  ASSERT_EQ(own.size(), 3u);
  EXPECT_EQ(own[2], (core::Endpoint{Ip("203.0.113.10"), 5060}));
}

// A reload gives the same host the same number, whatever else it adds.
TEST(PolicyTest, NumbersStayAcrossReloads) {
  HostRegistry registry(16);
  Config config = SmallConfig();
  const auto before = Policy::Build(config, &registry);
  ASSERT_TRUE(before.ok());
  config.connectors.insert(config.connectors.begin(), ConnectorOf(kConnectorB, "192.0.2.1/32"));
  const auto after = Policy::Build(config, &registry);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ((*before)->connector(0).number, (*after)->connector(1).number);
  EXPECT_EQ((*before)->connector(0).routes[0].host, (*after)->connector(1).routes[0].host);
  EXPECT_NE((*before)->connector(0).number, (*after)->connector(0).number);
  EXPECT_EQ((*before)->connector(0).home_worker, (*after)->connector(1).home_worker);
}

TEST(PolicyTest, MoreHostsThanTheRegistryHoldsAreRefused) {
  HostRegistry registry(1);
  const auto built = Policy::Build(SmallConfig(), &registry);
  ASSERT_FALSE(built.ok());
  EXPECT_NE(built.status().message().find("no room"), std::string::npos);
}

TEST(PolicyTest, TwoConnectorsOfOneIdAreRefused) {
  Config config = SmallConfig();
  config.connectors.push_back(config.connectors[0]);
  HostRegistry registry(16);
  EXPECT_FALSE(Policy::Build(config, &registry).ok());
}

// Rule 5: the window's memory is bounded, so a limit beyond it is refused rather than not kept.
TEST(PolicyTest, Rule05_ACpsLimitBeyondTheWindowIsRefused) {
  Config config = SmallConfig();
  config.connectors[0].termination.cps_limit = RateWindow::kLimitMax + 1;
  HostRegistry registry(16);
  EXPECT_FALSE(Policy::Build(config, &registry).ok());
}

// A test bed may point two connectors at one trunk host; its name then chooses neither.
TEST(PolicyTest, Rule03_AHostThatTwoConnectorsShareNamesNeither) {
  Config config = SmallConfig();
  config.connectors.push_back(ConnectorOf(kConnectorB, "192.0.2.1/32"));
  for (ConnectorConfig& connector : config.connectors) connector.trunk.host = "127.0.0.9";
  PolicyBed bed(config);
  EXPECT_EQ(bed->FindConnectorByHost("127.0.0.9"), -1);
  EXPECT_EQ(bed->FindConnectorByHost(std::string(kConnectorB) + ".voiceconnector.chime.aws"), 1);
  EXPECT_EQ(bed->FindConnectorByHost(std::string(300, 'a')), -1);
}

TEST(PolicyTest, CustomersBehindANat) {
  Config config = SmallConfig();
  EXPECT_FALSE(PolicyBed(config)->IsBehindNat(Side::kCustomer, Ip("198.51.100.204")));
  config.connectors[0].customers.push_back(
      {.cidrs = {Block("203.0.113.0/28")}, .nat = true, .credentials = {}});
  const PolicyBed bed(config);
  EXPECT_TRUE(bed->IsBehindNat(Side::kCustomer, Ip("203.0.113.7")));
  EXPECT_FALSE(bed->IsBehindNat(Side::kTrunk, Ip("203.0.113.7")));
  EXPECT_FALSE(bed->IsBehindNat(Side::kCustomer, Ip("198.51.100.204")));
  EXPECT_FALSE(bed->IsBehindNat(Side::kCustomer, Ip("192.0.2.1")));
}

TEST(PolicyTest, LocalNetworks) {
  Config config = SmallConfig();
  config.local_networks = {Block("10.0.0.0/8")};
  PolicyBed bed(config);
  EXPECT_TRUE(bed->IsLocal(Ip("10.9.9.9")));
  EXPECT_FALSE(bed->IsLocal(Ip("198.51.100.204")));
}

// The Policy has its own copy of what it was built from.
TEST(PolicyTest, OutlivesTheConfigItWasBuiltFrom) {
  HostRegistry registry(16);
  std::unique_ptr<Policy> policy;
  {
    const Config config = SmallConfig();
    policy = std::move(*Policy::Build(config, &registry));
  }
  EXPECT_EQ(policy->connector(0).config, &policy->config().connectors[0]);
  EXPECT_EQ(policy->connector(0).config->id, kConnectorA);
}

TEST(PolicyRefTest, CountsThoseWhoHoldIt) {
  PolicyBed bed(SmallConfig());
  PolicyRef worker(&*bed);
  EXPECT_EQ(bed->references(), 1u);
  {
    PolicyRef call = worker.Share();
    EXPECT_EQ(bed->references(), 2u);
    const PolicyRef moved = std::move(call);
    EXPECT_EQ(bed->references(), 2u);
  }
  EXPECT_EQ(bed->references(), 1u);
  worker = PolicyRef();
  EXPECT_EQ(bed->references(), 0u);
}

}  // namespace
}  // namespace sbc

#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "sbc/router.h"

namespace sbc {

constexpr core::Instant kStart = core::Instant() + 1000s;

inline core::Endpoint Address(unsigned host, unsigned slot = 0) {
  return {core::IpAddress::FromV4(0x0a000000 + host * 256 + slot), 5060};
}

// Routes whose host is their own index, each host with `addresses` addresses.
class RouterTest : public testing::Test {
 protected:
  void AddRoute(unsigned priority, unsigned weight, unsigned addresses = 1) {
    const auto host = static_cast<uint16_t>(routes_.size());
    ASSERT_TRUE(routes_.PushBack(
        {host, TransportKind::kUdp, static_cast<uint8_t>(priority), static_cast<uint8_t>(weight)}));
    std::vector<HostAddress> alike;
    for (unsigned i = 0; i < addresses; ++i) alike.push_back({.endpoint = Address(host, i)});
    hosts_.SetAddresses(host, Side::kCustomer, alike);
  }
  void SetDown(unsigned host) {
    for (const HostAddress& address : hosts_.addresses(static_cast<uint16_t>(host))) {
      ASSERT_TRUE(hosts_.SetUp(static_cast<uint16_t>(host), address.endpoint, false));
    }
  }
  void Begin(Side towards = Side::kCustomer) { plan_.Begin(routes_, failover_, towards, kStart); }
  bool Next(core::Instant now = kStart) { return plan_.Next(hosts_, &random_, now, &target_); }

  // The order in which routes are tried when every one answers 503.
  std::vector<int> FailAll() {
    std::vector<int> order;
    Begin();
    while (Next()) {
      order.push_back(target_.route);
      EXPECT_EQ(plan_.OnFinal(503, kStart), RoutePlan::Verdict::kTryNext);
    }
    return order;
  }

  RouteSet routes_;
  HostTable hosts_{32};
  Failover failover_;
  core::Random random_{20240917};
  RoutePlan plan_;
  RouteTarget target_;
};

}  // namespace sbc

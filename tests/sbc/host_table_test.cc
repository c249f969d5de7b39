// What a worker knows of the addresses of routes and trunks: rule 2 (they may reach us), rule 1
// (our own is no target), rules 8 and 9 (several addresses, which change while calls run).

#include "sbc/host_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace sbc {
namespace {

using core::Endpoint;
using core::IpAddress;
using testing::ElementsAre;

Endpoint Address(unsigned n) { return {IpAddress::FromV4(0x0a000000 + n), 5060}; }
HostAddress Alike(Endpoint endpoint) { return {.endpoint = endpoint}; }

std::vector<IpAddress> Reach(const HostTable& hosts, Side side) {
  const auto span = hosts.AddressesOf(side);
  return {span.begin(), span.end()};
}

TEST(HostTableTest, Rule02_AddressesOfAHostMayReachUsWhileTheyAreItsOwn) {
  HostTable hosts(4);
  const HostAddress first[] = {Alike(Address(1)), Alike(Address(2))};
  hosts.SetAddresses(0, Side::kTrunk, first);
  EXPECT_TRUE(hosts.IsAddressOf(Side::kTrunk, Address(2).ip));
  EXPECT_FALSE(hosts.IsAddressOf(Side::kCustomer, Address(2).ip));
  EXPECT_FALSE(hosts.IsAddressOf(Side::kTrunk, Address(3).ip));

  const HostAddress second[] = {Alike(Address(3)), Alike(Address(2))};
  hosts.SetAddresses(0, Side::kTrunk, second);
  EXPECT_FALSE(hosts.IsAddressOf(Side::kTrunk, Address(1).ip));
  EXPECT_TRUE(hosts.IsAddressOf(Side::kTrunk, Address(3).ip));
}

// Two names may share an address; it goes only with the last of them.
TEST(HostTableTest, Rule02_ASharedAddressStaysUntilItsLastHostGoes) {
  HostTable hosts(4);
  const HostAddress shared[] = {Alike(Address(1))};
  const HostAddress other[] = {Alike(Address(1)), Alike(Address(2))};
  hosts.SetAddresses(0, Side::kTrunk, shared);
  hosts.SetAddresses(1, Side::kTrunk, other);
  EXPECT_THAT(Reach(hosts, Side::kTrunk), ElementsAre(Address(1).ip, Address(2).ip));
  hosts.SetAddresses(1, Side::kTrunk, {});
  EXPECT_THAT(Reach(hosts, Side::kTrunk), ElementsAre(Address(1).ip));
  hosts.SetAddresses(0, Side::kTrunk, {});
  EXPECT_THAT(Reach(hosts, Side::kTrunk), ElementsAre());
}

TEST(HostTableTest, Rule08_AtMostSixteenAddressesEachOnce) {
  HostTable hosts(1);
  std::vector<HostAddress> many;
  for (unsigned i = 0; i < 20; ++i) {
    many.push_back(Alike(Address(i)));
    many.push_back(Alike(Address(i)));
  }
  hosts.SetAddresses(0, Side::kCustomer, many);
  EXPECT_EQ(hosts.addresses(0).size(), HostTable::kAddressesMax);
  EXPECT_EQ(hosts.all(0), 0xffffu);
  EXPECT_EQ(hosts.up(0), 0xffffu);
}

TEST(HostTableTest, Rule09_ARotatedAnswerKeepsWhatIsKnownOfEachAddress) {
  HostTable hosts(1);
  const HostAddress before[] = {Alike(Address(1)), Alike(Address(2)), Alike(Address(3))};
  hosts.SetAddresses(0, Side::kTrunk, before);
  EXPECT_TRUE(hosts.SetUp(0, Address(2), false));
  EXPECT_EQ(hosts.up(0), 0b101u);
  const HostAddress after[] = {Alike(Address(2)), Alike(Address(4)), Alike(Address(1))};
  hosts.SetAddresses(0, Side::kTrunk, after);
  EXPECT_EQ(hosts.up(0), 0b110u);
  EXPECT_TRUE(hosts.SetUp(0, Address(2), true));
  EXPECT_EQ(hosts.up(0), 0b111u);
  EXPECT_FALSE(hosts.SetUp(0, Address(3), false));  // No longer the host's.
}

TEST(HostTableTest, Rule01_OurOwnAddressIsNeverUsable) {
  HostTable hosts(1);
  const HostAddress addresses[] = {Alike(Address(1)), Alike(Address(2))};
  hosts.SetAddresses(0, Side::kCustomer, addresses);
  const Endpoint own[] = {Address(2)};
  hosts.SetOwn(own);
  EXPECT_EQ(hosts.usable(0), 0b01u);
  // The same address at another port is somebody else.
  const HostAddress elsewhere[] = {Alike({Address(2).ip, 5080})};
  hosts.SetAddresses(0, Side::kCustomer, elsewhere);
  EXPECT_EQ(hosts.usable(0), 0b1u);
}

}  // namespace
}  // namespace sbc

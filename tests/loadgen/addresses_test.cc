#include "loadgen/addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

// The addresses of a run: names, brackets, and our own address on the way to a peer.

namespace loadgen {
namespace {

core::IpAddress Address(std::string_view text) {
  core::IpAddress address;
  EXPECT_TRUE(core::IpAddress::Parse(text, &address));
  return address;
}

TEST(AddressesTest, AddressesAreTakenAsTheyAre) {
  EXPECT_EQ(*ResolveHost("127.0.0.2", 5070), (core::Endpoint{Address("127.0.0.2"), 5070}));
  EXPECT_EQ(*ResolveHost("::1", 1), (core::Endpoint{Address("::1"), 1}));
  EXPECT_EQ(*ResolveHost("[::1]", 1), (core::Endpoint{Address("::1"), 1}));
}

TEST(AddressesTest, NamesAreResolved) {
  const auto local = ResolveHost("localhost", 5060);
  ASSERT_TRUE(local.ok());
  EXPECT_TRUE(local->ip.is_loopback());
  EXPECT_EQ(local->port, 5060);
}

TEST(AddressesTest, SaysWhatCannotBeResolved) {
  const auto none = ResolveHost("not a host name", 1);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(std::string(none.status().message()), testing::StartsWith("not a host name: "));
}

TEST(AddressesTest, OurAddressIsOnTheWay) {
  EXPECT_EQ(LocalAddressTo({Address("127.0.0.1"), 5060}), Address("127.0.0.1"));
  EXPECT_EQ(LocalAddressTo({Address("127.0.0.1"), 0}), Address("127.0.0.1"));
}

TEST(AddressesTest, Ipv6IsPrintedInBrackets) {
  EXPECT_EQ(PrintedAddress(Address("10.0.0.1")), "10.0.0.1");
  EXPECT_EQ(PrintedAddress(Address("2001:db8::1")), "[2001:db8::1]");
}

}  // namespace
}  // namespace loadgen

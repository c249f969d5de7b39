// Goal: an address, an endpoint or a block is read exactly or refused, written as RFC 5952 says,
// and looked up by the longest prefix without an allocation (rules 1 to 3 of the SBC's admission).

#include "core/base/address.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/hash/hash_testing.h"

namespace core {
namespace {

IpAddress Ip(std::string_view text) {
  IpAddress address;
  EXPECT_TRUE(IpAddress::Parse(text, &address)) << text;
  return address;
}

Cidr Block(std::string_view text) {
  Cidr cidr;
  EXPECT_TRUE(Cidr::Parse(text, &cidr)) << text;
  return cidr;
}

TEST(IpAddressTest, ReadsAndWritesBothFamilies) {
  const struct {
    const char* text;
    const char* written;
    bool v4;
  } kRows[] = {
      {"0.0.0.0", "0.0.0.0", true},
      {"3.80.16.13", "3.80.16.13", true},
      {"255.255.255.255", "255.255.255.255", true},
      {"::", "::", false},
      {"::1", "::1", false},
      {"2600:F0F0:C040:0:0:0:0:1", "2600:f0f0:c040::1", false},
      {"::ffff:10.0.58.47", "10.0.58.47", true},  // One type for both: mapped is IPv4.
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
  };
  for (const auto& row : kRows) {
    const IpAddress address = Ip(row.text);
    const IpAddress::Text text = address.text();
    EXPECT_EQ(text.view(), row.written);
    EXPECT_EQ(address.is_v4(), row.v4) << row.text;
    EXPECT_EQ(Ip(text.view()), address);
  }
  EXPECT_EQ(Ip("3.80.16.13").v4(), 0x0350100du);
  EXPECT_EQ(IpAddress::FromV4(0x0350100d), Ip("3.80.16.13"));
}

TEST(IpAddressTest, RefusesWhatIsNotExactlyOneAddress) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("1.2.3"), std::string_view("1.2.3.4.5"),
        std::string_view("256.1.1.1"), std::string_view("01.2.3.4"), std::string_view("1.2.3.4 "),
        std::string_view(" 1.2.3.4"), std::string_view("+1.2.3.4"), std::string_view("0x1.2.3.4"),
        std::string_view("[::1]"), std::string_view("fe80::1%eth0"), std::string_view(":::"),
        std::string_view("1::2::3"), std::string_view("12345::"), std::string_view("localhost"),
        std::string_view("1.2.3.4\0", 8), std::string_view("::1\0x", 5),
        std::string_view("1111111111111111111111111111111111111111111111111")}) {
    IpAddress address = IpAddress::FromV4(7);
    EXPECT_FALSE(IpAddress::Parse(text, &address)) << text;
    EXPECT_EQ(address, IpAddress::FromV4(7)) << "touched by " << text;
  }
}

TEST(IpAddressTest, KnowsTheSpecialBlocks) {
  const struct {
    const char* text;
    const char* classes;  // u: unspecified, o: loopback, l: link-local, m: multicast, p: private
  } kRows[] = {
      {"0.0.0.0", "u"},
      {"::", "u"},
      {"0.0.0.1", ""},
      {"127.0.0.1", "o"},
      {"127.255.255.255", "o"},
      {"128.0.0.0", ""},
      {"::1", "o"},
      {"::2", ""},
      {"169.254.169.254", "l"},
      {"169.255.0.0", ""},
      {"fe80::1", "l"},
      {"febf::1", "l"},
      {"fec0::1", ""},
      {"224.0.0.1", "m"},
      {"239.255.255.255", "m"},
      {"240.0.0.0", ""},
      {"ff02::1", "m"},
      {"10.0.0.1", "p"},
      {"11.0.0.1", ""},
      {"172.16.0.1", "p"},
      {"172.31.255.255", "p"},
      {"172.32.0.0", ""},
      {"192.168.1.1", "p"},
      {"100.64.0.1", "p"},
      {"100.128.0.0", ""},
      {"fd00::1", "p"},
      {"fc00::1", "p"},
      {"fe00::1", ""},
      {"203.0.113.10", ""},
      {"2600:f0f0:c040::1", ""},
  };
  for (const auto& row : kRows) {
    const IpAddress address = Ip(row.text);
    std::string classes;
    if (address.is_unspecified()) classes += 'u';
    if (address.is_loopback()) classes += 'o';
    if (address.is_link_local()) classes += 'l';
    if (address.is_multicast()) classes += 'm';
    if (address.is_private()) classes += 'p';
    EXPECT_EQ(classes, row.classes) << row.text;
  }
}

TEST(IpAddressTest, OneHostIsWhereSomebodyMayBe) {
  for (const char* text : {"0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"}) {
    EXPECT_FALSE(Ip(text).is_one_host()) << text;
  }
  for (const char* text : {"127.0.0.1", "::1", "10.0.0.5", "255.255.255.254", "2001:db8::1"}) {
    EXPECT_TRUE(Ip(text).is_one_host()) << text;
  }
}

TEST(EndpointTest, ReadsAndWrites) {
  for (const char* text : {"1.2.3.4:5060", "0.0.0.0:0", "[::1]:5060", "[2600:f0f0::1]:65535"}) {
    Endpoint endpoint;
    ASSERT_TRUE(Endpoint::Parse(text, &endpoint)) << text;
    const Endpoint::Text written = endpoint.text();
    EXPECT_EQ(written.view(), text);
  }
  Endpoint longest;
  ASSERT_TRUE(Endpoint::Parse("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", &longest));
  EXPECT_EQ(longest.text().size(), 47u);
}

TEST(EndpointTest, RefusesHalvesAndNoise) {
  for (const char* text :
       {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+5",
        "1.2.3.4:05060", "1.2.3.4:5060 ", "::1:5060", "[::1]", "[::1]5060", "[1.2.3.4]:5060",
        "[::1:5060", "::1]:5060", "host:5060", "1.2.3.4:4294967297"}) {
    Endpoint endpoint{IpAddress::FromV4(7), 7};
    EXPECT_FALSE(Endpoint::Parse(text, &endpoint)) << text;
    EXPECT_EQ(endpoint, (Endpoint{IpAddress::FromV4(7), 7})) << text;
  }
}

TEST(CidrTest, ReadsWritesAndClearsHostBits) {
  const struct {
    const char* text;
    const char* written;
  } kRows[] = {
      {"3.80.16.0/23", "3.80.16.0/23"},
      {"198.51.100.204/32", "198.51.100.204/32"},
      {"198.51.100.204", "198.51.100.204/32"},
      {"10.1.2.3/8", "10.0.0.0/8"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"2600:f0f0:c040::/48", "2600:f0f0:c040::/48"},
      {"2600:f0f0:c07f::1/42", "2600:f0f0:c040::/42"},
      {"::/0", "::/0"},
      {"::1", "::1/128"},
  };
  for (const auto& row : kRows) {
    const Cidr::Text written = Block(row.text).text();
    EXPECT_EQ(written.view(), row.written) << row.text;
  }
  for (const char* text : {"", "/", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/08",
                           "1.2.3.4/24/8", "::/129", "::ffff:1.2.3.4/120", "[::]/0", "x/8"}) {
    Cidr cidr = Block("7.0.0.0/8");
    EXPECT_FALSE(Cidr::Parse(text, &cidr)) << text;
    EXPECT_EQ(cidr, Block("7.0.0.0/8")) << text;
  }
}

TEST(CidrTest, ContainsWithinItsFamilyOnly) {
  const Cidr trunk = Block("3.80.16.0/23");
  EXPECT_TRUE(trunk.Contains(Ip("3.80.16.0")));
  EXPECT_TRUE(trunk.Contains(Ip("3.80.17.255")));
  EXPECT_FALSE(trunk.Contains(Ip("3.80.18.0")));
  EXPECT_FALSE(trunk.Contains(Ip("3.80.15.255")));
  EXPECT_FALSE(Block("::/0").Contains(Ip("1.2.3.4"))) << "an IPv6 block opened IPv4";
  EXPECT_FALSE(Block("0.0.0.0/0").Contains(Ip("::1")));
  EXPECT_FALSE(Cidr().Contains(Ip("1.2.3.4")));

  EXPECT_TRUE(Block("10.0.0.0/8").Contains(Block("10.2.0.0/16")));
  EXPECT_FALSE(Block("10.2.0.0/16").Contains(Block("10.0.0.0/8")));
  EXPECT_TRUE(Block("10.2.0.0/16").Overlaps(Block("10.0.0.0/8")));
  EXPECT_FALSE(Block("10.0.0.0/9").Overlaps(Block("10.128.0.0/9")));
  EXPECT_FALSE(Block("::/0").Overlaps(Block("0.0.0.0/0")));
}

TEST(CidrTableTest, FindsTheLongestPrefixAndThenTheShorterOnes) {
  const CidrTable<std::string> table({{Block("0.0.0.0/0"), "any"},
                                      {Block("10.0.0.0/8"), "ten"},
                                      {Block("10.1.0.0/16"), "ten-one"},
                                      {Block("10.1.2.3/32"), "host"},
                                      {Block("10.1.0.0/16"), "ten-one again"},
                                      {Block("2600:f0f0:c040::/42"), "six"},
                                      {Block("::/0"), "any six"}});
  EXPECT_EQ(*table.Find(Ip("10.1.2.3")), "host");
  EXPECT_EQ(*table.Find(Ip("10.1.2.4")), "ten-one");
  EXPECT_EQ(*table.Find(Ip("10.2.2.4")), "ten");
  EXPECT_EQ(*table.Find(Ip("9.9.9.9")), "any");
  EXPECT_EQ(*table.Find(Ip("2600:f0f0:c049::1")), "six");
  EXPECT_EQ(*table.Find(Ip("2600:f0f0:c080::1")), "any six");

  std::vector<std::string> matches;
  table.ForEachMatch(Ip("10.1.2.3"), [&](const auto& entry) {
    matches.push_back(entry.value);
    return true;
  });
  EXPECT_EQ(matches, (std::vector<std::string>{"host", "ten-one", "ten-one again", "ten", "any"}));
}

TEST(CidrTableTest, MissesAreNull) {
  EXPECT_EQ(CidrTable<int>().Find(Ip("1.2.3.4")), nullptr);
  const CidrTable<int> only_six({{Block("::/0"), 1}});
  EXPECT_EQ(only_six.Find(Ip("1.2.3.4")), nullptr);
  const CidrTable<int> one({{Block("198.51.100.204/32"), 1}});
  EXPECT_EQ(one.Find(Ip("198.51.100.205")), nullptr);
  EXPECT_EQ(one.Find(Ip("::1")), nullptr);
}

TEST(AddressHashTest, AgreesWithEquality) {
  const std::vector<Cidr> cidrs = {Block("10.0.0.0/8"), Block("10.0.0.0/9"), Block("11.0.0.0/8"),
                                   Block("::/0"), Cidr()};
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(cidrs));
  const std::vector<Endpoint> endpoints = {
      {}, {Ip("1.2.3.4"), 5060}, {Ip("1.2.3.4"), 5061}, {Ip("::1"), 5060}};
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(endpoints));
}

}  // namespace
}  // namespace core

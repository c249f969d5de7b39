#include "core/sdp/address_class.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: rule 24. A peer cannot make us send media to where its side has no business.

using enum AddressClass;

IpAddress Ip(std::string_view text) {
  IpAddress address;
  EXPECT_TRUE(IpAddress::Parse(text, &address)) << text;
  return address;
}

constexpr std::pair<std::string_view, AddressClass> kExamples[] = {
    {"3.80.17.149", kPublic},
    {"198.51.100.204", kPublic},  // RFC 5737's and RFC 3849's documentation ranges.
    {"192.0.2.1", kPublic},
    {"203.0.113.1", kPublic},
    {"2001:db8::1", kPublic},
    {"2600:f0f0:c040::1", kPublic},
    {"9.255.255.255", kPublic},
    {"11.0.0.0", kPublic},
    {"172.15.255.255", kPublic},
    {"172.32.0.0", kPublic},
    {"192.167.255.255", kPublic},
    {"192.169.0.0", kPublic},
    {"100.63.255.255", kPublic},
    {"100.128.0.0", kPublic},
    {"10.0.0.0", kPrivate},
    {"10.255.255.255", kPrivate},
    {"172.16.0.0", kPrivate},
    {"172.31.255.255", kPrivate},
    {"192.168.0.1", kPrivate},
    {"100.64.0.0", kPrivate},  // RFC 6598
    {"100.127.255.255", kPrivate},
    {"fc00::1", kPrivate},
    {"fd12:3456::1", kPrivate},
    {"127.0.0.1", kLoopback},
    {"127.255.255.255", kLoopback},
    {"::1", kLoopback},
    {"169.254.169.254", kLinkLocal},
    {"169.254.0.1", kLinkLocal},
    {"fe80::1", kLinkLocal},
    {"febf::1", kLinkLocal},
    {"fd00:ec2::254", kLinkLocal},  // The metadata service again, under its IPv6 address.
    {"224.0.0.1", kMulticast},
    {"239.255.255.255", kMulticast},
    {"ff02::1", kMulticast},
    {"0.0.0.0", kUnspecified},
    {"::", kUnspecified},
    {"0.0.0.1", kReserved},
    {"240.0.0.1", kReserved},
    {"255.255.255.255", kReserved},
    {"::2", kReserved},
    {"::10.0.0.1", kReserved},  // RFC 4291 §2.5.5.1: withdrawn.
    {"fec0::1", kReserved},     // RFC 3879: withdrawn.
    {"100::1", kReserved},
    {"4000::1", kReserved},
    {"64:ff9b::3.80.17.149", kPublic},  // A translator would send these on by IPv4.
    {"64:ff9b::169.254.169.254", kLinkLocal},
    {"64:ff9b::10.0.0.1", kPrivate},
    {"64:ff9b::127.0.0.1", kLoopback},
    {"64:ff9b:0:1::10.0.0.1", kReserved},
    {"2002:a9fe:a9fe::1", kLinkLocal},
    {"2002:350:1195::1", kPublic},
};

TEST(AddressClassTest, EachAddressHasItsClass) {
  for (const auto& [text, address_class] : kExamples) {
    EXPECT_EQ(Name(ClassOf(Ip(text))), Name(address_class)) << text;
  }
}

void ExpectVerdict(const AddressPolicy& policy, std::string_view text, bool accepts) {
  const Endpoint place = {Ip(text), 5004};
  const AddressVerdict other = accepts ? AddressVerdict::kAccept : AddressVerdict::kRefuse;
  const bool is_nowhere = ClassOf(place.ip) == kUnspecified;
  EXPECT_EQ(Judge(policy, place), is_nowhere ? AddressVerdict::kNowhere : other)
      << Name(policy.side) << " " << text;
}

// Each side against each class, with and without `allow:` of all.
TEST(AddressJudgeTest, ASideTakesItsOwnClassAndWhatIsAllowed) {
  AddressClassSet all;
  for (const AddressClass c :
       {kPublic, kPrivate, kLoopback, kLinkLocal, kMulticast, kUnspecified, kReserved}) {
    all.Add(c);
  }
  for (const AddressClass side : {kPublic, kPrivate, kLoopback}) {
    for (const auto& [text, address_class] : kExamples) {
      const bool may_be_allowed = address_class == kPublic || address_class == kPrivate;
      const bool is_own = address_class == side;
      ExpectVerdict({side, {}, {}}, text, is_own);
      ExpectVerdict({side, all, {}}, text, is_own || may_be_allowed);
    }
  }
}

TEST(AddressJudgeTest, OurOwnControlAddressesAreRefused) {
  const Endpoint control[] = {{Ip("10.0.0.5"), 5060}, {Ip("10.0.0.9"), 0}};
  const AddressPolicy policy = {kPrivate, {}, control};
  EXPECT_EQ(Judge(policy, Endpoint{Ip("10.0.0.5"), 5060}), AddressVerdict::kRefuse);
  EXPECT_EQ(Judge(policy, Endpoint{Ip("10.0.0.5"), 5062}), AddressVerdict::kAccept);
  EXPECT_EQ(Judge(policy, Endpoint{Ip("10.0.0.9"), 4000}), AddressVerdict::kRefuse);
}

TEST(AddressJudgeTest, EachPlaceOfADescriptionIsJudged) {
  const AddressPolicy trunk = {kPublic, {}, {}};
  const auto judge = [&](const std::string& sections, std::string_view address) {
    return Judge(trunk, *Parsed(Sdp(sections, address)));
  };
  const std::string audio = "m=audio 5004 RTP/AVP 0\n";
  EXPECT_EQ(judge(audio, "3.80.17.149"), AddressVerdict::kAccept);
  EXPECT_EQ(judge(audio, "169.254.169.254"), AddressVerdict::kRefuse);
  EXPECT_EQ(judge(audio + audio + "c=IN IP4 10.0.0.1\n", "3.80.17.149"), AddressVerdict::kRefuse);
  EXPECT_EQ(judge(audio + "a=rtcp:53 IN IP4 10.0.0.2\n", "3.80.17.149"), AddressVerdict::kRefuse);
  EXPECT_EQ(judge(audio, "0.0.0.0"), AddressVerdict::kNowhere);
  EXPECT_EQ(judge(audio + "a=rtcp:53 IN IP4 10.0.0.2\n", "0.0.0.0"), AddressVerdict::kRefuse);
  EXPECT_EQ(judge("m=audio 0 RTP/AVP 0\nc=IN IP4 10.0.0.1\n" + audio, "3.80.17.149"),
            AddressVerdict::kAccept)
      << "nothing is sent to a line that is rejected";
}

}  // namespace
}  // namespace core::sdp

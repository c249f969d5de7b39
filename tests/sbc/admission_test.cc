// Rules 1 to 3 of the SBC's rules: who may reach us, who may start a call, and through which
// connector.

#include "sbc/admission.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "tests/sbc/policy_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

constexpr std::string_view kHostA = "aaaaaaaaaaaaaaaaaaaaaa.voiceconnector.chime.aws";
constexpr std::string_view kHostB = "bbbbbbbbbbbbbbbbbbbbbb.voiceconnector.chime.aws";

StartRequest FromCustomer(std::string_view source, std::string_view host) {
  StartRequest request;
  request.side = Side::kCustomer;
  request.source = Ip(source);
  request.request_host = host;
  request.called_user = "+18155558245";
  return request;
}

StartRequest FromTrunk(std::string_view source, std::optional<std::string_view> id,
                       std::string_view called = "+16185558387") {
  StartRequest request;
  request.side = Side::kTrunk;
  request.source = Ip(source);
  request.request_host = "203.0.113.10";
  request.called_user = called;
  request.voice_connector_id = id;
  return request;
}

Config TwoConnectors(std::string_view customer_a, std::string_view customer_b) {
  Config config = SmallConfig();
  config.connectors = {ConnectorOf(kConnectorA, customer_a), ConnectorOf(kConnectorB, customer_b)};
  return config;
}

// ---- Rule 2: two sets.

TEST(AdmissionTest, Rule02_StrangersDoNotReachUs) {
  PolicyBed bed(SmallConfig());
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kCustomer, Ip("192.0.2.1")), std::nullopt);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kTrunk, Ip("192.0.2.1")), std::nullopt);
  // A customer is a stranger on the trunk's listener, and the other way.
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kTrunk, Ip("198.51.100.204")), std::nullopt);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kCustomer, Ip("3.80.16.13")), std::nullopt);
}

TEST(AdmissionTest, Rule02_BlocksReachUs) {
  PolicyBed bed(SmallConfig());
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kCustomer, Ip("198.51.100.204")),
            Side::kCustomer);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kTrunk, Ip("3.80.17.255")), Side::kTrunk);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kTrunk, Ip("3.80.18.0")), std::nullopt);
}

// An address of a route reaches us (its BYE, its OPTIONS), but does not start calls: no list says
// so.
TEST(AdmissionTest, Rule02_ARouteHostReachesUsButDoesNotStartCalls) {
  PolicyBed bed(SmallConfig());
  const HostAddress route[] = {{.endpoint = {Ip("198.51.100.77"), 5060}}};
  bed.hosts().SetAddresses(0, Side::kCustomer, route);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kCustomer, Ip("198.51.100.77")),
            Side::kCustomer);
  const Admission admission = MayStart(*bed, FromCustomer("198.51.100.77", kHostA));
  ASSERT_FALSE(admission.admitted());
  EXPECT_EQ(admission.refusal->cause, RejectionCause::kCidr);
  EXPECT_TRUE(admission.refusal->is_drop());
}

TEST(AdmissionTest, Rule02_ATrunkHostOutsideTheBlocksReachesUsButDoesNotStartCalls) {
  PolicyBed bed(SmallConfig());
  const HostAddress trunk[] = {{.endpoint = {Ip("192.0.2.9"), 5060}}};
  bed.hosts().SetAddresses(1, Side::kTrunk, trunk);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kTrunk, Ip("192.0.2.9")), Side::kTrunk);
  EXPECT_EQ(MayStart(*bed, FromTrunk("192.0.2.9", kConnectorA)).refusal->cause,
            RejectionCause::kCidr);
}

// The refusal has the code that is configured, not only silence.
TEST(AdmissionTest, Rule02_TheCodeOfCidrIsConfigurable) {
  Config config = SmallConfig();
  config.rejections.codes[static_cast<size_t>(RejectionCause::kCidr)] = 403;
  PolicyBed bed(config);
  const Admission admission = MayStart(*bed, FromCustomer("192.0.2.1", kHostA));
  EXPECT_EQ(admission.refusal->status_code, 403);
  EXPECT_EQ(admission.refusal->reason, "Forbidden");
  EXPECT_FALSE(admission.refusal->retry_after);
}

// ---- Rule 3: the side.

TEST(AdmissionTest, Rule03_OnAListenerOfBothTheLongestPrefixDecides) {
  Config config = SmallConfig();
  config.listeners.resize(1);
  config.listeners[0].side = ListenerSide::kAny;
  PolicyBed bed(config);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kAny, Ip("198.51.100.204")), Side::kCustomer);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kAny, Ip("3.80.16.13")), Side::kTrunk);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kAny, Ip("192.0.2.1")), std::nullopt);
  // A PBX that stands within the trunk's block is known by its whole address.
  const HostAddress route[] = {{.endpoint = {Ip("3.80.16.99"), 5060}}};
  bed.hosts().SetAddresses(0, Side::kCustomer, route);
  EXPECT_EQ(SideOf(*bed, bed.hosts(), ListenerSide::kAny, Ip("3.80.16.99")), Side::kCustomer);
}

TEST(AdmissionTest, Rule03_OverlappingSidesAreAnErrorOnAListenerOfBoth) {
  Config config = SmallConfig();
  config.connectors[0].customers[0].cidrs = {Block("3.80.16.128/25")};
  HostRegistry registry(8);
  EXPECT_TRUE(Policy::Build(config, &registry).ok()) << "each side has its own listener";
  config.listeners[0].side = ListenerSide::kAny;
  const auto built = Policy::Build(config, &registry);
  ASSERT_FALSE(built.ok());
  EXPECT_NE(built.status().message().find("3.80.16.128/25"), std::string::npos);
}

// ---- Rule 3: the connector, from the customer.

TEST(AdmissionTest, Rule03_TheRequestUrisHostChoosesAmongTheCandidates) {
  PolicyBed bed(TwoConnectors("198.51.100.0/24", "198.51.100.0/24"));
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.5", kHostA)).connector, 0);
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.5", kHostB)).connector, 1);
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.5",
                                        "BBBBBBBBBBBBBBBBBBBBBB.VoiceConnector.Chime.AWS"))
                .connector,
            1);
}

TEST(AdmissionTest, Rule03_NamingAnotherConnectorIsRefusedAsCidr) {
  PolicyBed bed(TwoConnectors("198.51.100.0/25", "198.51.100.128/25"));
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.5", kHostA)).connector, 0);
  const Admission admission = MayStart(*bed, FromCustomer("198.51.100.5", kHostB));
  ASSERT_FALSE(admission.admitted());
  EXPECT_EQ(admission.refusal->cause, RejectionCause::kCidr);
}

TEST(AdmissionTest, Rule03_WithoutANameTheOnlyOne) {
  PolicyBed bed(TwoConnectors("198.51.100.0/25", "198.51.100.128/25"));
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.200", "10.0.0.1")).connector, 1);
}

// Blocks one inside the other: the source's own is the longest.
TEST(AdmissionTest, Rule03_WithoutANameTheLongestPrefix) {
  PolicyBed bed(TwoConnectors("198.51.100.0/24", "198.51.100.64/26"));
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.70", "10.0.0.1")).connector, 1);
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.5", "10.0.0.1")).connector, 0);
  EXPECT_EQ(MayStart(*bed, FromCustomer("198.51.100.70", kHostA)).connector, 0);
}

TEST(AdmissionTest, Rule03_WithoutANameAndWithEqualBlocksNobodyKnows) {
  PolicyBed bed(TwoConnectors("198.51.100.0/24", "198.51.100.0/24"));
  const Admission admission = MayStart(*bed, FromCustomer("198.51.100.5", "10.0.0.1"));
  ASSERT_FALSE(admission.admitted());
  EXPECT_EQ(admission.refusal->cause, RejectionCause::kCidr);
}

// X-VoiceConnector-ID from a customer says nothing: it neither chooses nor refuses.
TEST(AdmissionTest, Rule03_ACustomersVoiceConnectorIdSaysNothing) {
  PolicyBed bed(TwoConnectors("198.51.100.0/24", "198.51.100.0/24"));
  StartRequest request = FromCustomer("198.51.100.5", kHostA);
  request.voice_connector_id = kConnectorB;
  EXPECT_EQ(MayStart(*bed, request).connector, 0);
  request.voice_connector_id = "nonsense";
  EXPECT_EQ(MayStart(*bed, request).connector, 0);
}

TEST(AdmissionTest, Rule03_TheCustomerOfTheMatchingBlockIsTold) {
  Config config = SmallConfig();
  config.connectors[0].customers.push_back(
      {.cidrs = {Block("192.0.2.0/24")}, .nat = true, .credentials = {}});
  PolicyBed bed(config);
  EXPECT_FALSE(MayStart(*bed, FromCustomer("198.51.100.204", kHostA)).customer->nat);
  EXPECT_TRUE(MayStart(*bed, FromCustomer("192.0.2.7", kHostA)).customer->nat);
}

// ---- Rule 3: the connector, from the trunk.

TEST(AdmissionTest, Rule03_VoiceConnectorIdChoosesAmongTheCandidates) {
  PolicyBed bed(TwoConnectors("198.51.100.1/32", "198.51.100.2/32"));
  EXPECT_EQ(MayStart(*bed, FromTrunk("3.80.16.13", kConnectorA)).connector, 0);
  EXPECT_EQ(MayStart(*bed, FromTrunk("3.80.16.13", kConnectorB)).connector, 1);
  EXPECT_EQ(MayStart(*bed, FromTrunk("3.80.16.13", kConnectorB)).customer, nullptr);
}

TEST(AdmissionTest, Rule03_AVoiceConnectorIdThatIsNoCandidateIsRefusedAsCidr) {
  Config config = TwoConnectors("198.51.100.1/32", "198.51.100.2/32");
  config.connectors[1].trunk.cidrs = {Block("99.77.253.0/24")};
  PolicyBed bed(config);
  for (const std::string_view id : {kConnectorB, std::string_view("unknown"), std::string_view()}) {
    const Admission admission = MayStart(*bed, FromTrunk("3.80.16.13", id));
    ASSERT_FALSE(admission.admitted()) << id;
    EXPECT_EQ(admission.refusal->cause, RejectionCause::kCidr);
  }
}

TEST(AdmissionTest, Rule03_WithoutAnIdTheCalledNumbersInventory) {
  Config config = TwoConnectors("198.51.100.1/32", "198.51.100.2/32");
  config.connectors[0].phone_numbers = {"+16185550000"};
  config.connectors[1].phone_numbers = {"+16185558387"};
  PolicyBed bed(config);
  EXPECT_EQ(MayStart(*bed, FromTrunk("3.80.16.13", std::nullopt, "+16185558387")).connector, 1);
  EXPECT_EQ(MayStart(*bed, FromTrunk("3.80.16.13", std::nullopt, "+16185550000")).connector, 0);
  const Admission admission = MayStart(*bed, FromTrunk("3.80.16.13", std::nullopt, "+12025550100"));
  ASSERT_FALSE(admission.admitted());
  EXPECT_EQ(admission.refusal->cause, RejectionCause::kUnknownNumber);
  EXPECT_EQ(admission.refusal->status_code, 404);
}

TEST(AdmissionTest, Rule03_WithoutAnIdANumberOfTwoInventoriesIsNobodys) {
  Config config = TwoConnectors("198.51.100.1/32", "198.51.100.2/32");
  for (ConnectorConfig& connector : config.connectors) connector.phone_numbers = {"+16185558387"};
  PolicyBed bed(config);
  const Admission admission = MayStart(*bed, FromTrunk("3.80.16.13", std::nullopt, "+16185558387"));
  ASSERT_FALSE(admission.admitted());
  EXPECT_EQ(admission.refusal->cause, RejectionCause::kUnknownNumber);
  EXPECT_EQ(MayStart(*bed, FromTrunk("3.80.16.13", kConnectorB, "+16185558387")).connector, 1);
}

TEST(AdmissionTest, Rule03_WithoutAnIdTheOnlyCandidate) {
  PolicyBed bed(SmallConfig());
  EXPECT_EQ(MayStart(*bed, FromTrunk("3.80.16.13", std::nullopt)).connector, 0);
}

// ---- From the message.

TEST(AdmissionTest, ReadsAStartRequest) {
  const IndexedMessage invite(
      "INVITE sip:+16185558387@198.51.100.204:5060;transport=UDP SIP/2.0\n"
      "X-VoiceConnector-ID: dr3rbaar376u5r4ntcnlq4\n");
  const StartRequest request = ReadStartRequest(*invite, Side::kTrunk, Ip("3.80.16.13"));
  EXPECT_EQ(request.called_user, "+16185558387");
  EXPECT_EQ(request.request_host, "198.51.100.204");
  EXPECT_EQ(request.voice_connector_id, "dr3rbaar376u5r4ntcnlq4");
  EXPECT_EQ(request.side, Side::kTrunk);

  const IndexedMessage tel("INVITE tel:+16185558387 SIP/2.0\n");
  EXPECT_EQ(ReadStartRequest(*tel, Side::kCustomer, Ip("10.0.0.9")).called_user, "+16185558387");
  EXPECT_EQ(ReadStartRequest(*tel, Side::kCustomer, Ip("10.0.0.9")).request_host, "");
}

TEST(AdmissionTest, AllocatesNothing) {
  PolicyBed bed(TwoConnectors("198.51.100.0/24", "198.51.100.0/24"));
  const StartRequest admitted = FromCustomer("198.51.100.5", kHostB);
  const StartRequest refused = FromTrunk("3.80.16.13", "unknown");
  const core::IpAddress stranger = Ip("192.0.2.1");
  const size_t before = Allocations();
  const bool known = SideOf(*bed, bed.hosts(), ListenerSide::kCustomer, stranger).has_value();
  const Admission one = MayStart(*bed, admitted);
  const Admission two = MayStart(*bed, refused);
  EXPECT_EQ(Allocations(), before);
  EXPECT_FALSE(known);
  EXPECT_TRUE(one.admitted());
  EXPECT_FALSE(two.admitted());
}

}  // namespace
}  // namespace sbc

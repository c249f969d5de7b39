// Rule 17 of the SBC's rules: who the asserted caller is, what DefaultPhoneNumber changes, which
// number the inventory is asked about, and what each side is shown.

#include "sbc/caller_identity.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sbc/uri_rewrite.h"
#include "tests/sbc/policy_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

constexpr std::string_view kFrom = "From: \"Alice\" <sip:+14435550100@10.0.0.141>;tag=1\n";

class CallerIdentityTest : public testing::Test {
 protected:
  CallerIdentityTest() { config_.connectors[0].phone_numbers = {"+16185558387", "+16185550001"}; }
  ConnectorConfig& connector() { return config_.connectors[0]; }
  CallerIdentity Read(std::string_view headers) {
    const IndexedMessage invite("INVITE sip:+18155558245@x SIP/2.0\n" + std::string(headers));
    return ReadCaller(*invite, PolicyBed(config_).connector());
  }
  // Towards the trunk.
  bool Passes(CallerIdentity caller, bool allow_diverted = false) {
    config_.caller_id.allow_diverted = allow_diverted;
    PolicyBed bed(config_);
    OverrideCaller(bed.connector(), &caller);
    return !CheckCaller(bed.connector(), caller).has_value();
  }
  std::string From(CallerIdentity caller, Side towards, std::string_view from = kFrom) {
    const IndexedMessage invite("INVITE sip:x SIP/2.0\n" + std::string(from));
    core::sip::NameAddr address;
    EXPECT_EQ((*invite).From(&address), core::sip::ParseError::kOk);
    if (towards == Side::kTrunk) OverrideCaller(PolicyBed(config_).connector(), &caller);
    char bytes[400];
    core::sip::TextWriter out(bytes);
    WriteFrom(address, caller, towards, UriHost::Of("203.0.113.10", 5060), "t", &out);
    EXPECT_TRUE(out.ok());
    return std::string(out.text());
  }
  std::string Asserted(CallerIdentity caller, Side towards) {
    if (towards == Side::kTrunk) OverrideCaller(PolicyBed(config_).connector(), &caller);
    char bytes[400];
    core::sip::TextWriter out(bytes);
    const bool written = WriteAsserted(caller, towards, UriHost::Of("203.0.113.10", 5060), &out);
    EXPECT_EQ(written, out.size() > 0);
    return std::string(out.text());
  }

  Config config_ = SmallConfig();
};

TEST_F(CallerIdentityTest, Rule17_TheAssertedCallerIsPaiElseFrom) {
  CallerIdentity caller = Read(kFrom);
  EXPECT_FALSE(caller.has_asserted);
  EXPECT_EQ(caller.caller().number, "+14435550100");
  caller = Read(std::string(kFrom) + "P-Asserted-Identity: <sip:6185558387@10.0.0.141>\n");
  EXPECT_TRUE(caller.has_asserted);
  EXPECT_EQ(caller.caller().number, "+16185558387");
  EXPECT_EQ(caller.from.number, "+14435550100");
}

// Of several values that which is a number: RFC 3325 §9.1 allows a SIP and a tel URI.
TEST_F(CallerIdentityTest, Rule17_TheFirstAssertedNumber) {
  const CallerIdentity caller =
      Read(std::string(kFrom) +
           "P-Asserted-Identity: \"A\" <sip:alice@pbx.example>, <tel:+1-618-555-0001>\n");
  EXPECT_EQ(caller.caller().number, "+16185550001");
  EXPECT_TRUE(caller.asserted.is_phone);
}

// A PPI or RPID asserts nothing.
TEST_F(CallerIdentityTest, Rule17_PreferredAndRemotePartyIdAssertNothing) {
  const CallerIdentity caller =
      Read(std::string(kFrom) +
           "P-Preferred-Identity: <sip:+16185558387@x>\nRemote-Party-ID: <sip:+16185558387@x>\n");
  EXPECT_FALSE(caller.has_asserted);
  EXPECT_FALSE(Passes(caller));
}

// A user part of any length is in the record, cut: padding hides nobody.
TEST_F(CallerIdentityTest, Rule17_ALongCallerIsStillInTheRecord) {
  const std::string padded = "+16185558387" + std::string(200, '0');
  const CallerIdentity caller = Read("From: <sip:" + padded + "@10.0.0.141>;tag=1\n");
  EXPECT_TRUE(caller.from.user.empty());
  EXPECT_EQ(caller.original, padded.substr(0, PartyUser::kUserMax));
}

TEST_F(CallerIdentityTest, Rule17_NormalisedBeforeTheCheck) {
  EXPECT_TRUE(Passes(Read("From: <sip:618-555-8387@10.0.0.141>;tag=1\n")));
  EXPECT_TRUE(Passes(Read("From: <tel:+1(618)555-8387>;tag=1\n")));
  EXPECT_FALSE(Passes(Read(kFrom)));
  EXPECT_FALSE(Passes(Read("From: <sip:asterisk@10.0.0.141>;tag=1\n")));
}

// DefaultPhoneNumber replaces the number in From and PAI before the check, and the record keeps who
// really called.
TEST_F(CallerIdentityTest, Rule17_DefaultPhoneNumberReplacesTheNumber) {
  connector().termination.default_phone_number = "+16185558387";
  const CallerIdentity caller =
      Read(std::string(kFrom) + "P-Asserted-Identity: <sip:+14435550100@10.0.0.141>\n");
  EXPECT_EQ(caller.original, "+14435550100");
  EXPECT_TRUE(Passes(caller));
  EXPECT_EQ(From(caller, Side::kTrunk), "\"Alice\" <sip:+16185558387@203.0.113.10>;tag=t");
  EXPECT_EQ(Asserted(caller, Side::kTrunk), "<sip:+16185558387@203.0.113.10>");
}

// No PAI came, so none is made up.
TEST_F(CallerIdentityTest, Rule17_DefaultPhoneNumberMakesNoPai) {
  connector().termination.default_phone_number = "+16185558387";
  const CallerIdentity caller = Read(kFrom);
  EXPECT_TRUE(Passes(caller));
  EXPECT_EQ(Asserted(caller, Side::kTrunk), "");
}

// It comes before the inventory: a default that is not owned is refused like any other.
TEST_F(CallerIdentityTest, Rule17_TheDefaultItselfIsChecked) {
  connector().termination.default_phone_number = "+12025550100";
  EXPECT_FALSE(Passes(Read("From: <sip:+16185558387@x>;tag=1\n")));
}

TEST_F(CallerIdentityTest, Rule17_AnOwnedDivertingNumberWillDoWhereAllowed) {
  const std::string diverted =
      std::string(kFrom) +
      "Diversion: <sip:+12025550100@x>;reason=unconditional, <sip:6185550001@10.0.0.141>\n";
  EXPECT_FALSE(Passes(Read(diverted)));
  EXPECT_TRUE(Passes(Read(diverted), true));
  const std::string history =
      std::string(kFrom) +
      "History-Info: <sip:+16185550001@x?Reason=SIP%3Bcause%3D302>;index=1\n"
      "History-Info: <sip:+18155558245@x>;index=1.1\n";
  EXPECT_TRUE(Passes(Read(history), true));
  EXPECT_FALSE(
      Passes(Read(std::string(kFrom) + "Diversion: <sip:+12025550100@10.0.0.141>\n"), true));
}

TEST_F(CallerIdentityTest, Rule17_WithoutAnInventoryAnyCallerWillDo) {
  connector().phone_numbers.clear();
  EXPECT_TRUE(Passes(Read(kFrom)));
  EXPECT_TRUE(Passes(Read("From: <sip:asterisk@10.0.0.141>;tag=1\n")));
}

// Privacy: id hides identity towards the customer: no PAI, and From says nobody.
TEST_F(CallerIdentityTest, Rule17_PrivacyHidesTheCallerFromTheCustomer) {
  for (const char* privacy : {"id", "ID", "user;critical", "header; id"}) {
    const CallerIdentity caller =
        Read(std::string(kFrom) +
             "P-Asserted-Identity: <sip:+18155558245@10.0.58.47>\nPrivacy: " + privacy + "\n");
    EXPECT_EQ(From(caller, Side::kCustomer),
              "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=t")
        << privacy;
    EXPECT_EQ(Asserted(caller, Side::kCustomer), "");
    EXPECT_EQ(caller.original, "+18155558245");  // The record still knows.
  }
}

TEST_F(CallerIdentityTest, Rule17_NoPrivacyHidesNothing) {
  for (const char* privacy : {"none", "session", "identity"}) {
    const CallerIdentity caller =
        Read(std::string(kFrom) +
             "P-Asserted-Identity: <sip:+18155558245@10.0.58.47:5060>\nPrivacy: " + privacy + "\n");
    EXPECT_EQ(From(caller, Side::kCustomer), "\"Alice\" <sip:+14435550100@203.0.113.10>;tag=t");
    EXPECT_EQ(Asserted(caller, Side::kCustomer), "<sip:+18155558245@203.0.113.10>");
  }
}

// The trunk is a carrier: it is told who calls, and hides that itself.
TEST_F(CallerIdentityTest, Rule17_PrivacyDoesNotHideTheCallerFromTheTrunk) {
  const CallerIdentity caller = Read(
      std::string(kFrom) + "P-Asserted-Identity: <sip:+16185558387@10.0.0.141>\nPrivacy: id\n");
  EXPECT_TRUE(Passes(caller));
  EXPECT_EQ(Asserted(caller, Side::kTrunk), "<sip:+16185558387@203.0.113.10>");
}

// A PAI that cannot be read asserts nothing, and costs nothing.
TEST_F(CallerIdentityTest, AMalformedPaiAssertsNothing) {
  const CallerIdentity caller =
      Read(std::string(kFrom) + "P-Asserted-Identity: <sip:+16185558387@x\n");
  EXPECT_FALSE(caller.has_asserted);
  EXPECT_EQ(caller.caller().number, "+14435550100");
}

TEST_F(CallerIdentityTest, AllocatesNothing) {
  const IndexedMessage invite("INVITE sip:+18155558245@x SIP/2.0\n" + std::string(kFrom) +
                              "P-Asserted-Identity: <sip:+16185558387@10.0.0.141>\n"
                              "Diversion: <sip:+16185550001@x>\nPrivacy: id\n");
  PolicyBed bed(config_);
  const size_t before = Allocations();
  CallerIdentity caller = ReadCaller(*invite, bed.connector());
  OverrideCaller(bed.connector(), &caller);
  const bool passes = !CheckCaller(bed.connector(), caller).has_value();
  EXPECT_EQ(Allocations(), before);
  EXPECT_TRUE(passes);
}

}  // namespace
}  // namespace sbc

// The checks of a new call: Disabled, CallingRegions, the caller's number, and the home worker's
// limits (rules 5, 6, 11 and 17 of the SBC's rules), each with its own cause, code and reason
// phrase.

#include "sbc/termination.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/sbc/policy_bed.h"

namespace sbc {
namespace {

CallerIdentity CallerOf(std::string_view number) {
  CallerIdentity caller;
  EXPECT_TRUE(caller.from.user.Assign(number));
  if (!NormaliseE164(number, HomePlan::kNanp, &caller.from.number)) caller.from.number.Clear();
  return caller;
}

std::optional<Refusal> Check(const Config& config, std::string_view called,
                             std::string_view caller = "+16185558387", E164* e164 = nullptr) {
  PolicyBed bed(config);
  const CallerIdentity identity = CallerOf(caller);
  TerminationRequest request;
  request.called_user = called;
  request.caller = &identity;
  request.emergency = bed->IsEmergency(called);
  E164 unused;
  return CheckTermination(bed.connector(), request, e164 != nullptr ? e164 : &unused);
}

TEST(TerminationTest, AnOrdinaryCallGoesOn) {
  E164 called;
  EXPECT_EQ(Check(SmallConfig(), "8155558245", "+16185558387", &called), std::nullopt);
  EXPECT_EQ(called, "+18155558245");
}

TEST(TerminationTest, DisabledRefusesEverything) {
  Config config = SmallConfig();
  config.connectors[0].termination.disabled = true;
  const auto refusal = Check(config, "+18155558245");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->cause, RejectionCause::kDisabled);
  EXPECT_EQ(refusal->status_code, 403);
  EXPECT_FALSE(refusal->retry_after);
}

// By the called number's country: +1 alone does not tell.
TEST(TerminationTest, CallingRegionsTellTheCountriesOfPlusOneApart) {
  const auto canada = Check(SmallConfig(), "+14165550123");
  ASSERT_TRUE(canada.has_value());
  EXPECT_EQ(canada->cause, RejectionCause::kRegion);
  EXPECT_EQ(canada->status_code, 403);
  EXPECT_EQ(canada->detail, "+14165550123: country CA");
  EXPECT_EQ(Check(SmallConfig(), "+18765550123")->cause, RejectionCause::kRegion);  // Jamaica.
  Config config = SmallConfig();
  config.connectors[0].termination.calling_regions.push_back({{'C', 'A'}});
  EXPECT_EQ(Check(config, "+14165550123"), std::nullopt);
}

TEST(TerminationTest, WhatIsNoNumberHasNoRegion) {
  const auto refusal = Check(SmallConfig(), "reception");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->cause, RejectionCause::kRegion);
  EXPECT_EQ(refusal->detail, "no E.164 number: country unknown");
}

TEST(TerminationTest, NoRegionsAtAllRefuseEveryCall) {
  Config config = SmallConfig();
  config.connectors[0].termination.calling_regions.clear();
  EXPECT_EQ(Check(config, "+18155558245")->cause, RejectionCause::kRegion);
}

// The reason phrase is Amazon's own, with the number.
TEST(TerminationTest, Rule17_ACallerNotInTheInventory) {
  Config config = SmallConfig();
  config.connectors[0].phone_numbers = {"+16185558387"};
  EXPECT_EQ(Check(config, "+18155558245"), std::nullopt);
  const auto refusal = Check(config, "+18155558245", "+14435550100");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->cause, RejectionCause::kCallerId);
  EXPECT_EQ(refusal->status_code, 403);
  EXPECT_EQ(refusal->reason, "Caller Id +14435550100 is not valid");
}

// Who checks need not know of DefaultPhoneNumber: it has taken the caller's place by then.
TEST(TerminationTest, Rule17_TheDefaultTakesTheCallersPlaceBeforeTheCheck) {
  Config config = SmallConfig();
  config.connectors[0].phone_numbers = {"+16185558387"};
  config.connectors[0].termination.default_phone_number = "+16185558387";
  EXPECT_EQ(Check(config, "+18155558245", "+14435550100"), std::nullopt);
  config.connectors[0].termination.default_phone_number = "+12025550100";
  EXPECT_EQ(Check(config, "+18155558245", "+16185558387")->reason,
            "Caller Id +12025550100 is not valid");
}

// What is not a number is not echoed: the reason phrase is ours.
TEST(TerminationTest, Rule17_ACallerThatIsNoNumberIsNotEchoed) {
  Config config = SmallConfig();
  config.connectors[0].phone_numbers = {"+16185558387"};
  EXPECT_EQ(Check(config, "+18155558245", "mallory%0d%0a")->reason, "Caller Id is not valid");
}

// Disabled comes before the region, the region before the caller.
TEST(TerminationTest, ChecksComeInTheirOrder) {
  Config config = SmallConfig();
  config.connectors[0].phone_numbers = {"+16185558387"};
  EXPECT_EQ(Check(config, "+14165550123", "+14435550100")->cause, RejectionCause::kRegion);
  config.connectors[0].termination.disabled = true;
  EXPECT_EQ(Check(config, "+14165550123", "+14435550100")->cause, RejectionCause::kDisabled);
}

TEST(TerminationTest, EveryCauseHasItsConfiguredCode) {
  Config config = SmallConfig();
  ConnectorConfig& connector = config.connectors[0];
  connector.phone_numbers = {"+16185558387"};
  connector.rejections.codes[static_cast<size_t>(RejectionCause::kRegion)] = 488;
  connector.rejections.codes[static_cast<size_t>(RejectionCause::kCallerId)] = 603;
  EXPECT_EQ(Check(config, "+14165550123")->status_code, 488);
  EXPECT_EQ(Check(config, "+18155558245", "+14435550100")->status_code, 603);
}

// ---- Rule 6.

TEST(TerminationTest, Rule06_EmergencyBypassesRegionAndCallerId) {
  Config config = SmallConfig();
  config.connectors[0].phone_numbers = {"+16185558387"};
  config.connectors[0].termination.calling_regions.clear();
  for (const char* called : {"911", "+1911", "1911"}) {
    EXPECT_EQ(Check(config, called, "+14435550100"), std::nullopt) << called;
  }
  EXPECT_TRUE(Check(config, "9110", "+14435550100").has_value());
}

// What the operator switched off is off.
TEST(TerminationTest, Rule06_EmergencyDoesNotBypassDisabled) {
  Config config = SmallConfig();
  config.connectors[0].termination.disabled = true;
  EXPECT_EQ(Check(config, "911")->cause, RejectionCause::kDisabled);
}

TEST(RejectionTest, Rule06_WhatEmergencyCallsBypass) {
  for (const RejectionCause cause :
       {RejectionCause::kRegion, RejectionCause::kCallerId, RejectionCause::kCps,
        RejectionCause::kCalls, RejectionCause::kOverload, RejectionCause::kDrain}) {
    EXPECT_TRUE(Info(cause).bypassed_by_emergency);
  }
  for (const RejectionCause cause :
       {RejectionCause::kCidr, RejectionCause::kDisabled, RejectionCause::kNoRoute,
        RejectionCause::kOriginationDisabled, RejectionCause::kUnknownNumber}) {
    EXPECT_FALSE(Info(cause).bypassed_by_emergency);
  }
}

// ---- Rules 5 and 11: the home worker's refusals.

TEST(TerminationTest, Rule05_TheHomeWorkersRefusals) {
  PolicyBed bed(SmallConfig());
  EXPECT_EQ(RefuseGrant(bed.connector(), GrantAnswer::kGranted), std::nullopt);
  const auto cps = RefuseGrant(bed.connector(), GrantAnswer::kRefusedCps);
  EXPECT_EQ(cps->cause, RejectionCause::kCps);
  EXPECT_EQ(cps->status_code, 503);
  const auto calls = RefuseGrant(bed.connector(), GrantAnswer::kRefusedCalls);
  EXPECT_EQ(calls->cause, RejectionCause::kCalls);
  EXPECT_EQ(calls->status_code, 503);
}

TEST(RejectionTest, Rule11_OnlyTheWholeNodeSaysRetryAfter) {
  for (size_t i = 0; i < kRejectionCauseCount; ++i) {
    const auto cause = static_cast<RejectionCause>(i);
    const bool whole_node = cause == RejectionCause::kOverload || cause == RejectionCause::kDrain;
    EXPECT_EQ(Info(cause).retry_after, whole_node) << i;
    if (i >= kRejectionCodeCount) continue;
    EXPECT_EQ(Refuse(cause, RejectionsConfig(), "").retry_after, whole_node) << i;
  }
}

// ---- Origination.

std::optional<Refusal> CheckInbound(const Config& config, std::string_view called) {
  PolicyBed bed(config);
  E164 e164;
  return CheckOrigination(bed.connector(), called, &e164);
}

TEST(OriginationTest, DisabledAndUnknownNumbers) {
  Config config = SmallConfig();
  EXPECT_EQ(CheckInbound(config, "+16185558387"), std::nullopt);
  config.connectors[0].phone_numbers = {"+16185558387"};
  EXPECT_EQ(CheckInbound(config, "+16185558387"), std::nullopt);
  EXPECT_EQ(CheckInbound(config, "5550"), std::nullopt);
  const auto unknown = CheckInbound(config, "+16185550000");
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->cause, RejectionCause::kUnknownNumber);
  EXPECT_EQ(unknown->status_code, 404);
  config.connectors[0].origination.disabled = true;
  const auto disabled = CheckInbound(config, "+16185558387");
  EXPECT_EQ(disabled->cause, RejectionCause::kOriginationDisabled);
  EXPECT_EQ(disabled->status_code, 403);
}

}  // namespace
}  // namespace sbc

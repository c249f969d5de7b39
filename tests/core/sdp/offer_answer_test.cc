#include "core/sdp/offer_answer.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: one offer at a time, closed only by the other side (RFC 3264 §4), in each of the ways that
// SIP has to carry them (RFC 6337 §2), with the old state after each failure.

using State = OfferAnswer::State;
using Event = OfferAnswer::Event;
using enum Carrier;
constexpr Way kOut = Way::kSent;
constexpr Way kIn = Way::kReceived;

// Each pair of a state and an event is walked: where it leads, and what is refused.
TEST(OfferAnswerMachineTest, IsRfc3264) {
  using enum OfferAnswer::State;
  using enum OfferAnswer::Event;
  const std::map<std::pair<State, Event>, State> arrows = {
      {{kIdle, kSendOffer}, kOfferSent},
      {{kIdle, kReceiveOffer}, kOfferReceived},
      {{kOfferSent, kSendOffer}, kOfferSent},
      {{kOfferSent, kReceiveOffer}, kOfferSent},
      {{kOfferSent, kReceiveAnswer}, kStable},
      {{kOfferSent, kFail}, kIdle},
      {{kOfferReceived, kSendOffer}, kOfferReceived},
      {{kOfferReceived, kReceiveOffer}, kOfferReceived},
      {{kOfferReceived, kSendAnswer}, kStable},
      {{kOfferReceived, kFail}, kIdle},
      {{kStable, kSendOffer}, kReofferSent},
      {{kStable, kReceiveOffer}, kReofferReceived},
      {{kReofferSent, kSendOffer}, kReofferSent},
      {{kReofferSent, kReceiveOffer}, kReofferSent},
      {{kReofferSent, kReceiveAnswer}, kStable},
      {{kReofferSent, kFail}, kStable},
      {{kReofferReceived, kSendOffer}, kReofferReceived},
      {{kReofferReceived, kReceiveOffer}, kReofferReceived},
      {{kReofferReceived, kSendAnswer}, kStable},
      {{kReofferReceived, kFail}, kStable},
  };
  constexpr uint32_t kRefusals = OfferAnswer::kRefuseGlare | OfferAnswer::kRefuseBusy;
  for (size_t state = 0; state < OfferAnswer::kStates; ++state) {
    for (size_t event = 0; event < OfferAnswer::kEvents; ++event) {
      const auto in = static_cast<State>(state);
      const auto on = static_cast<Event>(event);
      const auto& step = OfferAnswer::Machine().Find(in, on);
      const auto arrow = arrows.find({in, on});
      ASSERT_EQ(step.defined, arrow != arrows.end()) << "state " << state << " event " << event;
      if (!step.defined) continue;
      EXPECT_EQ(step.to, arrow->second) << "state " << state << " event " << event;
      EXPECT_EQ((step.actions & kRefusals) != 0, step.to == in) << "who is refused changes nothing";
    }
  }
}

// A leg after an early offer of that side and its answer.
OfferAnswer Established(Way offer = kOut) {
  OfferAnswer leg;
  EXPECT_EQ(leg.On(kInvite, offer, true), Meaning::kOffer);
  EXPECT_EQ(leg.On(kInviteOk, offer == kOut ? kIn : kOut, true), Meaning::kAnswer);
  EXPECT_TRUE(leg.is_stable());
  return leg;
}

constexpr std::pair<Way, Way> kBothRoles[] = {{kOut, kIn}, {kIn, kOut}};  // Of who invites.

TEST(OfferAnswerTest, EarlyOffer) {
  for (const auto& [caller, callee] : kBothRoles) {
    OfferAnswer leg;
    EXPECT_EQ(leg.On(kInvite, caller, true), Meaning::kOffer);
    EXPECT_EQ(leg.On(kProvisional, callee, false), Meaning::kNothing);
    EXPECT_FALSE(leg.has_agreed());
    EXPECT_EQ(leg.On(kInviteOk, callee, true), Meaning::kAnswer);
    EXPECT_EQ(leg.On(kAck, caller, false), Meaning::kNothing);
    EXPECT_TRUE(leg.is_stable());
  }
}

TEST(OfferAnswerTest, DelayedOffer) {
  for (const auto& [caller, callee] : kBothRoles) {
    OfferAnswer leg;
    EXPECT_EQ(leg.On(kInvite, caller, false), Meaning::kNothing);
    EXPECT_TRUE(leg.is_delayed(caller));
    EXPECT_EQ(leg.On(kInviteOk, callee, true), Meaning::kOffer);
    EXPECT_FALSE(leg.is_delayed(caller));
    EXPECT_EQ(leg.On(kAck, caller, true), Meaning::kAnswer);
    EXPECT_TRUE(leg.is_stable());
  }
}

// RFC 3261 §13.2.1: media may follow what an unreliable 183 says, but the answer is the 2xx's.
TEST(OfferAnswerTest, AnUnreliable183IsAPreview) {
  OfferAnswer leg;
  EXPECT_EQ(leg.On(kInvite, kOut, true), Meaning::kOffer);
  EXPECT_EQ(leg.On(kProvisional, kIn, true), Meaning::kPreview);
  EXPECT_EQ(leg.On(kProvisional, kIn, true), Meaning::kPreview);
  EXPECT_EQ(leg.state(), State::kOfferSent);
  EXPECT_EQ(leg.On(kInviteOk, kIn, true), Meaning::kAnswer);

  OfferAnswer delayed;
  EXPECT_EQ(delayed.On(kInvite, kOut, false), Meaning::kNothing);
  EXPECT_EQ(delayed.On(kProvisional, kIn, true), Meaning::kIgnored) << "offers come reliably";
  EXPECT_EQ(delayed.state(), State::kIdle);
}

// RFC 3262 §5: the answer in a reliable 183, a further offer in its PRACK, and copies behind them.
TEST(OfferAnswerTest, AReliable183AnswersAndPrackOffersAnew) {
  OfferAnswer leg;
  EXPECT_EQ(leg.On(kInvite, kOut, true), Meaning::kOffer);
  EXPECT_EQ(leg.On(kReliableProvisional, kIn, false), Meaning::kNothing) << "a later one may";
  EXPECT_EQ(leg.On(kReliableProvisional, kIn, true), Meaning::kAnswer);
  EXPECT_EQ(leg.On(kPrack, kOut, true), Meaning::kOffer);
  EXPECT_EQ(leg.On(kReliableProvisional, kIn, true), Meaning::kIgnored);
  EXPECT_EQ(leg.On(kPrackOk, kIn, true), Meaning::kAnswer);
  EXPECT_EQ(leg.On(kInviteOk, kIn, true), Meaning::kIgnored) << "a copy of the answer";
  EXPECT_EQ(leg.On(kAck, kOut, true), Meaning::kIgnored);
  EXPECT_TRUE(leg.is_stable());
}

TEST(OfferAnswerTest, ADelayedOfferInAReliable183IsAnsweredInPrack) {
  for (const auto& [caller, callee] : kBothRoles) {
    OfferAnswer leg;
    EXPECT_EQ(leg.On(kInvite, caller, false), Meaning::kNothing);
    EXPECT_EQ(leg.On(kReliableProvisional, callee, true), Meaning::kOffer);
    EXPECT_EQ(leg.On(kPrack, caller, true), Meaning::kAnswer);
    EXPECT_EQ(leg.On(kPrackOk, callee, false), Meaning::kNothing);
    EXPECT_EQ(leg.On(kUpdate, callee, true), Meaning::kOffer) << "early media, changed (RFC 3311)";
    EXPECT_EQ(leg.On(kUpdateOk, caller, true), Meaning::kAnswer);
    EXPECT_EQ(leg.On(kInviteOk, callee, false), Meaning::kNothing);
    EXPECT_TRUE(leg.is_stable());
  }
}

// Where the answer was due and did not come.
TEST(OfferAnswerTest, AMissingAnswerIsSeen) {
  OfferAnswer early;
  EXPECT_EQ(early.On(kInvite, kOut, true), Meaning::kOffer);
  EXPECT_EQ(early.On(kInviteOk, kIn, false), Meaning::kMissing);
  EXPECT_EQ(early.state(), State::kIdle);

  OfferAnswer delayed;
  EXPECT_EQ(delayed.On(kInvite, kIn, false), Meaning::kNothing);
  EXPECT_EQ(delayed.On(kInviteOk, kOut, true), Meaning::kOffer);
  EXPECT_EQ(delayed.On(kAck, kIn, false), Meaning::kMissing);

  OfferAnswer no_offer;
  EXPECT_EQ(no_offer.On(kInvite, kOut, false), Meaning::kNothing);
  EXPECT_EQ(no_offer.On(kInviteOk, kIn, false), Meaning::kMissing) << "the offer itself was due";

  OfferAnswer reliable;
  EXPECT_EQ(reliable.On(kInvite, kIn, false), Meaning::kNothing);
  EXPECT_EQ(reliable.On(kReliableProvisional, kOut, true), Meaning::kOffer);
  EXPECT_EQ(reliable.On(kPrack, kIn, false), Meaning::kMissing);

  OfferAnswer update = Established();
  EXPECT_EQ(update.On(kUpdate, kOut, true), Meaning::kOffer);
  EXPECT_EQ(update.On(kUpdateOk, kIn, false), Meaning::kMissing);
  EXPECT_TRUE(update.is_stable()) << "what was agreed before stands";
}

// RFC 3261 §14.1: hold that is refused leaves the call as it was, whoever asked.
TEST(OfferAnswerTest, AFailedReInviteOrUpdateLeavesTheOldState) {
  for (const Way way : {kOut, kIn}) {
    for (const Carrier request : {kInvite, kUpdate}) {
      OfferAnswer leg = Established();
      EXPECT_EQ(leg.On(request, way, true), Meaning::kOffer);
      EXPECT_TRUE(leg.has_pending());
      EXPECT_TRUE(leg.OnFailure(request, way));
      EXPECT_TRUE(leg.is_stable());
      EXPECT_EQ(leg.On(request, way, true), Meaning::kOffer) << "and the next may be better";
    }
  }
  OfferAnswer first;
  EXPECT_EQ(first.On(kInvite, kOut, true), Meaning::kOffer);
  EXPECT_TRUE(first.OnFailure(kInvite, kOut));
  EXPECT_EQ(first.state(), State::kIdle);
}

// A request's failure takes its own offer with it, and nobody else's.
TEST(OfferAnswerTest, AFailureTakesOnlyItsOwnOffer) {
  OfferAnswer leg = Established();
  EXPECT_EQ(leg.On(kInvite, kOut, false), Meaning::kNothing)
      << "a re-INVITE that asks for an offer";
  EXPECT_EQ(leg.On(kUpdate, kIn, true), Meaning::kOffer);
  EXPECT_FALSE(leg.OnFailure(kInvite, kOut));
  EXPECT_FALSE(leg.OnFailure(kUpdate, kOut));
  EXPECT_FALSE(leg.OnFailure(kPrack, kIn));
  EXPECT_TRUE(leg.has_pending());
  EXPECT_TRUE(leg.OnFailure(kUpdate, kIn));

  // The offer in a reliable 183 falls with the INVITE, and with the PRACK that should answer it.
  for (const Carrier request : {kInvite, kPrack}) {
    OfferAnswer delayed;
    EXPECT_EQ(delayed.On(kInvite, kOut, false), Meaning::kNothing);
    EXPECT_EQ(delayed.On(kReliableProvisional, kIn, true), Meaning::kOffer);
    EXPECT_TRUE(delayed.OnFailure(request, kOut));
    EXPECT_EQ(delayed.state(), State::kIdle);
  }
}

// RFC 6141 §3.4: what was agreed within a re-INVITE stays agreed when that fails.
TEST(OfferAnswerTest, WhatWasAgreedWithinAFailedReInviteStays) {
  OfferAnswer leg = Established();
  EXPECT_EQ(leg.On(kInvite, kOut, true), Meaning::kOffer);
  EXPECT_EQ(leg.On(kReliableProvisional, kIn, true), Meaning::kAnswer);
  EXPECT_FALSE(leg.OnFailure(kInvite, kOut));
  EXPECT_TRUE(leg.is_stable());
}

// RFC 3261 §14.2, RFC 3311 §5.2: 491 where ours is open, 500 where theirs is; ours then waits.
TEST(OfferAnswerTest, GlareIsRefusedAndChangesNothing) {
  for (const Carrier request : {kInvite, kUpdate}) {
    OfferAnswer leg = Established();
    EXPECT_EQ(leg.On(kInvite, kOut, true), Meaning::kOffer);
    EXPECT_EQ(leg.On(request, kIn, true), Meaning::kGlare);
    EXPECT_EQ(leg.On(request, kOut, true), Meaning::kBusy);
    EXPECT_EQ(leg.state(), State::kReofferSent);
    EXPECT_EQ(leg.On(kInviteOk, kIn, true), Meaning::kAnswer) << "the first goes on";

    OfferAnswer other = Established();
    EXPECT_EQ(other.On(kUpdate, kIn, true), Meaning::kOffer);
    EXPECT_EQ(other.On(request, kIn, true), Meaning::kBusy);
    EXPECT_EQ(other.On(request, kOut, true), Meaning::kBusy) << "answer first";
    EXPECT_EQ(other.On(kUpdateOk, kOut, true), Meaning::kAnswer);
  }
}

// RFC 3311 §5.1: before anything was agreed there is nothing to update.
TEST(OfferAnswerTest, AnUpdateBeforeTheFirstOfferIsBusy) {
  OfferAnswer leg;
  EXPECT_EQ(leg.On(kInvite, kOut, false), Meaning::kNothing);
  EXPECT_EQ(leg.On(kUpdate, kIn, true), Meaning::kBusy);
  EXPECT_EQ(leg.On(kUpdate, kIn, false), Meaning::kNothing) << "without one it is a refresh";
}

// A delayed re-INVITE: the other side offers all it can do in its 2xx (RFC 3261 §14.1).
TEST(OfferAnswerTest, ADelayedReInvite) {
  OfferAnswer leg = Established(kIn);
  EXPECT_EQ(leg.On(kInvite, kOut, false), Meaning::kNothing);
  EXPECT_EQ(leg.On(kInviteOk, kIn, true), Meaning::kOffer);
  EXPECT_EQ(leg.state(), State::kReofferReceived);
  EXPECT_EQ(leg.On(kAck, kOut, true), Meaning::kAnswer);
  EXPECT_TRUE(leg.is_stable());
}

// A forked INVITE: each early dialog has its answer, by its own copy (RFC 3261 §13.1).
TEST(OfferAnswerTest, EachEarlyDialogHasItsOwnCopy) {
  OfferAnswer invite;
  EXPECT_EQ(invite.On(kInvite, kOut, true), Meaning::kOffer);
  OfferAnswer first = invite;
  OfferAnswer second = invite;
  EXPECT_EQ(first.On(kReliableProvisional, kIn, true), Meaning::kAnswer);
  EXPECT_EQ(second.On(kProvisional, kIn, true), Meaning::kPreview);
  EXPECT_EQ(second.On(kInviteOk, kIn, true), Meaning::kAnswer);
  EXPECT_TRUE(first.is_stable() && second.is_stable());
}

// Whatever is thrown at it, an offer is only open where the machine says so, and a refusal or a
// message without meaning leaves the state alone: all walks of four messages.
TEST(OfferAnswerTest, NoWalkLeavesTheMachine) {
  const auto walk = [](const auto& self, const OfferAnswer& leg, int depth) -> void {
    if (depth == 0) return;
    for (size_t i = 0; i < kCarriers * 4; ++i) {
      OfferAnswer next = leg;
      const auto carrier = static_cast<Carrier>(i / 4);
      const Meaning meaning = next.On(carrier, (i & 1) != 0 ? kOut : kIn, (i & 2) != 0);
      switch (meaning) {
        case Meaning::kOffer:
          ASSERT_TRUE(!leg.has_pending() && next.has_pending());
          break;
        case Meaning::kAnswer:
          ASSERT_TRUE(leg.has_pending() && next.is_stable());
          break;
        case Meaning::kMissing:
          // Where it was the offer that is missing, another request's may be open still.
          ASSERT_TRUE(!next.has_pending() || next.state() == leg.state());
          ASSERT_EQ(next.has_agreed(), leg.has_agreed());
          break;
        default:
          ASSERT_EQ(next.state(), leg.state());
      }
      self(self, next, depth - 1);
    }
  };
  walk(walk, OfferAnswer(), 4);
}

}  // namespace
}  // namespace core::sdp

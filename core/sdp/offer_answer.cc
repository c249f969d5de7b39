#include "core/sdp/offer_answer.h"

namespace core::sdp {
namespace {

using enum OfferAnswer::State;
using enum OfferAnswer::Event;
using enum OfferAnswer::Action;
using Row = StateRow<OfferAnswer::State, OfferAnswer::Event>;

// RFC 3264 §4: at most one offer is open, and only the other side may close it. Whoever's offer
// meets an open one loses it: 491 where the open one is ours, 500 where it is his own (RFC 3261
// §14.2, RFC 3311 §5.2); an offer of ours then waits. A failure returns to what was before.
constexpr Row kRows[] = {
    //  in           on           go to        and do
    {kIdle, kSendOffer, kOfferSent, kKeepOffer},
    {kIdle, kReceiveOffer, kOfferReceived, kKeepOffer},
    {kOfferSent, kReceiveAnswer, kStable, kForgetOffer},
    {kOfferSent, kFail, kIdle, kForgetOffer},
    {kOfferSent, kReceiveOffer, kOfferSent, kRefuseGlare},
    {kOfferSent, kSendOffer, kOfferSent, kRefuseBusy},
    {kOfferReceived, kSendAnswer, kStable, kForgetOffer},
    {kOfferReceived, kFail, kIdle, kForgetOffer},
    {kOfferReceived, kReceiveOffer, kOfferReceived, kRefuseBusy},
    {kOfferReceived, kSendOffer, kOfferReceived, kRefuseBusy},
    {kStable, kSendOffer, kReofferSent, kKeepOffer},
    {kStable, kReceiveOffer, kReofferReceived, kKeepOffer},
    {kReofferSent, kReceiveAnswer, kStable, kForgetOffer},
    {kReofferSent, kFail, kStable, kForgetOffer},
    {kReofferSent, kReceiveOffer, kReofferSent, kRefuseGlare},
    {kReofferSent, kSendOffer, kReofferSent, kRefuseBusy},
    {kReofferReceived, kSendAnswer, kStable, kForgetOffer},
    {kReofferReceived, kFail, kStable, kForgetOffer},
    {kReofferReceived, kReceiveOffer, kReofferReceived, kRefuseBusy},
    {kReofferReceived, kSendOffer, kReofferReceived, kRefuseBusy},
};
constexpr OfferAnswer::Table kMachine(kRows);

// Which message answers an offer that came in which: RFC 6337 §2.2, table 1, row by row. `is_last`:
// there is no later message that could.
struct AnswerRow {
  Carrier offer;
  Carrier answer;
  bool is_last;
};
constexpr AnswerRow kAnswerRows[] = {
    {Carrier::kInvite, Carrier::kInviteOk, true},              // RFC 3261
    {Carrier::kInviteOk, Carrier::kAck, true},                 // RFC 3261
    {Carrier::kInvite, Carrier::kReliableProvisional, false},  // RFC 3262
    {Carrier::kReliableProvisional, Carrier::kPrack, true},    // RFC 3262
    {Carrier::kPrack, Carrier::kPrackOk, true},                // RFC 3262
    {Carrier::kUpdate, Carrier::kUpdateOk, true},              // RFC 3311
};

const AnswerRow* FindAnswerRow(Carrier offer, Carrier answer) {
  for (const AnswerRow& row : kAnswerRows) {
    if (row.offer == offer && row.answer == answer) return &row;
  }
  return nullptr;
}

constexpr Way Opposite(Way way) { return way == Way::kSent ? Way::kReceived : Way::kSent; }

}  // namespace

const OfferAnswer::Table& OfferAnswer::Machine() { return kMachine; }

uint32_t OfferAnswer::Step(Event event) {
  const Table::Step& step = kMachine.Find(state_, event);
  if (step.defined) state_ = step.to;
  return step.defined ? step.actions : kNothing;
}

// The pending offer went the other way, and this message is one that answers it.
bool OfferAnswer::Awaits(Carrier carrier, Way way) const {
  if (!has_pending()) return false;
  const bool offer_was_sent = state_ == kOfferSent || state_ == kReofferSent;
  if (offer_was_sent != (way == Way::kReceived)) return false;
  return FindAnswerRow(offered_in_, carrier) != nullptr ||
         (carrier == Carrier::kProvisional && offered_in_ == Carrier::kInvite);
}

// Requests may offer; responses to an INVITE only where it did not (RFC 3261 §13.2.1, RFC 3262 §5).
// PRACK and UPDATE come second: where nothing was agreed there is nothing to change (RFC 3311
// §5.1).
bool OfferAnswer::MayOffer(Carrier carrier, Way way) const {
  switch (carrier) {
    case Carrier::kInvite:
      return true;
    case Carrier::kReliableProvisional:
    case Carrier::kInviteOk:
      return Invite(Opposite(way)) == InviteOffer::kDelayed;
    case Carrier::kPrack:
    case Carrier::kUpdate:
      return state_ != kIdle;
    case Carrier::kProvisional:
    case Carrier::kAck:
    case Carrier::kPrackOk:
    case Carrier::kUpdateOk:
      return false;
  }
  return false;
}

Meaning OfferAnswer::On(Carrier carrier, Way way, bool has_description) {
  if (Awaits(carrier, way)) return Answer(carrier, way, has_description);
  if (has_description && MayOffer(carrier, way)) return Offer(carrier, way);
  if (carrier == Carrier::kInvite && !has_description) {
    invites_[static_cast<size_t>(way)] = InviteOffer::kDelayed;
  }
  if (!has_description) {
    // The 2xx was the last that could bring the offer that its INVITE lacked (RFC 3261 §13.2.1).
    const bool offer_is_missing = carrier == Carrier::kInviteOk && MayOffer(carrier, way);
    if (!offer_is_missing) return Meaning::kNothing;
    invites_[static_cast<size_t>(Opposite(way))] = InviteOffer::kDone;
    return Meaning::kMissing;
  }
  const bool is_early = carrier == Carrier::kPrack || carrier == Carrier::kUpdate;
  return is_early ? Meaning::kBusy : Meaning::kIgnored;
}

Meaning OfferAnswer::Answer(Carrier carrier, Way way, bool has_description) {
  const AnswerRow* row = FindAnswerRow(offered_in_, carrier);
  if (row == nullptr) return has_description ? Meaning::kPreview : Meaning::kNothing;
  if (has_description) {
    (void)Step(way == Way::kSent ? kSendAnswer : kReceiveAnswer);
    return Meaning::kAnswer;
  }
  if (!row->is_last) return Meaning::kNothing;
  (void)Step(kFail);
  return Meaning::kMissing;
}

Meaning OfferAnswer::Offer(Carrier carrier, Way way) {
  const uint32_t actions = Step(way == Way::kSent ? kSendOffer : kReceiveOffer);
  if (actions & kRefuseGlare) return Meaning::kGlare;
  if (actions & kRefuseBusy) return Meaning::kBusy;
  offered_in_ = carrier;
  const bool is_response =
      carrier != Carrier::kInvite && carrier != Carrier::kPrack && carrier != Carrier::kUpdate;
  if (is_response || carrier == Carrier::kInvite) {
    const Way invite = is_response ? Opposite(way) : way;
    invites_[static_cast<size_t>(invite)] = InviteOffer::kDone;
  }
  return Meaning::kOffer;
}

bool OfferAnswer::OnFailure(Carrier request, Way way) {
  const bool offer_was_sent = state_ == kOfferSent || state_ == kReofferSent;
  const bool same_way = offer_was_sent == (way == Way::kSent);
  bool falls = has_pending() && offered_in_ == request && same_way;
  if (request == Carrier::kInvite) {
    invites_[static_cast<size_t>(way)] = InviteOffer::kDone;
    const bool in_response =
        offered_in_ == Carrier::kReliableProvisional || offered_in_ == Carrier::kInviteOk;
    falls = falls || (has_pending() && in_response && !same_way);
  }
  // A PRACK that failed cannot bring the answer to what it acknowledged either.
  if (request == Carrier::kPrack && offered_in_ == Carrier::kReliableProvisional) {
    falls = falls || (has_pending() && !same_way);
  }
  if (falls) (void)Step(kFail);
  return falls;
}

std::string_view Name(Meaning meaning) {
  switch (meaning) {
    case Meaning::kNothing:
      return "nothing";
    case Meaning::kOffer:
      return "offer";
    case Meaning::kAnswer:
      return "answer";
    case Meaning::kPreview:
      return "preview";
    case Meaning::kIgnored:
      return "ignored";
    case Meaning::kMissing:
      return "missing";
    case Meaning::kGlare:
      return "glare";
    case Meaning::kBusy:
      return "busy";
  }
  return "unknown";
}

}  // namespace core::sdp

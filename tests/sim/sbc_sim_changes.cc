// What changes in the middle of a conversation, by re-INVITE or UPDATE, and before its answer, by
// PRACK or UPDATE.

#include <optional>
#include <string>
#include <utility>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

constexpr uint16_t kPortStep = 4;

// The dialog that is confirmed; before that, the only one.
size_t DialogOf(const SimCall& call) {
  for (size_t i = 0; i < call.dialogs.size(); ++i) {
    if (call.dialogs[i].state == SimDialog::State::kConfirmed) return i;
  }
  return 0;
}

/// A request that an end has made: a method and a number.
struct Asked {
  std::string method;
  uint32_t sequence = 0;
};

// The final response to it, or nothing.
std::optional<SimMessage> FinalResponse(const SimUserAgent& agent, const std::string& call_id,
                                        const Asked& asked) {
  for (auto entry = agent.log().rbegin(); entry != agent.log().rend(); ++entry) {
    if (entry->sent || !entry->text.starts_with("SIP/2.0 ")) continue;
    if (entry->text.find(call_id) == std::string::npos) continue;
    SimMessage message;
    if (!SimMessage::Parse(entry->text, &message) || message.call_id() != call_id) continue;
    if (message.method() != asked.method || message.sequence() != asked.sequence) continue;
    if (message.status() >= 200) return message;
  }
  return std::nullopt;
}

// The last offer that came in an INVITE or UPDATE.
std::string LastOffer(const SimUserAgent& agent, const std::string& call_id) {
  std::string offer;
  uint32_t last = 0;
  for (auto entry = agent.log().rbegin(); entry != agent.log().rend(); ++entry) {
    const bool is_offer = entry->text.starts_with("INVITE ") || entry->text.starts_with("UPDATE ");
    if (entry->sent || !is_offer) continue;
    if (entry->text.find(call_id) == std::string::npos) continue;
    SimMessage message;
    if (!SimMessage::Parse(entry->text, &message) || message.call_id() != call_id) continue;
    if (message.body.empty() || message.sequence() <= last) continue;
    last = message.sequence();
    offer = message.body;
  }
  return offer;
}

}  // namespace

// What they agreed on changes. Nobody speaks while it does, so that all was said under one
// agreement. False where it did not come about: then no more is said.
bool SimulatedHour::Change(Conversation* talk) {
  const bool by_caller = trait_dice_.Chance(0.5);
  Talker* from = by_caller ? &talk->caller : &talk->callee;
  Talker* to = &talk->Other(from);
  const bool has_nat = talk->caller.is_behind_nat;
  if (!has_nat && trait_dice_.Chance(0.25)) return ChangeToFax(talk, from);
  if (talk->caller.video != nullptr && trait_dice_.Chance(0.5)) return ChangeVideo(talk, from);
  switch (trait_dice_.Below(5)) {
    case 0:
      return Hold(talk, from);
    case 1:
      Move(from);
      if (!Reinvite(talk, from, true)) return false;
      ++changes_["conversation moved"];
      return true;
    case 2:
      Move(from);
      Move(to);
      if (!Reinvite(talk, from, true)) return false;
      ++changes_["conversation moved, both ends"];
      return true;
    case 3:
      return ChangeCodec(talk, from);
    default:
      if (!Reinvite(talk, from, false)) return false;
      ++changes_["conversation offered anew by who was asked"];
      return true;
  }
}

// One end holds the other: it plays music or nothing, and the other one is silent. Both pause when
// that begins and when it ends: silence is no gap, and where a clock stood still no jitter.
bool SimulatedHour::Hold(Conversation* talk, Talker* from) {
  // Who is behind a NAT teaches where it is by what it says, and held it would say nothing.
  if (talk->caller.is_behind_nat) from = &talk->caller;
  Talker* to = &talk->Other(from);
  const bool is_mute = trait_dice_.Chance(0.3);
  from->sdp.direction = is_mute ? "inactive" : "sendonly";
  to->sdp.direction = is_mute ? "inactive" : "recvonly";
  if (!Reinvite(talk, from, true)) return false;
  ++changes_[is_mute ? "conversation held in silence" : "conversation held"];
  for (Talker* each : {from, to}) {
    each->speaks = each == from && !is_mute;
    each->voice.push_back({.at = {}, .is_break = true});
  }
  Speak(talk);
  from->speaks = to->speaks = true;
  if (!StillTalks(*talk)) return false;
  from->sdp.direction = to->sdp.direction = "sendrecv";
  if (!Reinvite(talk, from, true)) return false;
  for (Talker* each : {from, to}) each->voice.push_back({.at = {}, .is_break = true});
  return true;
}

// The picture ends or begins, where both ends and the SBC want that. One who is asked may say no.
bool SimulatedHour::ChangeVideo(Conversation* talk, Talker* from) {
  Talker* to = &talk->Other(from);
  const bool flowed = talk->picture_flows;
  const auto place = static_cast<uint16_t>(talk->first_port + kVideoPorts);
  for (Talker* each : {from, to}) {
    each->sdp.video_port = flowed ? uint16_t{0} : place;
  }
  if (trait_dice_.Chance(0.15)) to->sdp.video_port = 0;
  const Outcome outcome = Offer(talk, from);
  if (outcome == Outcome::kUnknown) return false;
  if (outcome == Outcome::kRefused) {
    // What was agreed on before is in force, and who was refused says so again.
    for (Talker* each : {from, to}) each->sdp.video_port = flowed ? place : uint16_t{0};
    return true;
  }
  if (flowed) ++changes_["video ended in the middle"];
  if (talk->picture_flows) ++changes_["video begun in the middle"];
  return true;
}

// The voice becomes a fax, in its place or behind it, and mostly voice again.
bool SimulatedHour::ChangeToFax(Conversation* talk, Talker* from) {
  using Fax = SpokenSdp::Fax;
  Talker* to = &talk->Other(from);
  const SpokenSdp before[] = {from->sdp, to->sdp};
  const Fax kind = trait_dice_.Chance(0.4) ? Fax::kOwnLine : Fax::kInPlace;
  const bool same_port = trait_dice_.Chance(0.5);
  const auto own_port = static_cast<uint16_t>(talk->first_port + kFaxPorts);
  for (Talker* each : {from, to}) {
    each->sdp.fax = kind;
    each->sdp.has_fax_line = each->sdp.has_fax_line || kind == Fax::kOwnLine;
    each->sdp.fax_port = same_port ? each->sdp.port : own_port;
    if (same_port || each->fax != nullptr) continue;
    each->fax =
        std::make_unique<MediaPeer>(HostPort(each->address, own_port), &network_, &simulation_);
  }
  auto& answers = to->agent->call(to->call).plan.answers;
  const bool is_wanted = trait_dice_.Chance(0.75);
  if (!is_wanted) answers["INVITE"] = answers["UPDATE"] = 488;
  const Outcome outcome = Offer(talk, from);
  answers.erase("INVITE");
  answers.erase("UPDATE");
  if (outcome == Outcome::kUnknown) return false;
  if (outcome == Outcome::kRefused) {
    ++changes_["fax refused"];
    const uint32_t version = from->sdp.version;
    from->sdp = before[0];
    to->sdp = before[1];
    from->sdp.version = to->sdp.version = version;
    return true;
  }
  if (!is_wanted) Complain(talk->number + ": a fax that was refused was accepted");
  ++changes_[kind == Fax::kOwnLine ? "fax on a line of its own" : "fax in the voice's place"];
  talk->is_fax = true;
  for (Talker* each : {from, to}) each->voice.push_back({.at = {}, .is_break = true});
  SendPages(talk);
  if (trait_dice_.Chance(0.2) || !StillTalks(*talk)) return false;  // It ends as a fax.
  for (Talker* each : {from, to}) each->sdp.fax = Fax::kNone;
  if (Offer(talk, trait_dice_.Chance(0.5) ? from : to) != Outcome::kAccepted) return false;
  talk->is_fax = false;
  ++changes_["fax that became voice again"];
  return true;
}

// Other formats, of which PCMU is always one.
bool SimulatedHour::ChangeCodec(Conversation* talk, Talker* from) {
  Talker* to = &talk->Other(from);
  const SpokenSdp before[] = {from->sdp, to->sdp};
  const SpokenSdp drawn = SpokenSdp::Draw(&trait_dice_, "", 0);
  const bool trunk_has_events = (from->is_trunk ? from : to)->sdp.Has(kEvents);
  from->sdp.formats = drawn.formats;
  std::erase(from->sdp.formats, kOpus);  // Its clock is another one.
  to->sdp.formats = SpokenSdp::DrawAnswer(&trait_dice_, "", 0, from->sdp).formats;
  for (Talker* each : {from, to}) {
    if (!talk->bridges_digits) continue;
    std::erase(each->sdp.formats, kEvents);
    if (each->is_trunk && trunk_has_events) each->sdp.formats.push_back(kEvents);
  }
  const std::string codec = std::exchange(talk->codec, "");
  const Outcome outcome = Offer(talk, from);
  if (outcome == Outcome::kUnknown) return false;
  if (outcome == Outcome::kRefused) {
    talk->codec = codec;
    from->sdp.formats = before[0].formats;
    to->sdp.formats = before[1].formats;
    return true;
  }
  SettleFormats(talk, *to);
  if (codec != talk->codec) ++changes_["codec changed"];
  return true;
}

void SimulatedHour::Move(Talker* of) {
  of->port = static_cast<uint16_t>(of->port + kPortStep);
  // A NAT is bound anew without a word, or because who is behind it moved there.
  const bool says_it = !of->is_behind_nat || trait_dice_.Chance(0.5);
  if (says_it) of->sdp.port = static_cast<uint16_t>(of->sdp.port + kPortStep);
  if (of->is_behind_nat) ++changes_["NAT bound anew"];
  of->media->Move(of->port);
}

// ---- before the answer --------------------------------------------------------------------------

// The callee says reliably where it is before it answers; the PRACK of that has the answer to it,
// or another offer: then both ends are elsewhere when they begin to speak.
void SimulatedHour::PlanEarly(Conversation* talk, bool delayed, SimPlan* plan) {
  plan->supports_100rel = true;
  if (delayed) {
    plan->prack_body = plan->sdp;
    return;
  }
  if (trait_dice_.Chance(0.5)) return;
  talk->early_body = talk->callee.sdp.Text();
  for (Talker* each : {&talk->caller, &talk->callee}) {
    Move(each);
    ++each->sdp.version;
  }
  plan->prack_body = plan->sdp = talk->caller.sdp.Text();
}

// They speak, some agree on something else by UPDATE and speak again, and then it is answered.
bool SimulatedHour::TalkEarly(Conversation* talk) {
  const SimUserAgent& caller = *talk->caller.agent;
  const std::string call_id = caller.call(talk->caller.call).call_id;
  if (!talk->early_body.empty()) {
    for (const SimMessage& response : caller.Got("PRACK", 200)) {
      if (response.call_id() == call_id && !response.body.empty()) talk->early_body.clear();
    }
    if (!talk->early_body.empty()) return false;  // It never came.
    ++changes_["offer by PRACK"];
  } else if (caller.call(talk->caller.call).invite.body.empty()) {
    ++changes_["answer by PRACK"];
  }
  Speak(talk);
  ++changes_["conversation before the answer"];
  if (trait_dice_.Chance(0.6) && StillTalks(*talk)) {
    Talker* from = trait_dice_.Chance(0.5) ? &talk->caller : &talk->callee;
    if (trait_dice_.Chance(0.5)) {
      if (!ChangeCodec(talk, from)) return false;
    } else {
      Move(from);
      if (Offer(talk, from) != Outcome::kAccepted) return false;
    }
    Speak(talk);
  }
  if (!StillTalks(*talk)) return false;
  talk->callee.agent->Do(
      talk->callee.call,
      {.status = 200, .body = trait_dice_.Chance(0.5) ? talk->callee.sdp.Text() : ""});
  simulation_.RunFor(4s);
  talk->is_early = false;
  return StillTalks(*talk);
}

// ---- offers -------------------------------------------------------------------------------------

// A re-INVITE or UPDATE with an offer, and what both ends were told if it was accepted.
SimulatedHour::Outcome SimulatedHour::Offer(Conversation* talk, Talker* from) {
  Talker* to = &talk->Other(from);
  for (Talker* each : {from, to}) {
    ++each->sdp.version;
    each->agent->call(each->call).plan.sdp = each->sdp.Text();
  }
  const SimCall& call = from->agent->call(from->call);
  const bool by_update = talk->is_early || trait_dice_.Chance(0.4);
  const size_t dialog = DialogOf(call);
  const std::string method = by_update ? "UPDATE" : "INVITE";
  from->agent->Do(from->call, {.method = method, .fork = dialog, .body = from->sdp.Text()});
  const Asked asked = {method, call.dialogs[dialog].local_sequence};
  simulation_.RunFor(4s);
  const auto response = FinalResponse(*from->agent, call.call_id, asked);
  if (!response.has_value() || !StillTalks(*talk)) return Outcome::kUnknown;
  if (response->status() >= 300) return Outcome::kRefused;
  if (by_update) ++changes_[talk->is_early ? "offer by early UPDATE" : "offer by UPDATE"];
  const std::string told_to = LastOffer(*to->agent, to->agent->call(to->call).call_id);
  const bool by_caller = from == &talk->caller;
  AgreeVideo(talk, by_caller ? response->body : told_to, by_caller ? told_to : response->body);
  if (from->sdp.fax != SpokenSdp::Fax::kNone) {
    from->fax_to = TargetOf(response->body, "m=image ");
    to->fax_to = TargetOf(told_to, "m=image ");
    if (from->fax_to.port == 0 || to->fax_to.port == 0) {
      Complain(talk->number + ": a fax without a place");
    }
  }
  return Outcome::kAccepted;
}

// True where it was accepted.
bool SimulatedHour::Reinvite(Conversation* talk, Talker* from, bool with_offer) {
  if (with_offer) return Offer(talk, from) == Outcome::kAccepted;
  for (Talker* each : {&talk->caller, &talk->callee}) {
    ++each->sdp.version;
    each->agent->call(each->call).plan.sdp = each->sdp.Text();
  }
  const SimCall& call = from->agent->call(from->call);
  const size_t dialog = DialogOf(call);
  from->agent->Do(from->call, {.method = "INVITE", .fork = dialog});
  const Asked asked = {"INVITE", call.dialogs[dialog].local_sequence};
  simulation_.RunFor(4s);
  const auto response = FinalResponse(*from->agent, call.call_id, asked);
  return response.has_value() && response->status() < 300;
}

}  // namespace tests

// What changes in the middle of a conversation, by re-INVITE.

#include <optional>
#include <string>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

// The CSeq of the last request in the dialog that is confirmed.
uint32_t LastSequence(const SimCall& call) {
  for (const SimDialog& dialog : call.dialogs) {
    if (dialog.state == SimDialog::State::kConfirmed) return dialog.local_sequence;
  }
  return 0;
}

// The final response to the INVITE of that number, or nothing.
std::optional<SimMessage> FinalResponse(const SimUserAgent& agent, const std::string& call_id,
                                        uint32_t sequence) {
  for (auto entry = agent.log().rbegin(); entry != agent.log().rend(); ++entry) {
    if (entry->sent || !entry->text.starts_with("SIP/2.0 ")) continue;
    if (entry->text.find(call_id) == std::string::npos) continue;
    SimMessage message;
    if (!SimMessage::Parse(entry->text, &message) || message.call_id() != call_id) continue;
    if (message.method() != "INVITE" || message.sequence() != sequence) continue;
    if (message.status() >= 200) return message;
  }
  return std::nullopt;
}

// The last offer that came in an INVITE.
std::string LastOffer(const SimUserAgent& agent, const std::string& call_id) {
  std::string offer;
  uint32_t last = 0;
  for (auto entry = agent.log().rbegin(); entry != agent.log().rend(); ++entry) {
    if (entry->sent || !entry->text.starts_with("INVITE ")) continue;
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
  if (trait_dice_.Chance(0.25)) return ChangeToFax(talk, from);
  if (talk->caller.video != nullptr && trait_dice_.Chance(0.5)) return ChangeVideo(talk, from);
  const auto move = [](Talker* talker) {
    talker->sdp.port += 4;
    talker->media->Move(talker->sdp.port);
  };
  switch (trait_dice_.Below(4)) {
    case 0:
      from->sdp.direction = "sendonly";
      to->sdp.direction = "recvonly";
      if (!Reinvite(talk, from, true)) return false;
      ++changes_["conversation held"];
      to->speaks = false;
      Speak(talk);
      to->speaks = true;
      if (!StillTalks(*talk)) return false;
      from->sdp.direction = to->sdp.direction = "sendrecv";
      return Reinvite(talk, from, true);
    case 1:
      move(from);
      if (!Reinvite(talk, from, true)) return false;
      ++changes_["conversation moved"];
      return true;
    case 2:
      move(from);
      move(to);
      if (!Reinvite(talk, from, true)) return false;
      ++changes_["conversation moved, both ends"];
      return true;
    default:
      if (!Reinvite(talk, from, false)) return false;
      ++changes_["conversation offered anew by who was asked"];
      return true;
  }
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
    each->fax = std::make_unique<MediaPeer>(each->sdp.address + ":" + std::to_string(own_port),
                                            &network_, &simulation_);
  }
  auto& answers = to->agent->call(to->call).plan.answers;
  const bool is_wanted = trait_dice_.Chance(0.75);
  if (!is_wanted) answers["INVITE"] = 488;
  const Outcome outcome = Offer(talk, from);
  answers.erase("INVITE");
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

// A re-INVITE with an offer, and what both ends were told if it was accepted.
SimulatedHour::Outcome SimulatedHour::Offer(Conversation* talk, Talker* from) {
  Talker* to = &talk->Other(from);
  for (Talker* each : {from, to}) {
    ++each->sdp.version;
    each->agent->call(each->call).plan.sdp = each->sdp.Text();
  }
  const SimCall& call = from->agent->call(from->call);
  from->agent->Do(from->call,
                  {.method = "INVITE", .fork = SimStep::kConfirmed, .body = from->sdp.Text()});
  const uint32_t sequence = LastSequence(call);
  simulation_.RunFor(4s);
  const auto response = FinalResponse(*from->agent, call.call_id, sequence);
  if (!response.has_value() || !StillTalks(*talk)) return Outcome::kUnknown;
  if (response->status() >= 300) return Outcome::kRefused;
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
  from->agent->Do(from->call, {.method = "INVITE", .fork = SimStep::kConfirmed});
  const uint32_t sequence = LastSequence(call);
  simulation_.RunFor(4s);
  const auto response = FinalResponse(*from->agent, call.call_id, sequence);
  return response.has_value() && response->status() < 300;
}

}  // namespace tests

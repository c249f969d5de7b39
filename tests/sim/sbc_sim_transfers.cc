// Who passes calls on (RFC 3515), and who takes them over (RFC 3891), in worlds where both pass.

#include <cstdio>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

std::string Number(bool to_trunk, size_t index) {
  char digits[8];
  (void)std::snprintf(digits, sizeof(digits), "%04zu", index);
  return std::string(to_trunk ? "+1815555" : "+1618555") + digits;
}

std::string ReplacesOf(const SimCall& call, const SimDialog& dialog) {
  return call.call_id + ";to-tag=" + dialog.remote_tag + ";from-tag=" + dialog.local_tag;
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == ';' ? "%3B" : c == '=' ? "%3D" : c == '@' ? "%40" : std::string(1, c);
  }
  return escaped;
}

}  // namespace

std::vector<SimulatedHour::Talk> SimulatedHour::TalksOf(const SimUserAgent& agent) const {
  std::vector<Talk> talks;
  for (size_t c = 0; c < agent.calls(); ++c) {
    for (size_t d = 0; d < agent.call(c).dialogs.size(); ++d) {
      if (agent.call(c).dialogs[d].state == SimDialog::State::kConfirmed) talks.push_back({c, d});
    }
  }
  return talks;
}

// Blind, to a number that nobody has been called at yet; or attended, to the other end of a second
// call of the same agent.
void SimulatedHour::Transfer() {
  SimUserAgent* agent = agents_[trait_dice_.Below(4)];
  const std::vector<Talk> talks = TalksOf(*agent);
  if (talks.empty()) return;
  const Talk talk = talks[trait_dice_.Below(talks.size())];
  const Talk second = talks[trait_dice_.Below(talks.size())];
  const bool to_trunk = agent != &trunk_;
  std::string uri = "sip:" + Number(to_trunk, placed_++) + (to_trunk ? "@127.0.0.2" : "@10.0.0.9");
  if (second.call != talk.call && trait_dice_.Chance(0.7)) {
    const SimCall& call = agent->call(second.call);
    uri += "?Replaces=" + Escaped(ReplacesOf(call, call.dialogs[second.dialog]));
  }
  agent->Do(talk.call,
            {.method = "REFER", .fork = talk.dialog, .fields = "Refer-To: <" + uri + ">\r\n"});
}

// A PBX takes a call of a PBX; some give up before they have it.
void SimulatedHour::TakeOver() {
  SimUserAgent* has_it = agents_[trait_dice_.Below(3)];
  const std::vector<Talk> talks = TalksOf(*has_it);
  if (talks.empty()) return;
  const Talk talk = talks[trait_dice_.Below(talks.size())];
  SimPlan plan = CallerPlan(&trait_dice_, true, placed_++);
  plan.fields = "Replaces: " +
                ReplacesOf(has_it->call(talk.call), has_it->call(talk.call).dialogs[talk.dialog]) +
                "\r\n";
  Place(agents_[trait_dice_.Below(3)], plan);
}

// Who is asked to talk to somebody else gives the old dialog up (RFC 3891 §3), if it has not ended
// meanwhile. A caller who never heard the 2xx has no dialog, but knows its own identifiers.
void SimulatedHour::GiveUpReplaced(SimUserAgent* agent, const SimMessage& invite) {
  const std::string replaces = invite.Get("Replaces");
  bool known = false;
  for (size_t c = 0; c < agent->calls(); ++c) {
    const SimCall& call = agent->call(c);
    known |= replaces.starts_with(call.call_id + ";to-tag=" + call.local_tag + ";");
    for (size_t d = 0; d < call.dialogs.size(); ++d) {
      const SimDialog& dialog = call.dialogs[d];
      if (replaces ==
          call.call_id + ";to-tag=" + dialog.local_tag + ";from-tag=" + dialog.remote_tag) {
        return agent->Do(c, {.method = "BYE", .fork = d});
      }
    }
  }
  if (!known) Complain(agent->name() + " never had what it is to give up: " + replaces);
}

// Who is referred says how it goes, and calls where that is through the SBC.
void SimulatedHour::OnRefer(SimUserAgent* agent, size_t call, const SimMessage& refer) {
  const std::string uri = UriOf(refer.Get("Refer-To"));
  agent->Do(call, {.method = "NOTIFY",
                   .fork = SimStep::kConfirmed,
                   .body = "SIP/2.0 100 Trying\r\n",
                   .fields = "Event: refer\r\nSubscription-State: active;expires=60\r\n"
                             "Content-Type: message/sipfrag\r\n"});
  const size_t at = uri.find('@');
  const bool through_us = agent != &trunk_ && uri.find("Replaces") == std::string::npos;
  if (!through_us || at == std::string::npos || uri.compare(0, 4, "sip:") != 0) return;
  SimPlan plan = CallerPlan(&trait_dice_, true, 0);
  plan.number = uri.substr(4, at - 4);
  Place(agent, plan);
}

}  // namespace tests

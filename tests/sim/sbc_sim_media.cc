// Some calls of an hour talk, both ways, while all else goes on; what they agreed on changes in the
// middle: one end holds the other, moves, or asks for an offer. What their callers and callees
// send is lost, repeated and overtaken on its way to the SBC; from there on it is not, so that what
// a peer heard is what the SBC had, and its own records can be held against it.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

constexpr char kCustomerMedia[] = "127.0.0.24";
constexpr char kTrunkMedia[] = "127.0.0.29";
constexpr uint16_t kPortsEach = 32;  // Of a conversation's ends: they move up to seven times.

// Where a description says that its sender is to be sent to.
bool ReadTarget(const std::string& sdp, core::Endpoint* target) {
  const auto after = [&sdp](const char* start) {
    const size_t at = sdp.find(start);
    if (at == std::string::npos) return std::string();
    const size_t begin = at + std::char_traits<char>::length(start);
    return sdp.substr(begin, sdp.find_first_of(" \r", begin) - begin);
  };
  return core::Endpoint::Parse(after("c=IN IP4 ") + ":" + after("m=audio "), target);
}

core::IpAddress Ip(const char* text) {
  core::IpAddress address;
  CHECK(core::IpAddress::Parse(text, &address));
  return address;
}

// The call of that number that this agent is in, or none.
std::optional<size_t> FindTalking(SimUserAgent* agent, const std::string& number, bool caller) {
  for (size_t c = agent->calls(); c-- > 0;) {
    SimCall& call = agent->call(c);
    const std::string& called = caller ? call.remote : call.local;
    if (call.caller != caller || called.find(number) == std::string::npos) continue;
    for (const SimDialog& dialog : call.dialogs) {
      if (dialog.state == SimDialog::State::kConfirmed) return c;
    }
  }
  return std::nullopt;
}

// The last description that came in a call, in whatever message.
std::string LastSdp(const SimUserAgent& agent, const std::string& call_id) {
  for (auto entry = agent.log().rbegin(); entry != agent.log().rend(); ++entry) {
    SimMessage message;
    if (entry->sent || !SimMessage::Parse(entry->text, &message)) continue;
    if (message.call_id() == call_id && message.body.starts_with("v=0")) return message.body;
  }
  return "";
}

// The highest CSeq of the INVITEs in a call that were answered with 200.
uint32_t LastAccepted(const SimUserAgent& agent, const std::string& call_id) {
  uint32_t last = 0;
  for (const SimMessage& response : agent.Got("INVITE", 200)) {
    if (response.call_id() == call_id) last = std::max(last, response.sequence());
  }
  return last;
}

}  // namespace

// One port for many calls would be many calls' conflict at the trunk's shared ports.
void SimulatedHour::GiveOwnSdp(SimPlan* plan) {
  if (!traits_.media) return;
  const SpokenSdp said{.address = "192.0.2.77",
                       .port = static_cast<uint16_t>(20000 + 2 * own_sdps_++)};
  const std::string own = said.Text();
  const auto give = [&own](std::string* body) {
    if (*body == kSdp) *body = own;
  };
  give(&plan->body);
  give(&plan->sdp);
  for (SimStep& step : plan->script) give(&step.body);
  for (SimStep& step : plan->confirmed) give(&step.body);
}

void SimulatedHour::SetMediaWeather() {
  const SimLink clean = {.delay = 10ms};
  network_.SetLink(Ip("127.0.0.2"), Ip(kCustomerMedia), clean);
  network_.SetLink(Ip("127.0.0.3"), Ip(kTrunkMedia), clean);
}

void SimulatedHour::Converse() {
  const bool to_trunk = trait_dice_.Chance(0.5);
  SimUserAgent* caller = to_trunk ? agents_[trait_dice_.Below(2)] : &trunk_;
  const SimPlan drawn = CallerPlan(&trait_dice_, to_trunk, placed_++);
  const auto port = static_cast<uint16_t>(4000 + kPortsEach * conversations_.size());
  const bool delayed = trait_dice_.Chance(0.2);  // The callee offers, in its 2xx.
  Conversation& talk = conversations_.emplace_back();
  talk.number = drawn.number;
  const char* near = to_trunk ? kCustomerMedia : kTrunkMedia;
  const char* far = to_trunk ? kTrunkMedia : kCustomerMedia;
  const auto open = [&](const char* address) {
    return std::make_unique<MediaPeer>(std::string(address) + ":" + std::to_string(port), &network_,
                                       &simulation_);
  };
  talk.caller.media = open(near);
  talk.callee.media = open(far);
  if (delayed) {
    talk.callee.sdp = SpokenSdp::Draw(&trait_dice_, far, port);
    talk.caller.sdp = SpokenSdp::DrawAnswer(&trait_dice_, near, port, talk.callee.sdp);
    ++changes_["conversation with a delayed offer"];
  } else {
    talk.caller.sdp = SpokenSdp::Draw(&trait_dice_, near, port);
    talk.callee.sdp = SpokenSdp::DrawAnswer(&trait_dice_, far, port, talk.caller.sdp);
  }
  SimPlan plan;
  plan.number = drawn.number;
  plan.caller = drawn.caller;
  plan.sdp = talk.caller.sdp.Text();
  plan.body = delayed ? "" : plan.sdp;
  // Where the conversation does not come about, the call ends by itself.
  plan.confirmed = {{.after = 120s, .method = "BYE"}};
  plan.script = {{.after = 3600s, .method = "BYE", .fork = SimStep::kConfirmed}};
  talk.caller.agent = caller;
  talk.caller.call = caller->Place(plan);
  simulation_.RunFor(3s);

  if (!FindTalkers(&talk)) return;
  talk.caller.sdp.formats = talk.callee.sdp.formats =
      delayed ? talk.caller.sdp.formats : talk.callee.sdp.formats;
  Speak(&talk);
  for (size_t changes = trait_dice_.Below(4); changes > 0 && StillTalks(talk); --changes) {
    if (!Change(&talk)) break;
    Speak(&talk);
  }
  if (!StillTalks(talk)) return;  // Somebody hung up in the middle.
  talk.call_id = caller->call(talk.caller.call).call_id;
  caller->Do(talk.caller.call, {.method = "BYE", .fork = SimStep::kConfirmed});
}

// Who answered, and where each end was told to send to. False where no conversation came about.
bool SimulatedHour::FindTalkers(Conversation* talk) {
  if (!FindTalking(talk->caller.agent, talk->number, true).has_value()) return false;
  for (SimUserAgent* agent : agents_) {
    if (const auto call = FindTalking(agent, talk->number, false)) {
      talk->callee.agent = agent;
      talk->callee.call = *call;
    }
  }
  if (talk->callee.agent == nullptr) return false;
  for (Talker* each : {&talk->caller, &talk->callee}) {
    const std::string call_id = each->agent->call(each->call).call_id;
    const std::string told = LastSdp(*each->agent, call_id);
    if (told.empty()) return false;  // The ACK that has it is still under way.
    if (ReadTarget(told, &each->to)) continue;
    Complain(call_id + " was answered without an address for its media");
    return false;
  }
  return true;
}

bool SimulatedHour::StillTalks(const Conversation& talk) const {
  return !stopped_ && FindTalking(talk.caller.agent, talk.number, true).has_value() &&
         FindTalking(talk.callee.agent, talk.number, false).has_value();
}

void SimulatedHour::Speak(Conversation* talk) {
  for (Talker* each : {&talk->caller, &talk->callee}) {
    if (each->speaks) each->media->Talk(each->to);
  }
  simulation_.RunFor(1s + trait_dice_.Within(3s));
  talk->caller.media->Hush();
  talk->callee.media->Hush();
  simulation_.RunFor(3s);  // Until all of it has come.
}

// What they agreed on changes. Nobody speaks while it does, so that all was said under one
// agreement. False where it did not come about: then no more is said.
bool SimulatedHour::Change(Conversation* talk) {
  const bool by_caller = trait_dice_.Chance(0.5);
  Talker* from = by_caller ? &talk->caller : &talk->callee;
  Talker* to = by_caller ? &talk->callee : &talk->caller;
  const auto move = [](Talker* talker) {
    talker->sdp.port += 4;
    talker->media->Move(talker->sdp.port);
  };
  switch (trait_dice_.Below(4)) {
    case 0:
      from->sdp.direction = "sendonly";
      to->sdp.direction = "recvonly";
      if (!Reinvite(from, to, true)) return false;
      ++changes_["conversation held"];
      to->speaks = false;
      Speak(talk);
      to->speaks = true;
      if (!StillTalks(*talk)) return false;
      from->sdp.direction = to->sdp.direction = "sendrecv";
      return Reinvite(from, to, true);
    case 1:
      move(from);
      if (!Reinvite(from, to, true)) return false;
      ++changes_["conversation moved"];
      return true;
    case 2:
      move(from);
      move(to);
      if (!Reinvite(from, to, true)) return false;
      ++changes_["conversation moved, both ends"];
      return true;
    default:
      if (!Reinvite(from, to, false)) return false;
      ++changes_["conversation offered anew by who was asked"];
      return true;
  }
}

// True where it was accepted.
bool SimulatedHour::Reinvite(Talker* from, Talker* to, bool with_offer) {
  for (Talker* each : {from, to}) {
    ++each->sdp.version;
    each->agent->call(each->call).plan.sdp = each->sdp.Text();
  }
  const std::string call_id = from->agent->call(from->call).call_id;
  const uint32_t before = LastAccepted(*from->agent, call_id);
  from->agent->Do(from->call, {.method = "INVITE",
                               .fork = SimStep::kConfirmed,
                               .body = with_offer ? from->sdp.Text() : ""});
  simulation_.RunFor(4s);
  return LastAccepted(*from->agent, call_id) > before;
}

// The plan of who is called to talk; false for any other call.
bool SimulatedHour::JoinConversation(const SimMessage& invite, SimPlan* plan) const {
  if (conversations_.empty()) return false;
  const Conversation& talk = conversations_.back();
  if (invite.Get("To").find(talk.number) == std::string::npos) return false;
  *plan = SimPlan();
  plan->sdp = talk.callee.sdp.Text();
  plan->script = {{.after = 20ms, .status = 180},
                  {.after = 100ms, .status = 200, .body = plan->sdp}};
  plan->confirmed = {{.after = 1800s, .method = "BYE", .fields = kFallback}};
  return true;
}

void SimulatedHour::CheckMedia() {
  for (const Conversation& talk : conversations_) {
    if (talk.call_id.empty()) continue;
    const sbc::CallReport* report = nullptr;
    for (const sbc::CallReport& each : world_->media()) {
      if (each.call.caller_call_id.view() == talk.call_id) report = &each;
    }
    if (report == nullptr) {
      Complain(talk.call_id + " talked, and there is no record of its media");
      continue;
    }
    ++compared_;
    CheckLeg(talk.call_id + ", caller", *talk.caller.media, *talk.callee.media,
             report->media.leg(sbc::LegId::kCaller), report->media.leg(sbc::LegId::kCallee));
    CheckLeg(talk.call_id + ", callee", *talk.callee.media, *talk.caller.media,
             report->media.leg(sbc::LegId::kCallee), report->media.leg(sbc::LegId::kCaller));
  }
}

// What `from` said and `to` heard, beside what the SBC says that it took of the one's leg and gave
// to the other's.
void SimulatedHour::CheckLeg(const std::string& who, const MediaPeer& from, const MediaPeer& to,
                             const sbc::MediaLegSummary& took, const sbc::MediaLegSummary& gave) {
  const auto expect = [&](const char* what, uint64_t told, uint64_t truth) {
    if (told == truth) return;
    Complain(who + ": " + what + " " + std::to_string(told) + ", in truth " +
             std::to_string(truth));
  };
  const uint64_t heard = to.got_numbers.size();
  expect("received", took.whole.received.packets, to.got.size());
  expect("sent", gave.whole.sent.packets, to.got.size());
  expect("each once", took.whole.stream.packets, heard);
  // A repeat of the first packet, which is on probation, is refused (RFC 3550 A.1).
  expect("repeated", took.whole.stream.duplicates + took.whole.stream.refused,
         to.got.size() - heard);
  // What was lost before the first or after the last that came, nobody can know.
  const uint64_t lost = from.sent() - heard;
  const int32_t told_lost = took.whole.stream.lost();
  if (told_lost < 0 || static_cast<uint64_t>(told_lost) > lost) {
    Complain(who + ": lost " + std::to_string(told_lost) + " of " + std::to_string(lost));
  }
  media_lost_ += static_cast<uint64_t>(std::max(told_lost, 0));
}

}  // namespace tests

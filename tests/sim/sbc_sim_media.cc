// Some calls of an hour talk, both ways, while all else goes on. What their callers and callees
// send is lost, repeated and overtaken on its way to the SBC; from there on it is not, so that what
// a peer heard is what the SBC had, and its own records can be held against it.

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

constexpr char kCustomerMedia[] = "127.0.0.24";
constexpr char kTrunkMedia[] = "127.0.0.29";

std::string SdpAt(const std::string& address, size_t port) {
  return "v=0\r\no=- 1 1 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
         "\r\nt=0 0\r\nm=audio " + std::to_string(port) + " RTP/AVP 0\r\n";
}

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
SimCall* FindTalking(SimUserAgent* agent, const std::string& number, bool caller) {
  for (size_t c = agent->calls(); c-- > 0;) {
    SimCall& call = agent->call(c);
    const std::string& called = caller ? call.remote : call.local;
    if (call.caller != caller || called.find(number) == std::string::npos) continue;
    for (const SimDialog& dialog : call.dialogs) {
      if (dialog.state == SimDialog::State::kConfirmed) return &call;
    }
  }
  return nullptr;
}

}  // namespace

// One port for many calls would be many calls' conflict at the trunk's shared ports.
void SimulatedHour::GiveOwnSdp(SimPlan* plan) {
  if (!traits_.media) return;
  const std::string own = SdpAt("192.0.2.77", 20000 + 2 * own_sdps_++);
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
  const size_t port = 4000 + 4 * conversations_.size();
  const std::string customer = std::string(kCustomerMedia) + ":" + std::to_string(port);
  const std::string trunk = std::string(kTrunkMedia) + ":" + std::to_string(port);
  Conversation& talk = conversations_.emplace_back();
  talk.number = drawn.number;
  talk.caller = std::make_unique<MediaPeer>(to_trunk ? customer : trunk, &network_, &simulation_);
  talk.callee = std::make_unique<MediaPeer>(to_trunk ? trunk : customer, &network_, &simulation_);
  talk.callee_sdp = SdpAt(to_trunk ? kTrunkMedia : kCustomerMedia, port);
  SimPlan plan;
  plan.number = drawn.number;
  plan.caller = drawn.caller;
  plan.body = plan.sdp = SdpAt(to_trunk ? kCustomerMedia : kTrunkMedia, port);
  // Where the conversation does not come about, the call ends by itself.
  plan.confirmed = {{.after = 60s, .method = "BYE"}};
  plan.script = {{.after = 3600s, .method = "BYE", .fork = SimStep::kConfirmed}};
  const size_t index = caller->Place(plan);
  simulation_.RunFor(3s);

  SimUserAgent* callee = nullptr;
  SimCall* answered = nullptr;
  for (SimUserAgent* agent : agents_) {
    if (SimCall* found = FindTalking(agent, talk.number, false)) {
      callee = agent;
      answered = found;
    }
  }
  if (FindTalking(caller, talk.number, true) == nullptr || callee == nullptr) return;
  const std::string call_id = caller->call(index).call_id;
  std::string answer;
  for (const SimMessage& response : caller->Got("INVITE", 200)) {
    if (response.call_id() == call_id) answer = response.body;
  }
  core::Endpoint to_caller;
  core::Endpoint to_callee;
  if (!ReadTarget(answer, &to_caller) || !ReadTarget(answered->invite.body, &to_callee)) {
    return Complain(call_id + " was answered without an address for its media");
  }
  talk.caller->Talk(to_caller);
  talk.callee->Talk(to_callee);
  simulation_.RunFor(1s + trait_dice_.Within(3s));
  talk.caller->Hush();
  talk.callee->Hush();
  simulation_.RunFor(3s);  // Until all of it has come.
  if (FindTalking(caller, talk.number, true) == nullptr ||
      FindTalking(callee, talk.number, false) == nullptr || stopped_) {
    return;  // Somebody hung up in the middle.
  }
  talk.call_id = call_id;
  caller->Do(index, {.method = "BYE", .fork = SimStep::kConfirmed});
}

// The plan of who is called to talk; false for any other call.
bool SimulatedHour::JoinConversation(const SimMessage& invite, SimPlan* plan) const {
  if (conversations_.empty()) return false;
  const Conversation& talk = conversations_.back();
  if (invite.Get("To").find(talk.number) == std::string::npos) return false;
  *plan = SimPlan();
  plan->sdp = talk.callee_sdp;
  plan->script = {{.after = 20ms, .status = 180},
                  {.after = 100ms, .status = 200, .body = talk.callee_sdp}};
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
    CheckLeg(talk.call_id + ", caller", *talk.caller, *talk.callee,
             report->media.leg(sbc::LegId::kCaller), report->media.leg(sbc::LegId::kCallee));
    CheckLeg(talk.call_id + ", callee", *talk.callee, *talk.caller,
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

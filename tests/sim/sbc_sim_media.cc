// Some calls of an hour talk, both ways, while all else goes on; what they agreed on changes in the
// middle: one end holds the other, moves, or asks for an offer, a picture begins or ends, the voice
// becomes a fax and one again. What their callers and callees send is lost, repeated and overtaken
// on its way to the SBC, and what came of it is noted there; from there on it is not, so that what
// a peer heard is what the SBC sent, and its own records can be held against both.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;
using core::Endpoint;

namespace {

constexpr char kCustomerMedia[] = "127.0.0.24";
constexpr char kCustomerMedia6[] = "fd00::24";
constexpr char kPhone[] = "127.0.0.8";  // Its media has the address of its signalling.
constexpr char kBehindNat[] = "192.168.7.9";
constexpr char kTrunkMedia[] = "127.0.0.29";
// From the SBC to who has them, and nothing is lost there.
constexpr core::Duration kWayBack = 10ms;

core::IpAddress Ip(const char* text) {
  core::IpAddress address;
  CHECK(core::IpAddress::Parse(text, &address));
  return address;
}

/// Which call is meant: of that number, as seen from one end.
struct Wanted {
  const std::string& number;
  bool by_caller = false;
  SimDialog::State state = SimDialog::State::kConfirmed;
};

// The call that this agent is in, or none.
std::optional<size_t> FindTalking(SimUserAgent* agent, const Wanted& wanted) {
  for (size_t c = agent->calls(); c-- > 0;) {
    SimCall& call = agent->call(c);
    const std::string& called = wanted.by_caller ? call.remote : call.local;
    if (call.caller != wanted.by_caller || called.find(wanted.number) == std::string::npos) {
      continue;
    }
    for (const SimDialog& dialog : call.dialogs) {
      if (dialog.state == wanted.state) return c;
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

}  // namespace

// One port for many calls would be many calls' conflict at the trunk's shared ports.
// Some offer video beside their voice, and who is asked wants it; some would rather have a fax
// later and get no answer that could be.
void SimulatedHour::GiveOwnSdp(const SimUserAgent& agent, SimPlan* plan, bool with_video) {
  if (!traits_.media) return;
  SpokenSdp said{.address = agent.local().ip.is_v4() ? kNobodysMedia : kNobodysMedia6,
                 .port = static_cast<uint16_t>(20000 + 2 * own_sdps_++)};
  if (with_video) {
    said.video_number = 99;
    said.video_port = static_cast<uint16_t>(said.port + 20000);
  }
  const std::string own = said.Text();
  for (SimStep& step : plan->confirmed) {
    if (step.method != "INVITE" || step.body != kSdp || !trait_dice_.Chance(0.9)) continue;
    SpokenSdp fax = said;
    fax.fax = SpokenSdp::Fax::kInPlace;
    fax.fax_port = said.port;
    step.body = fax.Text();
  }
  const auto give = [&own](std::string* body) {
    if (*body == kSdp) *body = own;
  };
  give(&plan->body);
  give(&plan->sdp);
  for (SimStep& step : plan->script) give(&step.body);
  for (SimStep& step : plan->confirmed) give(&step.body);
}

void SimulatedHour::SetMediaWeather() {
  const SimLink clean = {.delay = kWayBack};
  network_.SetLink(Ip("127.0.0.2"), Ip(kCustomerMedia), clean);
  network_.SetLink(Ip("127.0.0.2"), Ip(kPhone), clean);
  network_.SetLink(Ip("fd00::2"), Ip(kCustomerMedia6), clean);
  network_.SetLink(Ip("127.0.0.3"), Ip(kTrunkMedia), clean);
  network_.set_on_delivered([this](const Endpoint& from, const Endpoint& to,
                                   std::string_view bytes) { OnDelivered(from, to, bytes); });
  stranger_ = std::make_unique<MediaPeer>("127.0.0.66:7000", &network_, &simulation_);
}

// What came to the SBC's port for an end's voice or fax, and not from there.
void SimulatedHour::NoteWrongSource(Conversation* talk, const Endpoint& from, const Endpoint& to) {
  using Fax = SpokenSdp::Fax;
  for (Talker* each : {&talk->caller, &talk->callee}) {
    const bool is_voices = to == each->to;
    if (to.port == 0 || (!is_voices && to != each->fax_to)) continue;
    const Fax here = is_voices ? Fax::kInPlace : Fax::kOwnLine;
    uint16_t port = is_voices && each->sdp.fax == Fax::kNone ? each->port : uint16_t{0};
    if (each->sdp.fax == here) port = each->sdp.fax_port;
    const bool is_right = from.ip == Ip(each->address.c_str());
    if (is_right && from.port == port) continue;
    ++(is_voices ? each->wrong_sources : each->wrong_fax_sources);
  }
}

// What came to the SBC, where its sender had the right to send that.
void SimulatedHour::OnDelivered(const Endpoint& from, const Endpoint& to, std::string_view bytes) {
  if (!conversations_.empty()) NoteWrongSource(&conversations_.back(), from, to);
  const bool is_trunk = from.ip == Ip(kTrunkMedia);
  const bool is_ours = is_trunk || from.ip == Ip(kCustomerMedia) ||
                       from.ip == Ip(kCustomerMedia6) || from.ip == Ip(kPhone);
  if (!is_ours || from.port < kFirstPort) return;
  const size_t index = static_cast<size_t>(from.port - kFirstPort) / kPortsEach;
  CHECK(index < conversations_.size());
  Conversation& talk = conversations_[index];
  Talker& talker = talk.caller.is_trunk == is_trunk ? talk.caller : talk.callee;
  const int place = (from.port - kFirstPort) % kPortsEach;
  const bool is_rtcp = place % 2 != 0 || (talker.sdp.video_muxed && LooksLikeRtcp(bytes));
  const core::Instant now = simulation_.now();
  if (place >= kVideoPorts && place < kFaxPorts) {
    if (!talk.picture_flows) return;
    if (is_rtcp) {
      talker.requests.push_back({now, std::string(bytes)});
    } else {
      talker.pictures.emplace_back(bytes.substr(2));
    }
  } else if (talk.is_fax) {
    if (from.port == talker.sdp.fax_port) talker.pages.emplace_back(bytes);
  } else if (place < kVideoPorts && place % 2 == 0) {
    const BroughtRtp packet = BroughtRtp::Read(now, bytes);
    if (packet.is_of_no_use()) {
      ++talker.wrong_types;
    } else {
      // Another stream is the voice from its second packet in a row on.
      const bool is_second = !talker.voice.empty() && talker.voice.back().ssrc == packet.ssrc &&
                             talker.voice.back().number != packet.number;
      if (talker.ssrc == 0 || is_second) talker.ssrc = packet.ssrc;
      talker.voice.push_back(packet);
    }
  } else if (place < kVideoPorts) {
    ++talker.voice_rtcp;
    // Of a stream that is over by now it tells nothing.
    if (AnsweredSsrc(bytes) != talk.Other(&talker).ssrc) return;
    for (const MediaPeer::SentRtcp& sent : talker.media->sent_rtcp) {
      if (sent.bytes == bytes) talker.round_trips.push_back(now - sent.at + kWayBack);
    }
  }
}

// ---- how they come about ------------------------------------------------------------------------

Conversation& SimulatedHour::BeginConversation(bool to_trunk, bool has_video) {
  const auto port = static_cast<uint16_t>(kFirstPort + kPortsEach * conversations_.size());
  Conversation& talk = conversations_.emplace_back();
  talk.first_port = port;
  talk.relays_video = in_force_.video;
  talk.bridges_digits = in_force_.digits;
  talk.caller.is_trunk = !to_trunk;
  talk.callee.is_trunk = to_trunk;
  for (Talker* each : {&talk.caller, &talk.callee}) {
    Seat(talk, each, each->is_trunk ? kTrunkMedia : kCustomerMedia, has_video);
  }
  return talk;
}

// Gives an end its ports at that address, in place of those that it had.
void SimulatedHour::Seat(const Conversation& talk, Talker* talker, const std::string& address,
                         bool has_video) {
  const auto open = [&](std::unique_ptr<MediaPeer>* peer, int behind) {
    if (*peer != nullptr) simulation_.Remove(peer->get());
    *peer = std::make_unique<MediaPeer>(HostPort(address, talk.first_port + behind), &network_,
                                        &simulation_);
  };
  talker->address = talker->sdp.address = address;
  talker->port = talker->sdp.port = talk.first_port;
  open(&talker->media, 0);
  if (has_video) open(&talker->video, kVideoPorts);
}

// Each end's first words. Who answers has the lines that it is asked for, in their places.
void SimulatedHour::AgreeFormats(Conversation* talk, bool delayed) {
  Talker& asks = delayed ? talk->callee : talk->caller;
  Talker& answers = talk->Other(&asks);
  asks.sdp = SpokenSdp::Draw(&trait_dice_, asks.sdp.address, asks.sdp.port);
  answers.sdp =
      SpokenSdp::DrawAnswer(&trait_dice_, answers.sdp.address, answers.sdp.port, asks.sdp);
  talk->is_clocked = trait_dice_.Chance(0.8);
  talk->is_timed = !asks.sdp.Has(kOpus);
  if (asks.video != nullptr) {
    asks.sdp.video_number = 99;
    asks.sdp.video_first = answers.sdp.video_first = trait_dice_.Chance(0.3);
    asks.sdp.video_muxed = answers.sdp.video_muxed = trait_dice_.Chance(0.4);
    answers.sdp.video_number = trait_dice_.Chance(0.5) ? 99 : 97;
    const auto port = static_cast<uint16_t>(asks.sdp.port + kVideoPorts);
    asks.sdp.video_port = port;
    answers.sdp.video_port = trait_dice_.Chance(0.85) ? port : uint16_t{0};
  }
  if (!talk->bridges_digits) return;
  // The trunk is asked for telephone-event whoever has it, and no customer is.
  Talker& customer = talk->caller.is_trunk ? talk->callee : talk->caller;
  Talker& trunk = talk->Other(&customer);
  if (&customer == &answers) std::erase(customer.sdp.formats, kEvents);
  std::erase(trunk.sdp.formats, kEvents);
  if (trait_dice_.Chance(0.85)) trunk.sdp.formats.push_back(kEvents);
}

void SimulatedHour::Converse() {
  const bool to_trunk = trait_dice_.Chance(0.5);
  SimUserAgent* caller = to_trunk ? agents_[trait_dice_.Below(2)] : &trunk_;
  if (to_trunk && traits_.ipv6 && trait_dice_.Chance(0.5)) caller = &three_;
  if (to_trunk && traits_.nat && trait_dice_.Chance(0.5)) caller = &phone_;
  // Of the phone only voice is asked for: a picture or page of the trunk's would wait for its own.
  Conversation& talk = BeginConversation(to_trunk, caller != &phone_ && trait_dice_.Chance(0.5));
  talk.caller.agent = caller;
  if (!caller->local().ip.is_v4()) {
    Seat(talk, &talk.caller, kCustomerMedia6, talk.caller.video != nullptr);
  }
  if (caller == &phone_) {
    Seat(talk, &talk.caller, kPhone, false);
    talk.caller.is_behind_nat = true;
    talk.caller.sdp.address = kBehindNat;
    talk.caller.sdp.port = static_cast<uint16_t>(talk.first_port + kInnerPorts);
  }
  TalkThrough(&talk);
  // Whatever became of it, nobody speaks any more.
  for (Talker* each : {&talk.caller, &talk.callee}) {
    for (MediaPeer* peer : {each->media.get(), each->video.get(), each->fax.get()}) {
      if (peer != nullptr) simulation_.Remove(peer);
    }
  }
}

void SimulatedHour::TalkThrough(Conversation* talk) {
  const bool to_trunk = talk->callee.is_trunk;
  SimUserAgent* caller = talk->caller.agent;
  const SimPlan drawn = CallerPlan(&trait_dice_, to_trunk, placed_++);
  const bool delayed = trait_dice_.Chance(0.2);  // The callee offers, in its 2xx.
  if (delayed) ++changes_["conversation with a delayed offer"];
  talk->number = drawn.number;
  AgreeFormats(talk, delayed);
  SimPlan plan;
  plan.number = drawn.number;
  plan.caller = drawn.caller;
  plan.sdp = talk->caller.sdp.Text();
  plan.body = delayed ? "" : plan.sdp;
  // Where the conversation does not come about, the call ends by itself.
  plan.confirmed = {{.after = 240s, .method = "BYE"}};
  plan.script = {{.after = 3600s, .method = "BYE", .fork = SimStep::kConfirmed}};
  talk->is_early = trait_dice_.Chance(0.25);
  if (talk->is_early) PlanEarly(talk, delayed, &plan);
  talk->caller.call = caller->Place(plan);
  simulation_.RunFor(talk->is_early ? 4s : 3s);

  if (!FindTalkers(talk)) return;
  SettleFormats(talk, delayed ? talk->caller : talk->callee);
  if (talk->is_early && !TalkEarly(talk)) return;
  Speak(talk);
  for (size_t changes = trait_dice_.Below(4); changes > 0 && StillTalks(*talk); --changes) {
    if (!Change(talk)) break;
    Speak(talk);
  }
  if (!StillTalks(*talk)) return;                              // Somebody hung up in the middle.
  if (talk->bridges_digits && calm_) simulation_.RunFor(10s);  // Until the last key is told.
  talk->call_id = caller->call(talk->caller.call).call_id;
  caller->Do(talk->caller.call, {.method = "BYE", .fork = SimStep::kConfirmed});
}

// What was answered is what both ends speak.
void SimulatedHour::SettleFormats(Conversation* talk, const Talker& answered) {
  talk->codec = answered.sdp.Codec();
  const std::vector<uint8_t> agreed = answered.sdp.formats;
  const bool has_events = (talk->caller.is_trunk ? talk->caller : talk->callee).sdp.Has(kEvents);
  for (Talker* each : {&talk->caller, &talk->callee}) {
    each->sdp.formats = agreed;
    if (!each->sdp.Has(kPcma)) each->media->set_voice_type(0);
    if (!talk->bridges_digits) continue;
    std::erase(each->sdp.formats, kEvents);
    if (each->is_trunk && has_events) each->sdp.formats.push_back(kEvents);
  }
}

// Who answered, and where each end was told to send to. False where no conversation came about.
bool SimulatedHour::FindTalkers(Conversation* talk) {
  const auto state = talk->is_early ? SimDialog::State::kEarly : SimDialog::State::kConfirmed;
  if (!FindTalking(talk->caller.agent, {talk->number, true, state}).has_value()) return false;
  for (SimUserAgent* agent : agents_) {
    if (const auto call = FindTalking(agent, {talk->number, false, state})) {
      talk->callee.agent = agent;
      talk->callee.call = *call;
    }
  }
  if (talk->callee.agent == nullptr) return false;
  std::string told[2];
  for (size_t i = 0; i < 2; ++i) {
    Talker* each = i == 0 ? &talk->caller : &talk->callee;
    const std::string call_id = each->agent->call(each->call).call_id;
    told[i] = LastSdp(*each->agent, call_id);
    if (told[i].empty()) return false;  // The ACK that has it is still under way.
    each->to = TargetOf(told[i], "m=audio ");
    each->log_read = each->agent->log().size();
    if (each->to.port != 0) continue;
    Complain(call_id + " was answered without an address for its media");
    return false;
  }
  AgreeVideo(talk, told[0], told[1]);
  return true;
}

// A picture flows where both ends want it and both were told of a place. Else it is given up.
void SimulatedHour::AgreeVideo(Conversation* talk, const std::string& told_caller,
                               const std::string& told_callee) {
  if (talk->caller.video == nullptr) return;
  Talker* ends[] = {&talk->caller, &talk->callee};
  const std::string* told[] = {&told_caller, &told_callee};
  bool flows = true;
  bool is_wanted = true;
  for (size_t i = 0; i < 2; ++i) {
    const core::Endpoint place = TargetOf(*told[i], "m=video ");
    const bool other_wants = talk->Other(ends[i]).sdp.video_port != 0;
    if (told[i]->find("m=video ") == std::string::npos) {
      Complain(talk->number + ": the line of video is gone");
    }
    if (place.port != 0 && (!talk->relays_video || !other_wants)) {
      Complain(talk->number + ": told of a place for a video that was refused");
    }
    if (place.port != 0) ends[i]->video_to = place;
    flows = flows && place.port != 0;
    is_wanted = is_wanted && other_wants;
  }
  uint64_t without_ports = 0;
  for (size_t i = 0; i < world_->workers(); ++i) {
    without_ports += world_->worker(i).media().counters().video_without_ports;
  }
  if (talk->relays_video && is_wanted && !flows && without_ports == 0) {
    Complain(talk->number + ": a video that both want has no place");
  }
  const bool flowed = talk->picture_flows;
  talk->picture_flows = flows && is_wanted;
  if (talk->picture_flows) {
    changes_["video agreed on"] += flowed ? 0 : 1;
    return;
  }
  const bool is_asked = ends[0]->sdp.video_port != 0 || ends[1]->sdp.video_port != 0;
  if (is_asked) {
    ++changes_[!talk->relays_video ? "video refused by the SBC"
               : is_wanted         ? "video without ports"
                                   : "video refused by who was asked"];
  }
  for (Talker* each : ends) each->sdp.video_port = 0;
}

bool SimulatedHour::StillTalks(const Conversation& talk) const {
  const auto state = talk.is_early ? SimDialog::State::kEarly : SimDialog::State::kConfirmed;
  return !stopped_ && FindTalking(talk.caller.agent, {talk.number, true, state}).has_value() &&
         FindTalking(talk.callee.agent, {talk.number, false, state}).has_value();
}

// The plan of who is called to talk; false for any other call.
bool SimulatedHour::JoinConversation(const SimUserAgent& callee, const SimMessage& invite,
                                     SimPlan* plan) {
  if (conversations_.empty()) return false;
  Conversation& talk = conversations_.back();
  if (invite.Get("To").find(talk.number) == std::string::npos) return false;
  // Which route it took nobody knows before.
  const char* address = callee.local().ip.is_v4() ? kCustomerMedia : kCustomerMedia6;
  const bool is_elsewhere = !talk.callee.is_trunk && talk.callee.address != address;
  if (is_elsewhere && !talk.early_body.empty()) return false;
  if (is_elsewhere) Seat(talk, &talk.callee, address, talk.callee.video != nullptr);
  *plan = SimPlan();
  plan->sdp = talk.callee.sdp.Text();
  plan->script = {{.after = 20ms, .status = 180},
                  {.after = 100ms, .status = 200, .body = plan->sdp}};
  plan->confirmed = {{.after = 1800s, .method = "BYE", .fields = kFallback}};
  if (!talk.is_early) return true;
  const std::string first = talk.early_body.empty() ? plan->sdp : talk.early_body;
  plan->script = {{.after = 20ms, .status = 183, .reliable = true, .body = first},
                  {.after = 60s, .status = 200}};
  return true;
}

}  // namespace tests

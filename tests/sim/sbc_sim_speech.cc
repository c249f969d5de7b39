// What the two ends of a conversation send while nothing changes: voice all the time, and among it
// pictures, requests for pictures, keys; or the pages of a fax; and, now and then, what they may
// not.

#include <algorithm>
#include <string>
#include <vector>

#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp_writer.h"
#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;
using core::rtp::Feedback;

namespace {

constexpr core::Duration kPacketTime = 20ms;
constexpr core::Duration kKeyEnds = 60ms;
// Behind those of the stream before: who goes on as another one begins anywhere.
constexpr uint16_t kOtherNumbers = 5000;
// Which type the packet is of that proves its stream is not noted by the SBC's statistics.
constexpr core::Duration kNoSwitch = 400ms;
constexpr char kKeys[] = "0123456789*#ABCD";

uint32_t VideoSsrc(const Talker& of) { return of.is_trunk ? 0x54524b02 : 0x50425801; }

std::string Voice(uint16_t number, uint8_t type) {
  std::string voice(core::rtp::PacketView::kHeaderBytes, '\0');
  core::rtp::WriteHeader(
      {.marker = false,
       .payload_type = type,
       .sequence_number = number,
       .timestamp = 160u * number,
       .ssrc = 0x7e57},
      std::span<uint8_t, core::rtp::PacketView::kHeaderBytes>(
          reinterpret_cast<uint8_t*>(voice.data()), core::rtp::PacketView::kHeaderBytes));
  return voice + std::string(160, 'x');
}

std::string Picture(const Talker& from, uint16_t number, size_t bytes, bool marker) {
  std::string picture(core::rtp::PacketView::kHeaderBytes, '\0');
  core::rtp::WriteHeader(
      {.marker = marker,
       .payload_type = from.sdp.video_number,
       .sequence_number = number,
       .timestamp = 3000u * number,
       .ssrc = VideoSsrc(from)},
      std::span<uint8_t, core::rtp::PacketView::kHeaderBytes>(
          reinterpret_cast<uint8_t*>(picture.data()), core::rtp::PacketView::kHeaderBytes));
  return picture + std::string(bytes, 'p');
}

std::string Compound(const std::vector<Feedback>& requests) {
  uint8_t bytes[512];
  core::rtp::RtcpWriter writer(bytes);
  CHECK(writer.PutReceiverReport(0x1111, {}) && writer.PutCname(0x1111, "someone"));
  for (const Feedback& each : requests) CHECK(writer.PutFeedback(each));
  return {reinterpret_cast<const char*>(bytes), writer.written().size()};
}

}  // namespace

void SimulatedHour::Speak(Conversation* talk) {
  size_t said = 0;
  for (Talker* each : {&talk->caller, &talk->callee}) {
    said += each->infos.size();
    if (each->speaks) BeginSpeech(talk, each);
  }
  const core::Instant end = simulation_.now() + 1s + trait_dice_.Within(2s);
  while (simulation_.now() < end) {
    for (Talker* each : {&talk->caller, &talk->callee}) {
      if (each->video != nullptr) ShowPicture(*talk, each);
      if (talk->picture_flows && trait_dice_.Chance(0.2)) AskForPicture(talk, each);
      if (trait_dice_.Chance(0.12)) PressKey(talk, each);
      if (trait_dice_.Chance(0.12)) SayOtherwise(each);
    }
    simulation_.RunFor(60ms + trait_dice_.Within(100ms));
  }
  // A key that was said by INFO is played by the voice that comes behind it.
  for (int i = 0; i < 40 && AwaitsAnswer(talk); ++i) simulation_.RunFor(250ms);
  size_t waiting = talk->caller.infos.size() + talk->callee.infos.size() - said;
  if (waiting > 0) simulation_.RunFor(1500ms + 400ms * waiting);
  if (talk->caller.media->plays() || talk->callee.media->plays()) simulation_.RunFor(500ms);
  for (Talker* each : {&talk->caller, &talk->callee}) {
    each->media->Hush();
    if (each->speaks) each->hushed_at = simulation_.now();
  }
  simulation_.RunFor(3s);  // Until all of it has come.
}

// Some go on as somebody else, as after a transfer behind them.
void SimulatedHour::BeginSpeech(Conversation* talk, Talker* from) {
  if (from->hushed_at != core::kNever) {
    if (talk->is_clocked) from->media->SkipTime(simulation_.now() - from->hushed_at);
    if (trait_dice_.Chance(0.15)) {
      from->media->set_ssrc(static_cast<uint32_t>(1 + trait_dice_.Below(UINT32_MAX)));
      from->media->SkipNumbers(kOtherNumbers);
    }
  }
  from->media->Talk(from->to);
  from->began_at = simulation_.now();
  from->key_after = std::max(from->key_after, from->began_at + kNoSwitch);  // Voice comes first.
  // The first that comes teaches the SBC where to send: nobody speaks to it before.
  const size_t heard = from->voice.size();
  for (int i = 0; from->is_behind_nat && from->voice.size() == heard && i < 200; ++i) {
    simulation_.RunFor(20ms);
  }
  // What the two send in one moment nobody can say the order of.
  simulation_.RunFor(1ms);
}

// Voice by another of the formats that they agreed on, or by one that nobody did; and somebody else
// says that he is this end.
void SimulatedHour::SayOtherwise(Talker* from) {
  if (!from->speaks) return;
  const auto number = static_cast<uint16_t>(trait_dice_.Below(UINT16_MAX));
  switch (trait_dice_.Below(3)) {
    case 0:
      if (simulation_.now() < from->began_at + kNoSwitch || !from->sdp.Has(kPcma)) break;
      from->media->set_voice_type(trait_dice_.Chance(0.5) ? kPcma : uint8_t{0});
      break;
    case 1:
      from->media->SendBytes(Voice(number, trait_dice_.Of(kUselessTypes)), from->to);
      break;
    default:
      stranger_->SendBytes(Voice(number, 0), from->to);
      break;
  }
}

// UDPTL of any look, RTP's and RTCP's too. Voice that goes on is nobody's, nor is a key.
void SimulatedHour::SendPages(Conversation* talk) {
  struct Before {
    size_t got;
    std::set<uint16_t> numbers;
  };
  const auto peer_of = [](Talker* of) -> MediaPeer& {
    return of->sdp.fax_port == of->sdp.port ? *of->media : *of->fax;
  };
  std::vector<Before> before;
  for (Talker* each : {&talk->caller, &talk->callee}) {
    before.push_back({peer_of(each).got.size(), peer_of(each).got_numbers});
  }
  const core::Instant end = simulation_.now() + 1s + trait_dice_.Within(2s);
  while (simulation_.now() < end) {
    for (Talker* each : {&talk->caller, &talk->callee}) {
      std::string page(1 + trait_dice_.Below(300), '\0');
      for (char& byte : page) byte = static_cast<char>(trait_dice_.Below(256));
      if (trait_dice_.Chance(0.3)) page[0] = '\x80';
      if (trait_dice_.Chance(0.7)) peer_of(each).SendBytes(page, each->fax_to);
      if (trait_dice_.Chance(0.1) && &peer_of(each) != each->media.get()) {
        each->media->SendBytes(Picture(*each, 1, 160, false), each->to);
      }
      if (trait_dice_.Chance(0.05)) stranger_->SendBytes(page, each->fax_to);
      if (trait_dice_.Chance(0.05) && talk->bridges_digits && !each->is_trunk) SayByInfo(each);
    }
    simulation_.RunFor(60ms + trait_dice_.Within(100ms));
  }
  for (int i = 0; i < 40 && AwaitsAnswer(talk); ++i) simulation_.RunFor(250ms);
  simulation_.RunFor(3s);
  for (Talker* each : {&talk->caller, &talk->callee}) {
    MediaPeer& peer = peer_of(each);
    const Before& was = before[each == &talk->caller ? 0 : 1];
    const auto first = static_cast<ptrdiff_t>(was.got);
    each->pages_got.insert(each->pages_got.end(), peer.got_whole.begin() + first,
                           peer.got_whole.end());
    peer.got.resize(was.got);
    peer.got_whole.resize(was.got);
    peer.got_numbers = was.numbers;
  }
}

// To the place that it was told of; where it was told of none, or not any more, to one that is none
// of its own.
void SimulatedHour::ShowPicture(const Conversation& talk, Talker* from) {
  if (!trait_dice_.Chance(talk.picture_flows ? 0.6 : 0.1)) return;
  const size_t bytes = 1 + trait_dice_.Below(900);
  const std::string picture = Picture(*from, ++from->pictures_sent, bytes, trait_dice_.Chance(0.3));
  const core::Endpoint to = from->video_to.port != 0 ? from->video_to : from->to;
  from->video->SendBytes(picture, to);
  if (trait_dice_.Chance(0.05)) stranger_->SendBytes(picture, to);
}

void SimulatedHour::AskForPicture(Conversation* talk, Talker* from) {
  if (PicturesIn(from->video->got_whole).empty()) return;  // It knows of no stream yet.
  const uint32_t of = VideoSsrc(talk->Other(from));
  const uint16_t number = ++from->pictures_asked;
  std::vector<Feedback> requests;
  if (trait_dice_.Chance(0.7)) {
    Feedback nack{.kind = Feedback::Kind::kNack, .sender_ssrc = 0x1111, .media_ssrc = of};
    CHECK(nack.missing.PushBack({.sequence_number = number, .behind = 0}));
    requests.push_back(nack);
  }
  if (trait_dice_.Chance(0.5)) {
    requests.push_back(
        {.kind = Feedback::Kind::kPictureLoss, .sender_ssrc = 0x1111, .media_ssrc = of});
  }
  if (trait_dice_.Chance(0.5)) {
    Feedback fir{.kind = Feedback::Kind::kFullIntraRequest, .sender_ssrc = 0x1111};
    CHECK(fir.fir.PushBack({.ssrc = of, .sequence_number = static_cast<uint8_t>(number)}));
    requests.push_back(fir);
  }
  if (from->sdp.video_muxed) return from->video->SendBytes(Compound(requests), from->video_to);
  const core::Endpoint to{from->video_to.ip, static_cast<uint16_t>(from->video_to.port + 1)};
  from->video->SendRtcpBytes(Compound(requests), to);
  if (trait_dice_.Chance(0.1)) stranger_->SendRtcpBytes(Compound(requests), to);
}

// As the end says keys: the trunk in RTP, a customer by INFO where the SBC wants that.
void SimulatedHour::PressKey(Conversation* talk, Talker* from) {
  if (talk->is_early) return;
  if (talk->bridges_digits && !from->is_trunk) {
    for (size_t keys = trait_dice_.Chance(0.3) ? 4 : 1; keys > 0; --keys) SayByInfo(from);
    return;
  }
  const core::Instant now = simulation_.now();
  if (!from->speaks || !from->sdp.Has(kEvents) || from->media->plays()) return;
  if (now < from->key_after) return;
  const auto updates = static_cast<uint8_t>(3 + trait_dice_.Below(8));
  from->media->Play(static_cast<uint8_t>(trait_dice_.Below(16)), updates);
  // A packet may be so late that the next key overtakes it, but not the one after that: whose
  // number it has then is not said (SequenceShift).
  from->key_after = now + updates * kPacketTime + kKeyEnds + 200ms;
}

// Some are behind others that have no answer yet: who is overtaken is refused (RFC 3261 §12.2.2).
void SimulatedHour::SayByInfo(Talker* from) {
  const auto key = static_cast<uint8_t>(trait_dice_.Below(16));
  const auto ms = static_cast<uint32_t>(60 + trait_dice_.Below(trait_dice_.Chance(0.5) ? 1 : 200));
  SimCall& call = from->agent->call(from->call);
  for (const SimDialog& dialog : call.dialogs) {
    if (dialog.state != SimDialog::State::kConfirmed) continue;
    from->infos.push_back({.sequence = dialog.local_sequence + 1, .key = {key, ms}});
    from->agent->Do(from->call, {.method = "INFO",
                                 .fork = SimStep::kConfirmed,
                                 .body = "Signal=" + std::string(1, kKeys[key]) +
                                         "\r\nDuration=" + std::to_string(ms) + "\r\n",
                                 .fields = "Content-Type: application/dtmf-relay\r\n"});
    return;
  }
}

// Whether the answer to an INFO is still to come; reads those that came.
bool SimulatedHour::AwaitsAnswer(Conversation* talk) {
  Talker& customer = talk->caller.is_trunk ? talk->callee : talk->caller;
  if (customer.infos.empty() || customer.agent == nullptr) return false;
  const std::string& call_id = customer.agent->call(customer.call).call_id;
  const auto& log = customer.agent->log();
  for (; customer.log_read < log.size(); ++customer.log_read) {
    const SimUserAgent::Entry& entry = log[customer.log_read];
    if (entry.sent || !entry.text.starts_with("SIP/2.0 ")) continue;
    if (entry.text.find(" INFO\r\n") == std::string::npos) continue;
    SimMessage message;
    if (!SimMessage::Parse(entry.text, &message) || message.call_id() != call_id) continue;
    for (Talker::Info& info : customer.infos) {
      if (info.sequence == message.sequence()) info.status = message.status();
    }
  }
  return std::any_of(customer.infos.begin(), customer.infos.end(),
                     [](const Talker::Info& info) { return info.status == 0; });
}

}  // namespace tests

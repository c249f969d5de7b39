// What attackers send to a call of the matrix, and what is to become of it.

#include <gtest/gtest.h>

#include <array>
#include <span>

#include "core/base/check.h"
#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp_writer.h"
#include "tests/sbc/media/source_matrix.h"

namespace tests {

using core::Endpoint;
using core::rtp::PacketView;
using core::rtp::RtcpWriter;

namespace {

constexpr size_t kSlotBytes = 2048;  // What is longer comes truncated.

std::string Rtp(uint8_t payload_type, const std::string& payload, uint32_t ssrc) {
  std::string bytes(PacketView::kHeaderBytes, '\0');
  core::rtp::WriteHeader({.marker = true,
                          .payload_type = payload_type,
                          .sequence_number = 40'000,
                          .timestamp = 1'000'000'000,
                          .ssrc = ssrc},
                         std::span<uint8_t, PacketView::kHeaderBytes>(
                             reinterpret_cast<uint8_t*>(bytes.data()), PacketView::kHeaderBytes));
  return bytes + payload;
}

// In the name of the stream that a leg really sends, and with the worst to tell of what it gets.
std::string Compound(core::rtp::RtcpType last, uint32_t ssrc, uint32_t other) {
  uint8_t bytes[512];
  RtcpWriter out(bytes);
  const core::rtp::ReportBlock block = {.ssrc = other,
                                        .fraction_lost = 255,
                                        .cumulative_lost = 1'000'000,
                                        .highest_sequence_number = 60'000,
                                        .jitter_ticks = 80'000,
                                        .last_sr = 1,
                                        .delay_since_last_sr = 1};
  bool is_whole = false;
  if (last == core::rtp::RtcpType::kSenderReport) {
    const core::rtp::SenderReport report = {.ssrc = ssrc,
                                            .ntp = {0xe9000000, 5},
                                            .rtp_timestamp = 77,
                                            .packets = 1'000'000,
                                            .octets = 1'000'000};
    is_whole = out.PutSenderReport(report, {&block, 1});
  } else {
    is_whole = out.PutReceiverReport(ssrc, {&block, 1});
  }
  is_whole = is_whole && out.PutCname(ssrc, "sprayer");
  core::rtp::Feedback feedback;
  feedback.kind = core::rtp::Feedback::Kind::kPictureLoss;
  feedback.sender_ssrc = ssrc;
  feedback.media_ssrc = other;
  switch (last) {
    case core::rtp::RtcpType::kBye:
      is_whole = is_whole && out.PutBye(ssrc, "gone");
      break;
    case core::rtp::RtcpType::kExtendedReport:
      is_whole = is_whole && out.PutVoipMetrics(ssrc, {.ssrc = other, .loss_rate = 255});
      break;
    case core::rtp::RtcpType::kPayloadFeedback:
      is_whole = is_whole && out.PutFeedback(feedback);
      break;
    default:
      break;
  }
  CHECK(is_whole);
  const auto written = out.written();
  return {reinterpret_cast<const char*>(written.data()), written.size()};
}

std::vector<std::string> Garbage() {
  using namespace std::string_literals;
  const std::string rest(30, '\x55');
  return {
      ""s,
      "\x80"s,
      "\x80\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"s,  // RTP, a byte short.
      std::string(40, '\0'),                            // Version 0,
      "\x40\x00"s + rest,                               // 1
      "\xc0\x00"s + rest,                               // and 3.
      "\x8f\x00"s + rest,                               // More CSRCs than bytes,
      "\x90\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\xbe\xde\xff\xff"s + rest,  // an extension,
      "\xa0\x00"s + std::string(30, '\xff'),                                       // padding.
      "\x80\xc8\x00"s,                                             // RTCP that ends in its header,
      "\x9f\xc8\x00\xff"s + rest,                                  // or long before its length.
      "\x00\x01\x00\x00\x21\x12\xa4\x42"s + std::string(12, 'i'),  // STUN
      "\x16\xfe\xff"s + rest,                                      // DTLS
      "INVITE sip:you@example.net SIP/2.0\r\n\r\n"s,
      "\x80\x00"s + std::string(kSlotBytes, 'l'),
  };
}

}  // namespace

const char* Name(MatrixAttack attack) {
  switch (attack) {
    case MatrixAttack::kOtherHosts:
      return "RTP from other hosts";
    case MatrixAttack::kWrongPort:
      return "the right host's wrong port";
    case MatrixAttack::kOtherLeg:
      return "the other leg's peer";
    case MatrixAttack::kOurOwn:
      return "as if from our own ports";
    case MatrixAttack::kNeverOffered:
      return "a payload type never offered";
    case MatrixAttack::kNotKept:
      return "a payload type that the answer did not keep";
    case MatrixAttack::kRtcp:
      return "RTCP from other hosts";
    case MatrixAttack::kRtcpAtRtpPort:
      return "RTCP at the RTP port, without mux";
    case MatrixAttack::kGarbage:
      return "garbage";
    case MatrixAttack::kOtherPlaces:
      return "places of before, or only offered";
  }
  return "";
}

std::vector<Endpoint> SourceMatrix::OurPorts() const {
  std::vector<Endpoint> ports;
  const uint16_t count = cell_.state == MatrixState::kLent ? 2 : 4;
  for (uint16_t i = 0; i < count; ++i) {
    ports.push_back(At(2, static_cast<uint16_t>(20000 + i)));
    ports.push_back(At(3, static_cast<uint16_t>(30000 + i)));
  }
  return ports;
}

bool SourceMatrix::IsOurs(const Endpoint& at) const {
  return at.ip == At(2, 1).ip || at.ip == At(3, 1).ip;
}

void SourceMatrix::ToEveryPort(const std::vector<Endpoint>& sources,
                               const std::vector<std::string>& contents,
                               std::vector<Shot>* shots) const {
  for (const Endpoint& from : sources) {
    for (const Endpoint& to : OurPorts()) {
      for (const std::string& bytes : contents) shots->push_back({from, to, bytes});
    }
  }
}

std::vector<SourceMatrix::Shot> SourceMatrix::ShotsOf(MatrixAttack attack) const {
  using core::rtp::RtcpType;
  std::vector<Shot> shots;
  const auto past = [](Endpoint at, uint16_t by) {
    at.port = static_cast<uint16_t>(at.port + by);
    return at;
  };
  const std::vector<std::string> voice = {Rtp(0, "sprayed", customer_.ssrc),
                                          Rtp(101, "\x05\x8a\x03\x20", trunk_.ssrc)};
  const std::vector<std::string> both = {
      Rtp(0, "sprayed", customer_.ssrc),
      Compound(RtcpType::kSenderReport, trunk_.ssrc, customer_.ssrc)};
  std::vector<std::string> rtcp;
  for (const RtcpType type : {RtcpType::kSenderReport, RtcpType::kBye, RtcpType::kExtendedReport,
                              RtcpType::kPayloadFeedback}) {
    rtcp.push_back(Compound(type, customer_.ssrc, trunk_.ssrc));
    rtcp.push_back(Compound(type, trunk_.ssrc, customer_.ssrc));
  }
  // One of the very port that somebody else's host may use.
  const std::vector<Endpoint> strangers = {At(66, 50000), At(66, customer_.real.port),
                                           At(66, trunk_.real.port)};
  const Party* parties[] = {&customer_, &trunk_};
  switch (attack) {
    case MatrixAttack::kOtherHosts:
      ToEveryPort(strangers, voice, &shots);
      break;
    case MatrixAttack::kWrongPort:
      for (const Party* party : parties) {
        if (!may_speak(*party)) continue;  // Any port of its address may teach.
        ToEveryPort({past(party->real, 2), past(party->real, 1000)}, both, &shots);
        // Each of its two ports to the wrong one of ours.
        if (party->told.port == 0 || cell_.kind.mux) continue;
        shots.push_back({past(party->real, 1), party->told, both[0]});
        shots.push_back({party->real, past(party->told, 1), both[1]});
      }
      break;
    case MatrixAttack::kOtherLeg:
      for (const Endpoint& to : OurPorts()) {
        const Party& other = to.ip == At(2, 1).ip ? trunk_ : customer_;
        for (const std::string& bytes : both) {
          shots.push_back({other.real, to, bytes});
          shots.push_back({past(other.real, 1), to, bytes});
        }
      }
      break;
    case MatrixAttack::kOurOwn:
      ToEveryPort(OurPorts(), both, &shots);
      break;
    case MatrixAttack::kNeverOffered:
      for (const Party* party : parties) {
        if (party->told.port == 0) continue;
        for (const int type : {9, 18, 34, 72, 95, 96, 102, 127}) {
          shots.push_back(
              {party->real, party->told, Rtp(static_cast<uint8_t>(type), "sprayed", party->ssrc)});
        }
      }
      break;
    case MatrixAttack::kNotKept:
      for (const Party* party : parties) {
        if (party->told.port == 0) continue;
        shots.push_back({party->real, party->told, Rtp(8, "sprayed", party->ssrc)});
      }
      break;
    case MatrixAttack::kRtcp:
      ToEveryPort(strangers, rtcp, &shots);
      break;
    case MatrixAttack::kRtcpAtRtpPort:
      for (const Party* party : parties) {
        if (party->told.port == 0 || cell_.kind.mux) continue;
        for (const std::string& bytes : rtcp) shots.push_back({party->real, party->told, bytes});
        shots.push_back({past(party->real, 1), past(party->told, 1), voice[0]});
      }
      break;
    case MatrixAttack::kGarbage:
      ToEveryPort({strangers[0]}, Garbage(), &shots);
      for (const Party* party : parties) {
        if (party->told.port == 0) continue;
        for (const std::string& bytes : Garbage()) {
          shots.push_back({party->real, party->told, bytes});
          if (cell_.kind.mux) continue;
          shots.push_back({past(party->real, 1), past(party->told, 1), bytes});
        }
      }
      break;
    case MatrixAttack::kOtherPlaces:
      for (const Endpoint& place : other_places_) {
        // Of a NATed customer's address any port may teach.
        if (place.ip == customer_.real.ip && is_unlearnt()) continue;
        ToEveryPort({place, past(place, 1)}, both, &shots);
      }
      if (cell_.kind.nat) ToEveryPort({customer_.said, past(customer_.said, 1)}, both, &shots);
      break;
  }
  return shots;
}

// The rules once more, as short as they are: from where, and what.
SourceMatrix::Fate SourceMatrix::FateOf(const Shot& shot) const {
  const bool at_customers = shot.to.ip == At(2, 1).ip;
  const Party& party = at_customers ? customer_ : trunk_;
  const bool is_shared = !at_customers && cell_.kind.shared;
  const bool is_rtcp = shot.to.port % 2 == 1;
  Endpoint told = party.told;
  Endpoint place = party.real;
  if (is_rtcp) ++told.port;
  if (is_rtcp && !cell_.kind.mux) ++place.port;
  const bool is_lent = is_on_ && shot.to == told;
  const bool is_peer = is_lent && party.has_place && shot.from == place;
  if (!is_lent || (is_shared && !is_peer)) return Fate::kStray;
  if (shot.bytes.size() > kSlotBytes) return Fate::kMalformed;
  if (!is_peer) return Fate::kWrongSource;
  std::string bytes = shot.bytes;
  PacketView view;
  const std::span<uint8_t> span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size());
  const bool is_rtp = !is_rtcp && !(cell_.kind.mux && core::rtp::LooksLikeRtcp(span)) &&
                      PacketView::Parse(span, &view) == core::rtp::PacketError::kOk;
  return is_rtp ? Fate::kPayloadType : Fate::kMalformed;
}

size_t SourceMatrix::Shoot(MatrixAttack attack) {
  const std::vector<Shot> shots = ShotsOf(attack);
  for (const Shot& shot : shots) {
    if (!IsOurs(shot.from)) Listen(shot.from);
    Send(shot);
  }
  return shots.size();
}

void SourceMatrix::Attack(MatrixAttack attack) {
  const sbc::MediaRelayCounters before = counters();
  std::array<uint64_t, 4> expected{};
  for (const Shot& shot : ShotsOf(attack)) ++expected[static_cast<size_t>(FateOf(shot))];
  const size_t shots = Shoot(attack);
  Run(kAttackTime);
  const sbc::MediaRelayCounters& after = counters();
  const std::array<uint64_t, 4> counted = {
      after.strays - before.strays, after.wrong_source - before.wrong_source,
      after.malformed - before.malformed, after.payload_types - before.payload_types};
  EXPECT_EQ(after.relayed, before.relayed) << "packets relayed";
  EXPECT_EQ(after.learnt, before.learnt) << "places learnt";
  EXPECT_EQ(after.rtcp_received, before.rtcp_received) << "RTCP taken";
  EXPECT_EQ(after.feedback_passed, before.feedback_passed);
  EXPECT_EQ(HeardByOthers(), 0u) << "packets sent to others than the peers";
  if (knows_ports()) {
    EXPECT_EQ(counted, expected) << "strays, wrong sources, malformed, payload types";
  } else {
    EXPECT_EQ(counted[0] + counted[1] + counted[2] + counted[3], shots);
  }
}

}  // namespace tests

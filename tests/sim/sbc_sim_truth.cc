#include "tests/sim/sbc_sim_truth.h"

#include <algorithm>
#include <set>

#include "core/rtp/rtcp_reader.h"

namespace tests {

using namespace std::chrono_literals;
using core::Instant;
using core::rtp::Feedback;
using core::rtp::RtcpError;

namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint32_t kClockHz = 8000;
constexpr uint32_t kTicksPerMs = kClockHz / 1000;
constexpr core::Duration kKeySilenceMax = 200ms;

bool IsAhead(uint32_t timestamp, uint32_t of) { return static_cast<int32_t>(timestamp - of) > 0; }

std::string NameOf(const Feedback& feedback) {
  switch (feedback.kind) {
    case Feedback::Kind::kNack:
      return "nack " + (feedback.missing.empty()
                            ? std::string()
                            : std::to_string(feedback.missing[0].sequence_number));
    case Feedback::Kind::kPictureLoss:
      return "pli";
    case Feedback::Kind::kFullIntraRequest:
      return "fir " + (feedback.fir.empty() ? std::string()
                                            : std::to_string(feedback.fir[0].sequence_number));
    case Feedback::Kind::kOther:
      break;
  }
  return "other";
}

}  // namespace

BroughtRtp BroughtRtp::Read(Instant at, std::string_view bytes) {
  const auto byte = [bytes](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const auto word = [&](size_t i) { return static_cast<uint16_t>(byte(i) << 8 | byte(i + 1)); };
  BroughtRtp packet{.at = at};
  if (bytes.size() < kHeaderBytes) return packet;
  packet.type = byte(1) & 0x7f;
  packet.number = word(2);
  packet.timestamp = uint32_t{word(4)} << 16 | word(6);
  packet.ssrc = uint32_t{word(8)} << 16 | word(10);
  packet.bytes = bytes.size();
  if (!packet.is_key() || bytes.size() < kHeaderBytes + 4) return packet;
  packet.key = byte(kHeaderBytes);
  packet.ends = (byte(kHeaderBytes + 1) & 0x80) != 0;
  packet.ticks = word(kHeaderBytes + 2);
  return packet;
}

bool BroughtRtp::is_of_no_use() const {
  return std::find(std::begin(kUselessTypes), std::end(kUselessTypes), type) !=
         std::end(kUselessTypes);
}

std::string Text(const std::vector<PressedKey>& keys) {
  std::string text;
  for (const PressedKey& key : keys) {
    text += " " + std::to_string(key.key) + ":" + std::to_string(key.ms);
  }
  return text.empty() ? " none" : text;
}

std::vector<PressedKey> KeysEnded(std::span<const BroughtRtp> brought) {
  std::vector<PressedKey> ended;
  std::optional<BroughtRtp> known;  // The key that is on, or was last.
  bool on = false;
  const auto end = [&] {
    if (on) ended.push_back({known->key, known->ticks / kTicksPerMs});
    on = false;
  };
  Instant last;
  for (const BroughtRtp& packet : brought) {
    if (packet.is_break) continue;
    if (!packet.is_key()) {
      if (packet.at - last > kKeySilenceMax) end();
      continue;
    }
    last = packet.at;
    if (!known.has_value() || IsAhead(packet.timestamp, known->timestamp)) {
      end();
      known = packet;
      on = true;
    } else if (packet.timestamp != known->timestamp) {
      continue;  // Of one that is over.
    }
    known->ticks = std::max(known->ticks, packet.ticks);
    if (packet.ends) end();
  }
  return ended;
}

std::vector<PressedKey> KeysBegun(std::span<const BroughtRtp> got) {
  std::vector<PressedKey> begun;
  uint32_t timestamp = 0;
  for (const BroughtRtp& packet : got) {
    if (!packet.is_key()) continue;
    if (begun.empty() || IsAhead(packet.timestamp, timestamp)) {
      begun.push_back({packet.key, 0});
      timestamp = packet.timestamp;
    } else if (packet.timestamp != timestamp) {
      continue;
    }
    begun.back().ms = std::max<uint32_t>(begun.back().ms, packet.ticks / kTicksPerMs);
  }
  return begun;
}

bool LooksLikeRtcp(std::string_view datagram) {
  const auto type = static_cast<uint8_t>(datagram.size() < 2 ? 0 : datagram[1]);
  return type >= 192 && type < 224;
}

std::optional<uint32_t> AnsweredSsrc(std::string_view rtcp) {
  const auto word = [rtcp](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(rtcp[at + i]);
    return value;
  };
  const bool is_sender = rtcp.size() > 1 && static_cast<uint8_t>(rtcp[1]) == 200;
  const size_t block = is_sender ? 28 : 8;
  const bool has_block = !rtcp.empty() && (rtcp[0] & 0x1f) != 0 && rtcp.size() >= block + 24;
  if (!has_block || word(block + 16) == 0) return std::nullopt;
  return word(block);
}

std::vector<std::string> PicturesIn(const std::vector<std::string>& datagrams) {
  std::vector<std::string> pictures;
  for (const std::string& datagram : datagrams) {
    if (!LooksLikeRtcp(datagram)) pictures.push_back(datagram);
  }
  return pictures;
}

std::vector<std::string> RequestsIn(const std::vector<std::string>& datagrams) {
  std::vector<std::string> requests;
  for (const std::string& datagram : datagrams) {
    if (!LooksLikeRtcp(datagram)) continue;
    core::rtp::RtcpCompound compound;
    if (compound.Index({reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size()}) !=
        RtcpError::kOk) {
      requests.push_back("malformed");
      continue;
    }
    for (const core::rtp::RtcpPacket& packet : compound) {
      Feedback feedback;
      if (ParseFeedback(packet, &feedback) == RtcpError::kOk) requests.push_back(NameOf(feedback));
    }
  }
  return requests;
}

std::vector<std::string> RequestsThatPass(const std::vector<BroughtRtcp>& brought) {
  std::vector<std::string> passed;
  Instant due;
  Instant picture_due;
  for (const BroughtRtcp& each : brought) {
    bool asks_missing = false;
    bool asks_picture = false;
    for (const std::string& request : RequestsIn({each.bytes})) {
      const bool is_nack = request.starts_with("nack");
      if (each.at < (is_nack ? due : picture_due)) continue;
      (is_nack ? asks_missing : asks_picture) = true;
      passed.push_back(request);
    }
    if (asks_missing) due = each.at + 10ms;
    if (asks_picture) picture_due = each.at + 200ms;
  }
  return passed;
}

}  // namespace tests

#include "sbc/control/media_words.h"

#include <cmath>
#include <optional>
#include <string_view>

#include "sbc/control/media_judgement.h"
#include "sbc/control/record_text.h"

namespace sbc {
namespace {

std::string_view CodecName(core::rtp::Codec codec) {
  switch (codec) {
    case core::rtp::Codec::kPcmu:
      return "pcmu";
    case core::rtp::Codec::kPcma:
      return "pcma";
    case core::rtp::Codec::kG722:
      return "g722";
    case core::rtp::Codec::kG729:
      return "g729";
    case core::rtp::Codec::kOpus:
      return "opus";
    case core::rtp::Codec::kUnknown:
      break;
  }
  return "other";
}

template <std::integral T>
void AppendCount(std::string_view key, T count, std::string* out) {
  out->append(key);
  AppendNumber(count, out);
}

void AppendTime(std::string_view key, std::optional<core::Duration> time, std::string* out) {
  if (!time.has_value()) return;
  out->append(key);
  AppendMilliseconds(*time, out);
}

void AppendMos(std::string_view key, std::optional<double> mos, std::string* out) {
  if (!mos.has_value()) return;
  const auto hundredths = std::lround(*mos * 100);
  AppendCount(key, hundredths / 100, out);
  AppendCount(hundredths % 100 < 10 ? ".0" : ".", hundredths % 100, out);
}

void AppendReception(const MediaLegSummary& leg, std::string* out) {
  const core::rtp::StreamCounts& stream = leg.whole.stream;
  AppendCount(" expected=", stream.expected, out);
  AppendCount(" lost=", stream.lost(), out);
  AppendCount(" duplicates=", stream.duplicates, out);
  AppendCount(" reordered=", stream.reordered, out);
  AppendCount(" late=", stream.late, out);
  // Of another SSRC beside the voice's: passed on, and in no other count but `received`.
  if (stream.refused > 0) AppendCount(" other_ssrc=", stream.refused, out);
  AppendTime(" jitter_ms=", leg.jitter, out);
  AppendTime(" jitter_max_ms=", leg.jitter_max, out);
  AppendTime(" gap_ms=", leg.longest_gap, out);
  AppendCount(" ssrc_changes=", stream.ssrc_changes, out);
  AppendCount(" payload_switches=", stream.payload_switches, out);
  AppendMos(" mos_lq=", JudgeWhole(leg).mos_listening, out);
}

void AppendLeg(const MediaLegSummary& leg, std::string* out) {
  if (leg.is_active) out->append("codec=").append(CodecName(leg.codec)).push_back(' ');
  AppendCount("received=", leg.whole.received.packets, out);
  AppendCount(" sent=", leg.whole.sent.packets, out);
  AppendCount(" rtcp_received=", leg.whole.received.rtcp_packets, out);
  AppendCount(" rtcp_sent=", leg.whole.sent.rtcp_packets, out);
  if (leg.is_active) AppendReception(leg, out);
  if (leg.wrong_source > 0) AppendCount(" wrong_source=", leg.wrong_source, out);
  AppendCount(" dtmf=", leg.dtmf_digits, out);
  AppendTime(" rtt_ms=", leg.round_trip, out);
  if (leg.is_active) AppendMos(" mos_cq=", JudgeWhole(leg).mos_conversation, out);
  if (leg.sent_lost.has_value()) AppendCount(" peer_lost=", *leg.sent_lost, out);
  AppendTime(" peer_jitter_ms=", leg.sent_jitter, out);
}

}  // namespace

void AppendMedia(const CallMedia& media, std::string* out) {
  if (media.streams == 0) return;
  out->append(" caller_media=\"");  // All of it is ours: no quote, nothing to escape.
  AppendLeg(media.leg(LegId::kCaller), out);
  out->append("\" callee_media=\"");
  AppendLeg(media.leg(LegId::kCallee), out);
  out->push_back('"');
}

}  // namespace sbc

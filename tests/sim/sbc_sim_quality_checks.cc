// What the SBC tells of a call that talked, number by number, beside the simulated network's truth:
// counts, jitter, gaps, the way there and back, opinions by the E-model, and who called whom for
// how long.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "sbc/control/media_words.h"
#include "tests/sim/sbc_sim_hour.h"
#include "tests/sim/sbc_sim_voice.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

// LSR and DLSR are of 1/65,536 s each, and a report may wait for the next turn.
constexpr core::Duration kRoundTripError = 100us;
// The SBC's jitter buffer counts in whole ticks: what is late by less than one may be in time.
constexpr uint64_t kLateError = 2;
// Of a score in hundredths, as the depth of that buffer is in ticks; and where other packets were
// late.
constexpr double kMosError = 0.02;
constexpr double kMosErrorLate = 0.2;
// What the ways to the SBC may differ by where nothing is lost.
constexpr core::Duration kDurationError = 1500ms;

core::Duration ToDuration(uint32_t jitter_16) {
  return core::Duration(int64_t{jitter_16} * 1'000'000'000 / 8000) / 16;
}

// The value of a key in one leg's part of a call's line; nothing where it has none.
std::string Told(const std::string& line, const char* leg, const std::string& key) {
  const size_t begin = line.find(std::string(leg) + "=\"");
  if (begin == std::string::npos) return "";
  std::string part = " " + line.substr(begin + std::char_traits<char>::length(leg) + 2);
  part.resize(part.find('"'));
  const size_t at = part.find(" " + key + "=");
  if (at == std::string::npos) return "";
  const size_t value = at + key.size() + 2;
  return part.substr(value, part.find(' ', value) - value);
}

template <typename T>
T Apart(T a, T b) {
  return a > b ? a - b : b - a;
}

// The last one. Of who is behind a NAT any of them: what the SBC wrote while it knew no place to
// send reports to has taken the places of those that it did send.
std::optional<core::Duration> RoundTripOf(const Talker& from, const sbc::MediaLegSummary& took) {
  if (from.round_trips.empty()) return std::nullopt;
  for (const core::Duration each : from.round_trips) {
    if (!from.is_behind_nat || !took.round_trip.has_value()) break;
    if (Apart(*took.round_trip, each) <= kRoundTripError) return each;
  }
  return from.round_trips.back();
}

}  // namespace

// What is counted of what `from` sent.
void SimulatedHour::CheckStatistics(const std::string& who, const Conversation& talk,
                                    const Talker& from, const sbc::MediaLegSummary& took) {
  const auto expect = [&](const char* what, uint64_t told, uint64_t truth) {
    if (told == truth) return;
    Complain(who + ": " + what + " " + std::to_string(told) + ", in truth " +
             std::to_string(truth));
  };
  const VoiceTruth truth = VoiceTruth::Of(from.voice);
  const core::rtp::StreamCounts& stream = took.whole.stream;
  expect("expected", stream.expected, truth.expected);
  expect("lost", static_cast<uint64_t>(stream.lost()), truth.lost);
  expect("reordered", stream.reordered, truth.reordered);
  // A repeat of the first packet, which is on probation, is refused (RFC 3550 A.1).
  expect("refused", stream.refused, truth.refused);
  expect("repeated", stream.duplicates, truth.packets - truth.distinct - truth.refused);
  expect("SSRC changes", stream.ssrc_changes, truth.ssrc_changes);
  expect("switches of the payload", stream.payload_switches, truth.payload_switches);
  expect("restarts", stream.restarts, 0);
  expect("longest gap, ns", static_cast<uint64_t>(took.longest_gap.count()),
         static_cast<uint64_t>(truth.longest_gap.count()));
  // At the trunk's shared ports what comes from elsewhere is no call's.
  const uint64_t elsewhere = from.is_trunk ? 0 : from.wrong_sources;
  // A line of a fax that is over is in no record, but its own stream's is.
  const uint64_t of_fax = from.is_trunk ? 0 : from.wrong_fax_sources;
  if (took.wrong_source != elsewhere + of_fax) {
    expect("from elsewhere", took.wrong_source, elsewhere);
  }
  changes_["packet from elsewhere refused"] += took.wrong_source;
  changes_["SSRC changed"] += took.whole.stream.ssrc_changes;
  changes_["payload switched"] += took.whole.stream.payload_switches;
  expect("RTCP received", took.whole.received.rtcp_packets, from.voice_rtcp);
  expect("digits", took.dtmf_digits, KeysBegun(from.voice).size());
  changes_["digit counted"] += took.dtmf_digits;
  if (truth.reordered > 0) ++changes_["reordered packets compared"];
  if (took.packet_duration.has_value() && talk.is_timed) {
    expect("packets' length, ns", static_cast<uint64_t>(took.packet_duration->count()), 20'000'000);
  }
  if (!talk.is_timed || !truth.jitter_16.has_value()) return;
  expect("jitter, ns", static_cast<uint64_t>(took.jitter.value_or(-1ns).count()),
         static_cast<uint64_t>(ToDuration(*truth.jitter_16).count()));
  expect("highest jitter, ns", static_cast<uint64_t>(took.jitter_max.value_or(-1ns).count()),
         static_cast<uint64_t>(ToDuration(truth.jitter_max_16).count()));
  ++changes_["jitter compared"];
}

// How good what `from` sent was, in the words of the call's line.
void SimulatedHour::CheckQuality(const std::string& who, const Conversation& talk,
                                 const Talker& from, const sbc::MediaLegSummary& took) {
  const VoiceTruth truth = VoiceTruth::Of(from.voice);
  sbc::CallMedia media{.streams = 1, .legs = {took, {}}};
  std::string line;
  sbc::AppendMedia(media, &line);
  const auto told = [&line](const char* key) { return Told(line, "caller_media", key); };
  const bool is_known = !talk.codec.empty();
  // Of what was agreed on it is what its voice came in, by the type alone (RFC 3264 §7).
  const std::string& codec = truth.last_codec.empty() ? talk.codec : truth.last_codec;
  if (truth.expected > 0 && is_known && told("codec") != codec) {
    Complain(who + ": codec " + told("codec") + ", in truth " + codec);
  }
  const std::optional<core::Duration> round_trip = RoundTripOf(from, took);
  if (took.round_trip.has_value() != round_trip.has_value()) {
    Complain(who + ": a round trip is told" +
             (took.round_trip.has_value() ? ", and none was" : " not, and one was"));
  } else if (round_trip.has_value()) {
    if (Apart(*took.round_trip, *round_trip) > kRoundTripError) {
      Complain(who + ": round trip " + std::to_string(took.round_trip->count()) + " ns, in truth " +
               std::to_string(round_trip->count()));
    }
    ++changes_["round trip compared"];
  }
  if (!talk.is_timed || !is_known) return;
  const uint64_t late = took.whole.stream.late;
  const auto runs = static_cast<uint64_t>(took.whole.stream.loss_runs);
  const bool is_near = Apart(late, truth.late) <= kLateError + truth.late / 10 &&
                       Apart(runs, truth.loss_runs) <= kLateError + truth.loss_runs / 10;
  if (!is_near) {
    Complain(who + ": late " + std::to_string(late) + ", in runs " + std::to_string(runs) +
             ", in truth " + std::to_string(truth.late) + ", " + std::to_string(truth.loss_runs));
  }
  changes_["late packet"] += late;
  const bool is_same = late == truth.late && runs == truth.loss_runs;
  const auto compare = [&](const char* what, const char* key, std::optional<double> mos) {
    const std::string text = told(key);
    if (text.empty() != !mos.has_value()) {
      Complain(who + ": " + key + " is told or not, and should not or be");
    }
    if (text.empty() || !mos.has_value()) return;
    changes_[what] += is_same ? 1 : 0;
    if (std::abs(std::atof(text.c_str()) - *mos) > (is_same ? kMosError : kMosErrorLate)) {
      Complain(who + ": " + key + " " + text + ", in truth " + std::to_string(*mos));
    }
  };
  compare("opinion of a listener compared", "mos_lq", truth.MosListening(codec));
  if (!round_trip.has_value()) return;
  compare("opinion of a conversation compared", "mos_cq", truth.Mos(codec, round_trip));
}

// Who called whom, and for how long. All that was told of it each minute adds up to what is told at
// its end.
void SimulatedHour::CheckRecord(const Conversation& talk, const sbc::CallReport& report) {
  const sbc::CallRecord& call = report.call;
  const auto expect = [&](const char* what, bool is_true) {
    if (!is_true) Complain(talk.call_id + ": its record has another " + what);
  };
  const SimCall& caller = talk.caller.agent->call(talk.caller.call);
  const SimCall& callee = talk.callee.agent->call(talk.callee.call);
  const auto direction =
      talk.callee.is_trunk ? sbc::CallDirection::kTermination : sbc::CallDirection::kOrigination;
  expect("direction", call.direction == direction);
  expect("number called", call.called.view() == talk.number);
  expect("caller", call.caller.view() == caller.plan.caller);
  expect("call of the callee", call.callee_call_id.view() == callee.call_id);
  expect("status", call.status_code == 200);
  expect("start", call.started.unix_us <= call.answered.unix_us &&
                      call.answered.unix_us <= call.ended.unix_us);
  sbc::MediaLegSummary::Span sum[2];
  for (const sbc::CallReport& each : world_->media()) {
    if (each.call.caller_call_id.view() != talk.call_id) continue;
    for (size_t i = 0; i < 2; ++i) {
      const auto& lately = each.media.legs[i].lately;
      sum[i].received.packets += lately.received.packets;
      sum[i].received.bytes += lately.received.bytes;
      sum[i].received.rtcp_packets += lately.received.rtcp_packets;
      sum[i].sent.packets += lately.sent.packets;
      sum[i].stream.packets += lately.stream.packets;
      sum[i].stream.expected += lately.stream.expected;
      sum[i].stream.reordered += lately.stream.reordered;
    }
  }
  for (size_t i = 0; i < 2; ++i) {
    const auto& whole = report.media.legs[i].whole;
    expect("sum of its minutes", sum[i].received.packets == whole.received.packets &&
                                     sum[i].received.bytes == whole.received.bytes &&
                                     sum[i].received.rtcp_packets == whole.received.rtcp_packets &&
                                     sum[i].sent.packets == whole.sent.packets &&
                                     sum[i].stream.packets == whole.stream.packets &&
                                     sum[i].stream.expected == whole.stream.expected &&
                                     sum[i].stream.reordered == whole.stream.reordered);
  }
  if (!calm_) return;
  expect("end", call.end == sbc::CallEnd::kCallerHungUp || stopped_);
  for (const SimDialog& dialog : caller.dialogs) {
    if (!dialog.answered) continue;
    const core::Duration talked = dialog.ended_at - dialog.answered_at;
    const core::Duration told =
        std::chrono::microseconds(call.ended.unix_us - call.answered.unix_us);
    expect("duration", Apart(talked, told) < kDurationError);
    ++changes_["duration compared"];
  }
}

}  // namespace tests

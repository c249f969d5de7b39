#include "core/rtp/rtcp_session.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/rtp/quality.h"
#include "core/rtp/rtcp_interval.h"

namespace core::rtp {
namespace {

constexpr uint32_t kUdpIpOctets = 28;
// §6.3.1: who sent within the last two intervals is a sender.
constexpr Duration kSenderFor = std::chrono::seconds(10);

}  // namespace

RtcpSession::RtcpSession(const Config& config, Instant now, Random* random)
    : is_sender_(config.is_sender),
      average_octets_(kCompoundMax + kUdpIpOctets),
      own_ssrc_(config.ssrc),
      clock_rate_hz_(config.clock_rate_hz),
      octets_per_second_(config.octets_per_second) {
  // RFC 7022 §4.2: 96 random bits that tell nothing of us, in base64.
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (config.cname.empty()) {
    for (char& character : cname_) character = kAlphabet[random->Below(kAlphabet.size())];
  } else {
    CHECK(config.cname.size() == cname_.size());
    std::copy(config.cname.begin(), config.cname.end(), cname_.begin());
  }
  Schedule(now, random);
}

// Counts are an SSRC's: one that was left, and comes back, goes on with its own (§6.4.1).
void RtcpSession::BeginSending(const PacketView& packet, Instant now) {
  const uint32_t ssrc = packet.ssrc();
  const Beside before =
      beside_.packets > 0 && beside_.ssrc == ssrc ? beside_ : Beside{.ssrc = ssrc};
  if (sending_) beside_ = {sent_ssrc_, sent_packets_, sent_octets_};
  sending_ = true;
  sent_ssrc_ = ssrc;
  sent_packets_ = before.packets;
  sent_octets_ = before.octets;
  sent_reports_count_ = 0;
  peer_report_.reset();  // It was of another source.
  sender_reported_at_ = now;
  sender_ntp_ = {};
  sent_timestamp_ = packet.timestamp();
  sent_timestamp_at_ = now;
}

void RtcpSession::OnSentBeside(const PacketView& packet, PayloadKind kind) {
  if (beside_.packets == 0 || beside_.ssrc != packet.ssrc()) {
    if (kind == PayloadKind::kEvent) return;  // No stream will be under that SSRC.
    beside_ = {.ssrc = packet.ssrc()};
  }
  ++beside_.packets;
  beside_.octets += static_cast<uint32_t>(packet.payload().size());
}

void RtcpSession::OnSent(const PacketView& packet, Instant now, PayloadKind kind) {
  if (!sending_ || packet.ssrc() != sent_ssrc_) [[unlikely]] {
    BeginSending(packet, now);
  }
  ++sent_packets_;
  sent_octets_ += static_cast<uint32_t>(packet.payload().size());
  sent_at_ = now;
  if (kind != PayloadKind::kEvent) {  // An event's timestamp is when it began.
    sent_timestamp_ = packet.timestamp();
    sent_timestamp_at_ = now;
  }
}

RtcpError RtcpSession::OnPacket(std::span<const uint8_t> bytes, Instant now, Incoming* incoming,
                                const Source* source) {
  *incoming = {};
  ++counts_.packets_in;
  RtcpCompound compound;
  RtcpError error = compound.Index(bytes);
  if (error == RtcpError::kOk) Average(bytes.size());
  for (const RtcpPacket& packet : compound) {
    ReportBlocks blocks;
    if (packet.type == RtcpType::kSenderReport) {
      SenderReport report;
      error = ParseSenderReport(packet, &report, &blocks);
      if (error != RtcpError::kOk) break;
      OnSenderReport(report, now, source, incoming);
      incoming->reports_on_us |= OnReports(blocks, now);
    } else if (packet.type == RtcpType::kReceiverReport) {
      uint32_t ssrc = 0;
      error = ParseReceiverReport(packet, &ssrc, &blocks);
      if (error != RtcpError::kOk) break;
      incoming->reports_on_us |= OnReports(blocks, now);
    } else if (packet.type == RtcpType::kBye) {
      Bye bye;
      error = ParseBye(packet, &bye);
      if (error != RtcpError::kOk) break;
      incoming->bye = !bye.ssrcs.empty();
    } else if (packet.type == RtcpType::kTransportFeedback ||
               packet.type == RtcpType::kPayloadFeedback) {
      OnFeedback(packet, incoming);
    }
    // SDES, XR and APP end here: they are the peer's word on itself, which we do not pass on.
  }
  if (error != RtcpError::kOk) ++counts_.malformed;
  return error;
}

void RtcpSession::OnSenderReport(const SenderReport& report, Instant now, const Source* source,
                                 Incoming* incoming) {
  const bool has_stream = source != nullptr && source->active();
  const bool is_beside = has_stream && report.ssrc != source->ssrc();
  if (!is_beside || !incoming->sender_report) incoming->sender_report = report;
  if (is_beside && peer_ssrc_ == source->ssrc()) return;
  peer_ssrc_ = report.ssrc;
  peer_ntp_middle_ = report.ntp.middle();
  peer_reported_at_ = now;
}

// One that cannot be read costs nothing but itself: the reports beside it are as good as ever.
void RtcpSession::OnFeedback(const RtcpPacket& packet, Incoming* incoming) const {
  Feedback feedback;
  bool is_ours = ParseFeedback(packet, &feedback) == RtcpError::kOk &&
                 feedback.kind != Feedback::Kind::kOther && sending_;
  if (feedback.kind == Feedback::Kind::kFullIntraRequest) {  // Of several senders, ours.
    for (size_t i = feedback.fir.size(); i-- > 0;) {
      if (feedback.fir[i].ssrc != sent_ssrc_) feedback.fir.EraseAt(i);
    }
    is_ours = is_ours && !feedback.fir.empty();
  } else {
    is_ours = is_ours && feedback.media_ssrc == sent_ssrc_;
  }
  if (!is_ours || !incoming->feedback.PushBack(feedback)) ++incoming->feedback_ended;
}

bool RtcpSession::OnReports(const ReportBlocks& blocks, Instant now) {
  bool found = false;
  for (const ReportBlock& block : blocks) {
    if (!sending_ || block.ssrc != sent_ssrc_) continue;
    found = true;
    peer_report_ = block;
    if (block.last_sr == 0) continue;
    const size_t kept = std::min<size_t>(sent_reports_count_, kSentReportsMax);
    for (size_t i = 0; i < kept; ++i) {  // The newest first: a sender may repeat a timestamp.
      const size_t at = (sent_reports_count_ - 1 - i) % kSentReportsMax;
      if (sent_reports_ntp_[at] != block.last_sr) continue;
      const Instant left_at = sent_reports_at_[at];
      if (const auto round_trip = RoundTrip(left_at, now, block.delay_since_last_sr)) {
        round_trip_ = round_trip;
      }
      break;
    }
  }
  return found;
}

std::optional<ReportBlock> RtcpSession::BlockOn(const Reception& reception, Instant now) const {
  if (reception.source == nullptr) return std::nullopt;
  std::optional<ReportBlock> block = reception.source->TakeReport();
  if (block && block->ssrc == peer_ssrc_ && peer_ntp_middle_ != 0) {
    block->last_sr = peer_ntp_middle_;
    block->delay_since_last_sr = ToShortNtp(now - peer_reported_at_);
  }
  return block;
}

bool RtcpSession::sends_at(Instant now) const { return sending_ && now - sent_at_ <= kSenderFor; }

uint32_t RtcpSession::TicksSince(Instant then, Instant now) const {
  const auto ns = static_cast<uint64_t>((now - then).count());  // Of seconds.
  return static_cast<uint32_t>(ns * clock_rate_hz_ / 1'000'000'000);
}

// The SR that the sender itself did not send (rule 25), or that of our own stream.
std::optional<SenderReport> RtcpSession::OwnReport(Instant now, WallTime wall) const {
  if (!sends_at(now)) return std::nullopt;
  if (!is_sender_ && now - sender_reported_at_ < kSenderSilence) return std::nullopt;
  return SenderReport{.ssrc = sent_ssrc_,
                      .ntp = NtpTime::From(wall),
                      .rtp_timestamp = sent_timestamp_ + TicksSince(sent_timestamp_at_, now),
                      .packets = sent_packets_,
                      .octets = sent_octets_};
}

// The same between the sender's own. Its clock is no other's, or two streams of one source would
// fall apart at the receiver: what it said last goes on, and before it said anything there is no
// time (§6.4.1 has 0 for that).
std::optional<SenderReport> RtcpSession::ReportOfSender(Instant now, WallTime wall) const {
  if (const auto own = OwnReport(now, wall)) return own;
  if (!sends_at(now)) return std::nullopt;
  SenderReport report = {.ssrc = sent_ssrc_,
                         .rtp_timestamp = sent_timestamp_ + TicksSince(sent_timestamp_at_, now),
                         .packets = sent_packets_,
                         .octets = sent_octets_};
  if (sender_ntp_ != NtpTime{}) {
    report.ntp = sender_ntp_ + (now - sender_reported_at_);
    report.rtp_timestamp = sender_timestamp_ + TicksSince(sender_reported_at_, now);
  }
  return report;
}

bool RtcpSession::WriteReports(uint32_t name, const std::optional<SenderReport>& report,
                               const Reception& reception, Instant now, RtcpWriter* out) {
  const std::optional<ReportBlock> block = BlockOn(reception, now);
  const std::span<const ReportBlock> blocks =
      block ? std::span<const ReportBlock>(&*block, 1) : std::span<const ReportBlock>();
  const bool fits =
      report ? out->PutSenderReport(*report, blocks) : out->PutReceiverReport(name, blocks);
  if (!fits || !out->PutCname(name, cname())) return false;
  return !block || !reception.is_voice ||
         out->PutVoipMetrics(name,
                             MakeVoipMetrics(*reception.source, reception.codec, round_trip_));
}

size_t RtcpSession::Forward(const SenderReport& report, const Reception& reception, Instant now,
                            Random* random, std::span<uint8_t> out) {
  if (!sending_ || report.ssrc != sent_ssrc_) return 0;
  sender_reported_at_ = now;
  sender_ntp_ = report.ntp;
  sender_timestamp_ = report.rtp_timestamp;
  if (forwarded_ && now - forwarded_at_ < kForwardMin) return 0;
  SenderReport ours = report;
  ours.packets = sent_packets_;
  ours.octets = sent_octets_;
  RtcpWriter writer(out);
  if (!WriteReports(sent_ssrc_, ours, reception, now, &writer)) return 0;
  forwarded_ = true;
  forwarded_at_ = now;
  const size_t size = OnWritten(ours, writer.written().size(), now);
  Schedule(now, random);
  return size;
}

RtcpSession::Passed RtcpSession::PassFeedback(std::span<const Feedback> feedback, Instant now,
                                              WallTime wall, std::span<uint8_t> out) {
  RtcpWriter writer(out);
  const std::optional<SenderReport> report = ReportOfSender(now, wall);
  const bool fits =
      report ? writer.PutSenderReport(*report, {}) : writer.PutReceiverReport(reporter_ssrc(), {});
  if (!fits || !writer.PutCname(reporter_ssrc(), cname())) return {};
  Passed passed;
  bool asks_missing = false;
  bool asks_picture = false;
  for (Feedback each : feedback) {
    const bool is_nack = each.kind == Feedback::Kind::kNack;
    // PLI and FIR: one picture is all they can have.
    if (now < (is_nack ? feedback_due_ : picture_due_)) continue;
    (is_nack ? asks_missing : asks_picture) = true;
    each.sender_ssrc = reporter_ssrc();
    if (!writer.PutFeedback(each)) return {};
    ++passed.requests;
  }
  if (passed.requests == 0) return {};
  if (asks_missing) feedback_due_ = now + kFeedbackMin;
  if (asks_picture) picture_due_ = now + kPictureMin;
  // Its SR can not be answered for: many a second would leave none that can.
  const size_t size = writer.written().size();
  ++counts_.packets_out;
  Average(size);
  passed.bytes = size;
  return passed;
}

size_t RtcpSession::Report(const Reception& reception, Instant now, WallTime wall, Random* random,
                           std::span<uint8_t> out) {
  const std::optional<SenderReport> own = OwnReport(now, wall);
  // §6.4: in the name of who sends there is no RR.
  const uint32_t name = !own && sends_at(now) ? own_ssrc_ : reporter_ssrc();
  RtcpWriter writer(out);
  const bool fits = WriteReports(name, own, reception, now, &writer);
  const size_t size = fits ? OnWritten(own, writer.written().size(), now) : 0;
  Schedule(now, random);
  return size;
}

size_t RtcpSession::Leave(const Reception& reception, Instant now, WallTime wall,
                          std::span<uint8_t> out) {
  const std::optional<SenderReport> last = ReportOfSender(now, wall);  // Who leaves is the sender.
  RtcpWriter writer(out);
  if (!WriteReports(reporter_ssrc(), last, reception, now, &writer)) return 0;
  if (!writer.PutBye(reporter_ssrc(), "")) return 0;
  return OnWritten(last, writer.written().size(), now);
}

size_t RtcpSession::OnWritten(const std::optional<SenderReport>& report, size_t size, Instant now) {
  if (report) {
    const size_t at = sent_reports_count_++ % kSentReportsMax;
    sent_reports_ntp_[at] = report->ntp.middle();
    sent_reports_at_[at] = now;
  }
  reported_ = true;
  ++counts_.packets_out;
  Average(size);
  return size;
}

// §6.3.3: a sixteenth of each new size.
void RtcpSession::Average(size_t size) {
  const auto octets = static_cast<uint32_t>(std::min<size_t>(size, 0x7fff)) + kUdpIpOctets;
  average_octets_ = static_cast<uint16_t>((average_octets_ * 15u + octets) / 16);
}

void RtcpSession::Schedule(Instant now, Random* random) {
  due_ = now + RtcpInterval({.octets_per_second = octets_per_second_,
                             .average_octets = average_octets_,
                             .initial = !reported_},
                            random);
}

}  // namespace core::rtp

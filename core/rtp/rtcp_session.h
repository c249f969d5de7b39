#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/instant.h"
#include "core/base/random.h"
#include "core/rtp/codec.h"
#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp_reader.h"
#include "core/rtp/rtcp_writer.h"
#include "core/rtp/source.h"

namespace core::rtp {

/// The end of RTCP on one leg (rule 25): what comes in ends here, but for what a receiver of video
/// asks its sender for, and what goes out is ours.
///
/// Out go compound packets: an SR for the stream that we send to the leg's peer, or an RR; a report
/// block and XR VoIP metrics on what we receive from that peer; SDES with a CNAME of our own. A
/// sender's SR that came in on the other leg goes on with its timestamps and with the counts of
/// what we sent; where none came for kSenderSilence we make one, for the same SSRC. Until then
/// nothing is reported in that name: a sender has no RR (§6.4), and its SR is not ours to make. So
/// reports between go under our own SSRC, as of the second participant that we are (§6.4 asks an RR
/// of who sends nothing). Where what we send is our own stream (Config::is_sender), all SRs are
/// ours, and the first report has one.
///
/// The round trip is from our own send time of the SR that the peer names, whoever's timestamps
/// that SR carried: neither party's clock is believed.
///
/// Shape:    the last kSentReportsMax SRs can be answered for, but for those before feedback. At
///           most one SR is forwarded in kForwardMin. A compound packet has at most kCompoundMax
///           bytes; with feedback, kFeedbackCompoundMax.
/// Lifetime: keeps nothing of what it is given.
/// Thread:   one worker's.
class RtcpSession {
 public:
  static constexpr size_t kSentReportsMax = 4;
  static constexpr size_t kCompoundMax = 192;
  static constexpr size_t kFeedbackMax = 4;  // Requests of one compound that cross; more end here.
  static constexpr size_t kFeedbackCompoundMax = 384;
  // A picture lasts 33 ms, and what it misses is asked for at once; a new one takes its sender,
  // and the way to it and back, longer.
  static constexpr Duration kFeedbackMin = std::chrono::milliseconds(10);
  static constexpr Duration kPictureMin = std::chrono::milliseconds(200);
  static constexpr Duration kSenderSilence = std::chrono::seconds(5);
  static constexpr Duration kForwardMin = std::chrono::milliseconds(500);

  struct Config {
    uint32_t ssrc = 0;                  // Ours, for reports while we send nothing.
    uint32_t clock_rate_hz = 8000;      // Of what we send.
    uint32_t octets_per_second = 1000;  // RTCP's: 5 % of two G.711 streams of 80 kbit/s.
    bool is_sender = false;             // What we send is nobody else's: we relay nothing.
    // Of another session of ours with the same peer: who reports has one name in all of them
    // (§6.5.1). Empty: one is drawn.
    std::string_view cname{};
  };
  RtcpSession(const Config& config, Instant now, Random* random);

  /// An RTP packet left for the peer, as it left: after any rewriting.
  void OnSent(const PacketView& packet, Instant now, PayloadKind kind);
  /// One left beside the stream, under another SSRC: digits that have their own, or who is not
  /// taken for the stream's sender yet (Source). One such SSRC has counts, in case it becomes the
  /// stream's or was that before; there are no reports of it.
  void OnSentBeside(const PacketView& packet, PayloadKind kind);
  void set_clock_rate_hz(uint32_t clock_rate_hz) { clock_rate_hz_ = clock_rate_hz; }

  /// What the owner may want of a packet that came in.
  struct Incoming {
    std::optional<SenderReport> sender_report;  // For the other leg's Forward().
    bool bye = false;                           // A source of the peer's left.
    bool reports_on_us = false;                 // It says how the stream arrives that we send.
    // What it asks the sender of the stream for that it gets from us: for the other leg's
    // PassFeedback(). And how many packets asked for something else, or of somebody else.
    BoundedVector<Feedback, kFeedbackMax> feedback;
    uint32_t feedback_ended = 0;
  };
  /// Of a compound packet that is malformed further on, what stood before that is told and used.
  /// Where `source` has the stream that we receive, the SR of another SSRC of the peer's (its
  /// digits') neither hides that stream's nor takes its place in our answers.
  RtcpError OnPacket(std::span<const uint8_t> bytes, Instant now, Incoming* incoming,
                     const Source* source = nullptr);

  /// What goes into a report beside our own: the stream that we receive from the peer.
  struct Reception {
    Source* source = nullptr;
    Codec codec = Codec::kUnknown;
    bool is_voice = true;  // Else no VoIP metrics are told of it.
  };

  /// The SR of the sender whose stream we relay, translated by the same HeaderRewrite as its
  /// packets. Returns the bytes to send, 0 if it is another SSRC's or comes too soon.
  [[nodiscard]] size_t Forward(const SenderReport& report, const Reception& reception, Instant now,
                               Random* random, std::span<uint8_t> out);

  /// What the other leg's peer asks the sender for whose stream it gets: behind a report without
  /// blocks and our name (RFC 4585 §3.1), in the name of whom this leg knows as the one that asks.
  /// Who sends there reports by SR (RFC 3550 §6.4), on its own clock.
  /// Bounded, as each request may cost the sender a whole picture: what is missing at most once in
  /// kFeedbackMin, and beside that a picture once in kPictureMin (RFC 4585 §3.5). Nothing passes
  /// where `bytes` is 0.
  struct Passed {
    size_t bytes = 0;
    size_t requests = 0;  // Of those that were given.
  };
  [[nodiscard]] Passed PassFeedback(std::span<const Feedback> feedback, Instant now, WallTime wall,
                                    std::span<uint8_t> out);

  /// When Report() is due next.
  Instant due() const { return due_; }
  [[nodiscard]] size_t Report(const Reception& reception, Instant now, WallTime wall,
                              Random* random, std::span<uint8_t> out);
  /// The last report, with BYE (§6.6).
  [[nodiscard]] size_t Leave(const Reception& reception, Instant now, WallTime wall,
                             std::span<uint8_t> out);

  struct Counts {
    uint32_t packets_in = 0;
    uint32_t packets_out = 0;
    uint32_t malformed = 0;  // In packets_in too.
  };
  const Counts& counts() const { return counts_; }

  std::optional<Duration> round_trip() const { return round_trip_; }
  /// What the peer last said of the stream that we send it: nullopt if it never did.
  const std::optional<ReportBlock>& peer_report() const { return peer_report_; }
  uint32_t sent_packets() const { return sent_packets_; }
  uint32_t sent_ssrc() const { return sent_ssrc_; }
  std::string_view cname() const { return {cname_.data(), cname_.size()}; }

 private:
  struct Beside {  // The last SSRC that was sent beside the stream's, or before it.
    uint32_t ssrc = 0;
    uint32_t packets = 0;
    uint32_t octets = 0;
  };

  void BeginSending(const PacketView& packet, Instant now);
  void OnSenderReport(const SenderReport& report, Instant now, const Source* source,
                      Incoming* incoming);
  void OnFeedback(const RtcpPacket& packet, Incoming* incoming) const;
  bool OnReports(const ReportBlocks& blocks, Instant now);
  bool WriteReports(uint32_t name, const std::optional<SenderReport>& report,
                    const Reception& reception, Instant now, RtcpWriter* out);
  std::optional<SenderReport> OwnReport(Instant now, WallTime wall) const;
  std::optional<SenderReport> ReportOfSender(Instant now, WallTime wall) const;
  bool sends_at(Instant now) const;
  uint32_t TicksSince(Instant then, Instant now) const;
  std::optional<ReportBlock> BlockOn(const Reception& reception, Instant now) const;
  size_t OnWritten(const std::optional<SenderReport>& report, size_t size, Instant now);
  void Schedule(Instant now, Random* random);
  void Average(size_t size);
  uint32_t reporter_ssrc() const { return sending_ ? sent_ssrc_ : own_ssrc_; }

  Instant feedback_due_;  // When the next NACK may pass,
  Instant picture_due_;   // and the next request for a picture.
  // Each sent packet touches these.
  uint32_t sent_ssrc_ = 0;
  uint32_t sent_packets_ = 0;
  uint32_t sent_octets_ = 0;
  uint32_t sent_timestamp_ = 0;
  Instant sent_timestamp_at_;
  Instant sent_at_;
  Beside beside_;
  bool sending_ = false;

  bool is_sender_ = false;
  bool reported_ = false;
  bool forwarded_ = false;
  uint16_t average_octets_ = 0;
  uint32_t own_ssrc_ = 0;
  uint32_t clock_rate_hz_ = 0;
  uint32_t octets_per_second_ = 0;
  Instant due_;
  Instant sender_reported_at_;  // By the sender itself; at first, when it began to send.
  NtpTime sender_ntp_;          // What it said then; 0: nothing yet, or no time.
  uint32_t sender_timestamp_ = 0;
  Instant forwarded_at_;
  // The SRs that can be answered for: their NTP's middle, and when they left.
  std::array<Instant, kSentReportsMax> sent_reports_at_{};
  std::array<uint32_t, kSentReportsMax> sent_reports_ntp_{};
  uint32_t sent_reports_count_ = 0;
  uint32_t peer_ssrc_ = 0;  // Whose SR came last, and when: LSR and DLSR.
  uint32_t peer_ntp_middle_ = 0;
  Instant peer_reported_at_;
  std::optional<Duration> round_trip_;
  std::optional<ReportBlock> peer_report_;
  Counts counts_;
  std::array<char, 16> cname_{};
};
static_assert(sizeof(RtcpSession) <= 272);

/// A sender's report on the other side of a relay.
inline SenderReport Translate(const HeaderRewrite& rewrite, SenderReport report) {
  if (rewrite.replace_ssrc) report.ssrc = rewrite.ssrc;
  report.rtp_timestamp += rewrite.timestamp_offset;
  return report;
}

}  // namespace core::rtp

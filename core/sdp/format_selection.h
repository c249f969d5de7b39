#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/base/bounded_vector.h"
#include "core/sdp/session_description.h"

namespace core::sdp {

/// Which formats of one m= line cross, in which order and under which numbers.
///
/// Shape:  at most as many as a line may have. None: the line is to be rejected.
struct FormatSelection {
  struct Entry {
    uint8_t index = 0;                   // Among the source's formats.
    uint8_t number = Format::kNoNumber;  // What to write; kNoNumber where it is not RTP.
  };
  BoundedVector<Entry, SessionDescription::kFormatsPerMediaMax> entries;

  bool empty() const { return entries.empty(); }
};

/// What may be told to a side of an audio line's codecs. Digits and comfort noise are no codecs
/// here: they go with their voice.
struct CodecPolicy {
  BoundedVector<Codec, kCodecCount> allowed;
  bool is_limited = false;  // To `allowed`, be it empty; else all may be, known to us or not.
  bool reorder = false;     // Into the order of `allowed`, else the offerer's own order stays.

  /// Where it stands in `allowed`; `allowed.size()` where it does not.
  size_t RankOf(Codec codec) const;
};

/// All, as they are.
FormatSelection SelectAll(std::span<const Format> formats);

/// What of an offer's line goes on under `policy`. Voice decides: without a voice codec nothing is
/// left. Beside it, DTMF and comfort noise go with the voice of their clock rate (RFC 4733 §2.1,
/// RFC 3389 §4), and encodings whose fmtp names other numbers (RFC 2198, RFC 4588) stay behind as
/// soon as one format does. Lines that are not audio over RTP are not judged by codec.
FormatSelection SelectForOffer(const MediaDescription& media, std::span<const Format> formats,
                               const CodecPolicy& policy);

/// What of an answer's line goes back to the offerer: what he offered, under his own numbers, in
/// the answerer's order. The answerer may list more (RFC 3264 §6.1) and may number it otherwise;
/// neither is the offerer's concern.
FormatSelection SelectForAnswer(std::span<const Format> offered, std::span<const Format> answered);

/// The same where the offer went on under `policy`: of `offered`, which is all that `media`'s line
/// had, what went on.
FormatSelection SelectForAnswer(const MediaDescription& media, std::span<const Format> offered,
                                std::span<const Format> answered, const CodecPolicy& policy);

/// Takes out what repairs a video with a stream of its own, RTX (RFC 4588) and FlexFEC (RFC 8627):
/// it has an SSRC of its own, and a stream here has one. What is lost is sent again all the same,
/// under its own number.
void DropRepairs(std::span<const Format> formats, FormatSelection* selection);

/// Which payload types may cross from one leg to the other, and what they are called there.
///
/// Shape:  128 bytes, by value, for the packet's path.
class PayloadMap {
 public:
  static constexpr uint8_t kRefused = Format::kNoNumber;
  static constexpr uint8_t kEndsHere = 0xfe;  // Taken, but it is for us: events that we read.
  static_assert(kEndsHere > 0x7f && kRefused > 0x7f, "no number of a payload type");

  PayloadMap() { to_.fill(kRefused); }
  /// kRefused: not negotiated (rule 23).
  uint8_t Find(uint8_t payload_type) const { return to_[payload_type & 0x7f]; }
  void Set(uint8_t payload_type, uint8_t to) { to_[payload_type & 0x7f] = to; }

  friend bool operator==(const PayloadMap&, const PayloadMap&) = default;

 private:
  std::array<uint8_t, 128> to_;
};

/// The map for what `sender` sends us and we pass to `receiver`. The sender uses the numbers of the
/// description that it was told last (RFC 3264 §5.1: they say what their writer wants to receive),
/// or, as many do, those of its own, where no other of its formats is the same encoding; where both
/// name one number differently, what it was told counts. The receiver gets the numbers of its own
/// description.
struct PayloadMapSources {
  std::span<const Format> told_to_sender;
  std::span<const Format> said_by_sender;
  std::span<const Format> said_by_receiver;
};
PayloadMap MapPayloads(const PayloadMapSources& sources);

}  // namespace core::sdp

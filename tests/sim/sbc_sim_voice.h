#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/base/instant.h"
#include "tests/sim/sbc_sim_truth.h"

namespace tests {

/// What statistics of RFC 3550 must say of the voice that the network brought, of 8 kHz, and what
/// a listener of it would say by ITU-T G.107.
///
/// Shape:  plain. Counted from all that came, number by number, and by no reader of the product.
/// Errors: what cannot be known is nullopt.
struct VoiceTruth {
  uint64_t packets = 0;
  uint64_t bytes = 0;      // Of all of them, from the RTP header on.
  uint64_t keys = 0;       // Packets of keys among them.
  uint64_t distinct = 0;   // Each number once,
  uint64_t voices = 0;     // and of these the voice's.
  uint64_t expected = 0;   // Of each run between breaks, from its first to its last.
  uint64_t lost = 0;       // What of that never came.
  uint64_t refused = 0;    // Repeats of a first packet, which proves nothing (A.1).
  uint64_t reordered = 0;  // Came behind one of a higher number.
  uint64_t late = 0;       // Came, but a jitter buffer would have played on by then.
  uint64_t loss_runs = 0;  // Of what was lost or late, without one between that was not.
  uint64_t ssrc_changes = 0;
  uint64_t payload_switches = 0;
  std::string last_codec;             // Its voice's last, by its name in records.
  bool unproved = false;              // One that passed was taken for nobody's, as a break came.
  std::optional<uint32_t> jitter_16;  // Appendix A.8's, in ticks / 16.
  uint32_t jitter_max_16 = 0;
  core::Duration longest_gap{};
  std::optional<core::Duration> buffer_depth;  // Of the jitter buffer, on average.

  static VoiceTruth Of(std::span<const BroughtRtp> brought);
  /// By the codec's name in records; of a conversation where the way there and back is known.
  std::optional<double> Mos(const std::string& codec,
                            std::optional<core::Duration> round_trip) const;
  std::optional<double> MosListening(const std::string& codec) const;
};

}  // namespace tests

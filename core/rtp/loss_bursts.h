#pragma once

#include <cstdint>
#include <optional>

namespace core::rtp {

/// How losses cluster, from the fate of each packet in the order of its sequence number: the bursts
/// and gaps of RFC 3611 §4.7.2 and the E-model's burst ratio (ITU-T G.107 §7.5).
///
/// Shape: a burst begins and ends with a loss, has at least two, and nowhere kGapMin played packets
///        in a row. All else is gap, isolated losses included. Counters only; any number of packets
///        of one fate costs the same.
class LossBursts {
 public:
  static constexpr uint32_t kGapMin = 16;  // RFC 3611's recommended Gmin.

  void Played(uint32_t count) {
    settled_ += count;
    played_run_ += count;
  }
  void Lost(uint32_t count);  // Lost or discarded: it was not there when it was to be played.

  /// What follows is another stream's: clusters do not reach across.
  void Break();

  uint32_t settled() const { return settled_; }          // Packets whose fate was told.
  uint32_t lost() const { return lost_; }                // Of these.
  uint32_t runs() const { return runs_; }                // Uninterrupted losses of any length.
  uint32_t longest_run() const { return longest_run_; }  // In packets.

  /// Bursts and gaps as if the stream ended here.
  struct Clusters {
    uint32_t bursts = 0;
    uint32_t burst_packets = 0;  // Of all bursts together.
    uint32_t burst_lost = 0;
    uint32_t gaps = 0;
    uint32_t gap_packets = 0;
    uint32_t gap_lost = 0;
  };
  Clusters clusters() const;

 private:
  void CloseGroup();

  uint32_t settled_ = 0;
  uint32_t lost_ = 0;
  uint32_t runs_ = 0;
  uint32_t run_ = 0;  // Length of the run that was last, or still goes on.
  uint32_t longest_run_ = 0;
  uint32_t played_run_ = 0;  // Packets played since the last loss.
  // The losses that lie closer together than kGapMin, up to the last one: a burst if two or more.
  uint32_t group_lost_ = 0;
  uint32_t group_packets_ = 0;
  uint32_t bursts_ = 0;
  uint32_t burst_packets_ = 0;
  uint32_t burst_lost_ = 0;
  uint32_t gaps_ = 0;       // That ended where a burst began.
  uint32_t group_gap_ = 0;  // Packets between the last burst (or the start) and the group.
};

/// The average length of the runs of losses over what it would be, were the same losses random: 1
/// is random, more is bursty (G.107 §7.5).
///
/// Errors: nullopt where nothing was lost or everything was: there is no telling.
std::optional<double> BurstRatio(uint32_t packets, uint32_t lost, uint32_t runs);

}  // namespace core::rtp

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/instant.h"

namespace loadgen {

/// A call of some generator: the same number in another run is another call.
struct CallIdentity {
  uint32_t run = 0;  // Drawn at start, never 0: 0 is no call.
  uint32_t call = 0;
  friend bool operator==(const CallIdentity&, const CallIdentity&) = default;
};

/// What --media_marks writes over the beginning of each audio payload, so that whoever receives it
/// can prove what became of it: whose it is, for whom, which one, and when it left.
///
/// `heard` is the call that the sender takes for its peer, once it has heard one: so each side
/// learns of the other's identity without SIP, and through whatever stands between them.
///
/// Shape: kBytes; a payload that is shorter (G.729, digits) is not marked, but counted.
struct MediaMark {
  static constexpr size_t kBytes = 32;

  CallIdentity sender;
  CallIdentity heard;
  uint32_t sequence = 0;  // From 0 on: what is missing before the first that came is known too.
  core::Instant sent;     // By the sender's clock: the receiver's own on the same machine.

  void Write(std::span<uint8_t> payload) const;
  /// False where there is no mark.
  [[nodiscard]] bool Read(std::span<const uint8_t> payload);
};

/// What a mark proved of its packet.
enum class MarkFate : uint8_t {
  kNew,
  kDuplicate,
  kMisrouted,  // Of another call than the one that is heard, or meant for another, or of ours.
  kEchoed,     // Our own.
};

/// The marks that one call receives.
///
/// Shape:  the first mark that is not meant for another call says who the peer is. Duplicates are
///         known among the last kWindow; what is further behind counts as new.
/// Thread: one worker's.
class MarkReader {
 public:
  static constexpr uint32_t kWindow = 64;

  MarkFate OnMark(const MediaMark& mark, const CallIdentity& own);
  /// By what came before; nothing is learnt of it.
  bool IsMisrouted(const MediaMark& mark, const CallIdentity& own) const;

  const CallIdentity& peer() const { return peer_; }  // run 0: none was heard.
  bool is_mutual() const { return is_mutual_; }       // The peer said that it hears us.
  /// Up to the highest that came, each once.
  uint64_t expected() const { return expected_; }
  uint64_t received() const { return received_; }
  uint64_t lost() const { return expected_ > received_ ? expected_ - received_ : 0; }

 private:
  CallIdentity peer_;
  bool is_mutual_ = false;
  uint64_t expected_ = 0;
  uint64_t received_ = 0;
  uint64_t window_ = 0;  // Bit n: the one n before the highest came.
};

}  // namespace loadgen

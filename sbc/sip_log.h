#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/lazy_array.h"
#include "core/base/siphash.h"
#include "sbc/call_record.h"

namespace sbc {

/// Which Call-IDs belong to calls whose connector has its SIP messages logged (EnableSIPLogs).
///
/// What has ended stays known until its place is needed, as the last messages of a call come after
/// its record: an ACK, the answer to a BYE, a repeat.
///
/// Shape:    places for kPlacesPerCall Call-IDs a call, in sets of kWays. Where a set is full, what
///           ended goes first, else what began first: its further messages are not logged.
/// Lifetime: keeps hashes of Call-IDs, as far as records keep these.
/// Thread:   one worker's. Nothing is allocated after construction, and nothing is touched before
///           the first Begin().
class SipLog {
 public:
  static constexpr size_t kWays = 8;
  // A call fills two; the rest is for chance, failovers and what has ended.
  static constexpr size_t kPlacesPerCall = 8;

  struct Entry {
    uint64_t hash = 0;  // 0: a free place.
    uint64_t transaction_id[2] = {};
    uint32_t age = 0;  // Rises with each Begin().
    uint16_t connector = 0;
    bool has_ended = false;
  };

  SipLog(size_t calls_max, const core::HashKey& key);

  void Begin(std::string_view call_id, const CallRecord& record);
  void End(std::string_view call_id);
  /// Null where its messages are not logged. Good until the next Begin().
  const Entry* Find(std::string_view call_id);
  bool has_any() const { return begun_ > 0; }

 private:
  uint64_t HashOf(std::string_view call_id) const;
  Entry* SetOf(uint64_t hash) { return &entries_[(hash & set_mask_) * kWays]; }
  Entry* FindHash(uint64_t hash);

  core::HashKey key_;
  size_t set_mask_;
  core::LazyArray<Entry> entries_;
  uint32_t begun_ = 0;
};

}  // namespace sbc

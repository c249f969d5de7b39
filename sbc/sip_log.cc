#include "sbc/sip_log.h"

#include <algorithm>
#include <bit>
#include <type_traits>

namespace sbc {

SipLog::SipLog(size_t calls_max, const core::HashKey& key)
    : key_(key),
      set_mask_(std::bit_ceil(std::max<size_t>(1, calls_max * kPlacesPerCall / kWays)) - 1),
      entries_((set_mask_ + 1) * kWays) {}

// Records cut what is longer; so must who looks a message up by what its record says.
uint64_t SipLog::HashOf(std::string_view call_id) const {
  constexpr size_t kKept = 128;
  static_assert(std::is_same_v<decltype(CallRecord::caller_call_id), core::BoundedText<kKept>>);
  return std::max<uint64_t>(core::SipHash(key_, call_id.substr(0, kKept)), 1);
}

SipLog::Entry* SipLog::FindHash(uint64_t hash) {
  Entry* set = SetOf(hash);
  for (size_t i = 0; i < kWays; ++i) {
    if (set[i].hash == hash) return &set[i];
  }
  return nullptr;
}

const SipLog::Entry* SipLog::Find(std::string_view call_id) {
  return has_any() ? FindHash(HashOf(call_id)) : nullptr;
}

void SipLog::Begin(std::string_view call_id, const CallRecord& record) {
  const uint64_t hash = HashOf(call_id);
  Entry* place = FindHash(hash);
  if (place == nullptr) {
    Entry* set = SetOf(hash);
    // Free places first, then what ended, then the oldest.
    place = std::min_element(set, set + kWays, [](const Entry& a, const Entry& b) {
      if ((a.hash == 0) != (b.hash == 0)) return a.hash == 0;
      if (a.has_ended != b.has_ended) return a.has_ended;
      return a.age < b.age;
    });
  }
  *place = {.hash = hash,
            .transaction_id = {record.transaction_id[0], record.transaction_id[1]},
            .age = ++begun_,
            .connector = record.connector,
            .has_ended = false};
}

void SipLog::End(std::string_view call_id) {
  if (!has_any()) return;
  if (Entry* entry = FindHash(HashOf(call_id))) entry->has_ended = true;
}

}  // namespace sbc

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/fixed_hash_map.h"
#include "core/base/instant.h"
#include "core/base/intrusive_list.h"
#include "core/base/lazy_array.h"
#include "core/base/pool.h"
#include "core/base/random.h"
#include "core/base/siphash.h"
#include "core/buffer/packet_pool.h"
#include "loadgen/call.h"
#include "loadgen/scenario.h"

namespace loadgen {

/// A Call-ID as calls are found by: without all up to `///`, which a scenario may put in front of
/// its [call_id] to have several dialogs in one call.
std::string_view TrimCallId(std::string_view call_id);

/// The calls that are open and those that lately ended, by Call-ID.
///
/// Shape:    at most `calls` at once; `dead_calls` ended ones are remembered for `dead_wait`, the
///           oldest forgotten first where there is no room.
/// Lifetime: owns the calls and the messages they keep; a Call never moves.
/// Errors:   Open() and Keep() are null when dry: counted, the generator was the limit.
/// Thread:   one worker's. Nothing is allocated after construction.
class CallSet {
 public:
  static constexpr core::Duration kDeadWait = std::chrono::seconds(33);  // SIPp's -deadcall_wait.
  // For its variables' texts, and as much for those of its <User>: SIPp's MAX_HEADER_LEN.
  static constexpr size_t kTextBytesPerCall = 2048;

  struct Limits {
    size_t calls = 0;
    size_t dead_calls = 0;
  };

  /// `scenarios` are those whose calls these will be. `store` outlives the set.
  CallSet(const Limits& limits, const std::vector<const Scenario*>& scenarios,
          size_t injection_files, core::PacketStore* store, core::Random* random);
  ~CallSet();
  CallSet(const CallSet&) = delete;
  CallSet& operator=(const CallSet&) = delete;

  struct Parts {
    ScenarioPlayer* player = nullptr;
    const Scenario* scenario = nullptr;
    std::string_view call_id;  // Trimmed.
    core::Timer::Fire on_wait = nullptr;
    core::Timer::Fire on_retransmit = nullptr;
  };
  Call* Open(const Parts& parts);
  /// Gives back all that the call holds. It is then one of the dead for a while.
  void Close(Call* call, core::Instant now);

  Call* Find(std::string_view trimmed_call_id);
  /// Whether a call of that Call-ID ended lately.
  bool WasLately(std::string_view trimmed_call_id, core::Instant now);

  /// Copies a message that came and indexes it. Null when there is no room. The index may have an
  /// error: that is for the caller to judge.
  Received* Keep(std::string_view bytes, core::Instant at);
  void Release(Received* received) { received_.Release(received); }

  Call* first() { return open_.front(); }
  Call* Next(Call* call) { return open_.Next(call); }
  size_t size() const { return calls_.size(); }
  size_t capacity() const { return calls_.capacity(); }
  size_t kept() const { return received_.size(); }

 private:
  struct Dead {
    uint64_t hash = 0;
    core::Instant until;
  };
  static size_t StrideOf(const std::vector<const Scenario*>& scenarios, size_t injection_files);
  void LaySlab(Call* call, const Scenario& scenario);
  void Bury(uint64_t hash, core::Instant now);
  void ForgetOldest();

  core::PacketStore* store_;
  core::HashKey key_;
  uint64_t message_key_;
  core::Pool<Call> calls_;
  core::Pool<Received> received_;
  core::FixedHashMap<core::Handle<Call>> by_call_id_;
  core::IntrusiveList<Call> open_;

  // Beside each call: its variables, timers, transactions and lines, and the variables' texts.
  size_t injection_lines_;
  size_t stride_;
  core::LazyArray<char> slab_;

  core::LazyArray<Dead> dead_;  // A ring, in the order of their deaths.
  size_t oldest_dead_ = 0;
  size_t dead_count_ = 0;
  core::FixedHashMap<uint32_t> dead_by_hash_;  // To the place in dead_.
};

}  // namespace loadgen

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/address.h"
#include "core/base/check.h"

namespace core::engine {

/// One message between threads: what it is, some words, and perhaps a datagram's bytes.
///
/// Shape:    `kind` and `words` mean what the program says; `bytes` is at most kBytesMax long.
/// `local`
///           and `remote` are there for a datagram that is handed to its owner (rule 15).
/// Lifetime: for the writer, `bytes` need only live through Post(), which copies them. For the
/// reader
///           they live until its visit returns.
struct Envelope {
  static constexpr size_t kWords = 4;
  static constexpr size_t kBytesMax = 65535;  // As much as a datagram can hold.

  uint16_t kind = 0;
  uint16_t from = 0;  // The writer's number; the mailbox fills it in.
  Endpoint local;
  Endpoint remote;
  std::array<uint64_t, kWords> words = {};
  std::string_view bytes;
};
static_assert(std::is_trivially_copyable_v<Envelope>);

/// A bounded ring of envelopes from one thread to another.
///
/// Shape:   records of the length that each needs, one after another in a ring of bytes, so that a
///          word costs little and 64 kB still fit. Nothing is allocated after construction.
/// Order:   first in, first out.
/// Errors:  Post() is false when the record does not fit now: the sender has its answer to that.
/// Thread:  Post() and Publish() are the writer's, Drain() and pending() the reader's.
class Mailbox {
 public:
  /// So that the longest record always fits into an empty ring, wherever its end is.
  static constexpr size_t kRingBytesMin = size_t{256} << 10;

  /// `ring_bytes` is a power of two, at least kRingBytesMin.
  Mailbox(size_t ring_bytes, uint16_t from);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Copies the envelope into the ring. The reader sees it from the next Publish() on.
  [[nodiscard]] bool Post(const Envelope& envelope);
  /// Shows the reader everything posted so far; false when there was nothing new.
  bool Publish();

  /// Visits at most `max` envelopes and returns how many. Their room is free again afterwards.
  template <typename Visit>
  size_t Drain(size_t max, Visit&& visit) {
    const uint64_t end = published_.load(std::memory_order_acquire);
    uint64_t at = drained_.load(std::memory_order_relaxed);
    size_t count = 0;
    while (at != end && count < max) {
      const Record* record = RecordAt(at);
      if (record->is_skip) {
        at += record->stride;
        continue;
      }
      visit(record->envelope);
      at += record->stride;
      ++count;
    }
    drained_.store(at, std::memory_order_release);
    return count;
  }
  bool pending() const {
    // In one order with the reader's "I sleep" and the writer's "is it asleep?"; see MailboxSet.
    return published_.load(std::memory_order_seq_cst) != drained_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kAlign = 64;  // Also what separates the two threads' cache lines.

  struct alignas(kAlign) Record {
    uint32_t stride;  // To the next record.
    bool is_skip;  // The rest of the ring is too short for what follows; it goes on at the start.
    Envelope envelope;
  };

  Record* RecordAt(uint64_t position) const {
    return reinterpret_cast<Record*>(ring_ + (position & (ring_bytes_ - 1)));
  }

  const size_t ring_bytes_;
  const uint16_t from_;
  std::unique_ptr<char[]> memory_;
  char* ring_;  // `memory_` from its first aligned byte on.

  // Positions only grow; the ring's place is the position modulo its size.
  alignas(kAlign) uint64_t written_ = 0;  // The writer's own.
  uint64_t drained_seen_ = 0;             // What the writer last read of `drained_`.
  alignas(kAlign) std::atomic<uint64_t> published_ = 0;
  alignas(kAlign) std::atomic<uint64_t> drained_ = 0;
};

/// What ends the sleep of a mailbox's reader. Any thread may call Wake().
class Waker {
 public:
  virtual ~Waker() = default;
  /// Ends a wait that is under way, or the next one.
  virtual void Wake() = 0;
};

/// All mailboxes into one thread: one for each writer.
///
/// Shape:    `writers` mailboxes, numbered by their writers.
/// Wake-ups: a writer wakes the reader only if it sleeps, and only one of them does (rule 15): the
///           reader says that it will sleep and then looks once more; a writer publishes and then
///           asks whether it sleeps. The four accesses have one order that both sides see, so at
///           least one of the two notices the other.
/// Lifetime: outlives its writers' Outboxes. The waker may go only when no writer runs any more.
/// Thread:   the reader's, except Notify() and mailbox(writer), which are that writer's.
class MailboxSet {
 public:
  static constexpr size_t kRingBytesDefault = size_t{1} << 20;

  explicit MailboxSet(uint16_t writers, size_t ring_bytes = kRingBytesDefault);

  /// Set by the reader before its first BeginSleep().
  void set_waker(Waker* waker) { waker_ = waker; }

  /// Visits what was published, at most `max_each` envelopes of each writer; returns how many.
  template <typename Visit>
  size_t Drain(size_t max_each, Visit&& visit) {
    size_t count = 0;
    for (const std::unique_ptr<Mailbox>& mailbox : mailboxes_) {
      count += mailbox->Drain(max_each, visit);
    }
    return count;
  }

  /// False, when there is something to drain: then the reader must not wait. True: it may, and a
  /// writer that publishes from now on wakes it. EndSleep() follows in both cases.
  [[nodiscard]] bool BeginSleep();
  void EndSleep() { sleeping_.store(false, std::memory_order_relaxed); }

  bool pending() const;
  uint16_t writers() const { return static_cast<uint16_t>(mailboxes_.size()); }

  Mailbox* mailbox(uint16_t writer) {
    CHECK(writer < mailboxes_.size());
    return mailboxes_[writer].get();
  }
  /// After a Publish(): wakes the reader if it sleeps; true when it did.
  bool Notify();

 private:
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  Waker* waker_ = nullptr;
  std::atomic<bool> sleeping_ = false;
};

/// One thread's way to all others: posts are collected, and handed over once a turn.
///
/// Shape:  one target a thread, by number; a thread may post to itself too.
/// Errors: Post() is false, and counted, when that target's mailbox is full.
/// Thread: the writer's.
class Outbox {
 public:
  struct Counters {
    uint64_t posted = 0;
    uint64_t refused = 0;  // The target's mailbox was full.
    uint64_t wakes = 0;
  };

  /// `targets[i]` is the set that thread i reads; each has a mailbox for `writer`.
  Outbox(uint16_t writer, const std::vector<MailboxSet*>& targets);

  [[nodiscard]] bool Post(size_t target, const Envelope& envelope);
  /// Publishes to every target that was posted to, and wakes those that sleep. Once a turn.
  void Flush();

  const Counters& counters() const { return counters_; }
  size_t targets() const { return targets_.size(); }

 private:
  struct Target {
    MailboxSet* set;
    Mailbox* mailbox;
  };
  std::vector<Target> targets_;
  Counters counters_;
};

}  // namespace core::engine

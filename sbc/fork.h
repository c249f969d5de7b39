#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/base/instant.h"
#include "core/base/pool.h"
#include "core/buffer/packet.h"
#include "core/sip/dialog.h"
#include "sbc/leg_id.h"

namespace sbc {

/// A provisional response that the caller must acknowledge (RFC 3262 §3).
///
/// Shape: one at a time for each early dialog that the caller has: the callee may not send its next
///        before ours is acknowledged, since its PRACK is the caller's, passed on.
struct ReliableProvisional {
  bool pending = false;
  bool has_sdp = false;
  uint32_t rseq = 0;  // Ours, towards the caller.
  uint32_t callee_rseq =
      0;                // The callee's; 0: it did not ask, the caller did, and the PRACK ends here.
  core::Packet packet;  // Sent again until the PRACK comes.
  core::Duration interval{};
  core::Instant resend_at = core::kNever;
  core::Instant give_up_at = core::kNever;
};

/// One early dialog of the callee and the caller's dialog that stands for it (rule 13). One of them
/// becomes the call's only one. Folded, all have the first one's dialog with the caller.
struct Fork {
  uint8_t index = 0;                         // In its call's Forks.
  Fork* next = nullptr;                      // There.
  std::array<core::sip::Dialog, 2> dialogs;  // By LegId; the caller's is empty in what is folded.
  Fork* folded_into = nullptr;               // Null: the caller has a dialog for this one alone.
  bool ended = false;      // By a BYE of the caller's (RFC 3261 §15); others may go on.
  uint8_t heard = 0;       // Index of the fork that the caller last heard in this dialog.
  uint32_t last_rseq = 0;  // Ours, last used towards the caller in this dialog.
  uint32_t last_callee_rseq = 0;
  // The INVITE's offer, or the callee's where it had none, has its answer in a reliable response or
  // its PRACK (RFC 3262 §5): so either side may make another one.
  bool agreed = false;
  // By an UPDATE or a PRACK since, so that the INVITE's own SDP is the older one.
  bool agreed_anew = false;
  ReliableProvisional reliable;
  core::Packet held_provisional;  // One that must be reliable and came before the last one's PRACK.
  // By LegId: the last offer and answer that were agreed on in it, where media is ours. An INVITE's
  // own offer, which all have, is not kept here.
  std::array<core::KeptText, 2> sdp;
  LegId offer_from = LegId::kCaller;  // Of `sdp`,
  LegId pending_from = LegId::kCaller;
  core::KeptText pending;  // and of an offer that has no answer yet; where it is refused it goes.
  // A 2xx that waits for the PRACK of a reliable 18x with SDP (RFC 3262 §3).
  core::Packet held_answer;

  /// Whose dialog the caller takes this one for, and its RSeq.
  Fork& shown() { return folded_into == nullptr ? *this : *folded_into; }
  core::sip::Dialog& dialog(LegId leg) {
    return leg == LegId::kCaller ? shown().dialogs[Index(leg)] : dialogs[Index(leg)];
  }
  /// Another early dialog of the callee takes this one's place: what the caller has stays, and what
  /// was under way with the one before is over.
  void GiveWay() {
    dialogs[Index(LegId::kCallee)] = {};
    last_callee_rseq = 0;
    agreed = agreed_anew = false;
    reliable = {};
    held_provisional.Reset();
    held_answer.Reset();
    for (core::KeptText& each : sdp) each.Reset();
    pending.Reset();
  }
};

/// The early dialogs of one call, in the order in which they came.
///
/// Shape:    kMax at most. The first is part of the call, as most have no other; the rest come from
///           the worker's pool.
/// Lifetime: Clear() before it goes, or the pool misses them.
class Forks {
 public:
  static constexpr size_t kMax = 16;  // Phones that ring for one number.

  class Iterator {
   public:
    explicit Iterator(Fork* at) : at_(at) {}
    Fork& operator*() const { return *at_; }
    Iterator& operator++() {
      at_ = at_->next;
      return *this;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    Fork* at_;
  };
  Iterator begin() { return Iterator(count_ == 0 ? nullptr : &first_); }
  Iterator end() { return Iterator(nullptr); }

  size_t size() const { return count_; }
  /// The first, which is there before any has come.
  Fork& first() { return first_; }
  /// Of index < size().
  Fork& operator[](size_t index) {
    Fork* fork = &first_;
    while (index-- > 0) fork = fork->next;
    return *fork;
  }
  /// One more. Null where there are kMax, or the pool is dry.
  Fork* Add(core::Pool<Fork>* pool) {
    if (count_ == 0) {
      count_ = 1;
      return &first_;
    }
    if (count_ == kMax) return nullptr;
    Fork* fork = pool->Acquire();
    if (fork == nullptr) return nullptr;
    (*this)[count_ - 1u].next = fork;
    fork->index = count_++;
    return fork;
  }
  /// Takes back the last one that was added.
  void RemoveLast(core::Pool<Fork>* pool) {
    --count_;
    if (count_ == 0) {
      first_ = Fork();
      return;
    }
    Fork& before = (*this)[count_ - 1u];
    pool->Release(before.next);
    before.next = nullptr;
  }
  void Clear(core::Pool<Fork>* pool) {
    while (count_ > 0) RemoveLast(pool);
  }

 private:
  Fork first_;
  uint8_t count_ = 0;
};

}  // namespace sbc

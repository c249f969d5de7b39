#include "core/engine/mailbox.h"

#include <bit>
#include <cstring>
#include <new>

namespace core::engine {

Mailbox::Mailbox(size_t ring_bytes, uint16_t from) : ring_bytes_(ring_bytes), from_(from) {
  CHECK(std::has_single_bit(ring_bytes) && ring_bytes >= kRingBytesMin);
  // Not cleared: a ring that never fills its first megabyte never touches the rest.
  memory_ = std::make_unique_for_overwrite<char[]>(ring_bytes + kAlign);
  void* start = memory_.get();
  size_t space = ring_bytes + kAlign;
  ring_ = static_cast<char*>(std::align(kAlign, ring_bytes, start, space));
  CHECK(ring_ != nullptr);
}

bool Mailbox::Post(const Envelope& envelope) {
  CHECK(envelope.bytes.size() <= Envelope::kBytesMax);
  const size_t stride = (sizeof(Record) + envelope.bytes.size() + kAlign - 1) & ~(kAlign - 1);
  const size_t to_end = ring_bytes_ - (written_ & (ring_bytes_ - 1));
  const size_t skipped = stride <= to_end ? 0 : to_end;

  if (written_ + skipped + stride - drained_seen_ > ring_bytes_) {
    // The reader's cache line is fetched only when what we knew of it is not enough.
    drained_seen_ = drained_.load(std::memory_order_acquire);
    if (written_ + skipped + stride - drained_seen_ > ring_bytes_) return false;
  }
  if (skipped != 0) {
    // A record's head always fits: strides and the ring are multiples of kAlign.
    char* place = ring_ + (written_ & (ring_bytes_ - 1));
    const uint32_t skip_stride = static_cast<uint32_t>(skipped);
    const bool is_skip = true;
    std::memcpy(place + offsetof(Record, stride), &skip_stride, sizeof(skip_stride));
    std::memcpy(place + offsetof(Record, is_skip), &is_skip, sizeof(is_skip));
    written_ += skipped;
  }
  Record* record = new (RecordAt(written_)) Record{static_cast<uint32_t>(stride), false, envelope};
  char* bytes = reinterpret_cast<char*>(record) + sizeof(Record);
  if (!envelope.bytes.empty()) std::memcpy(bytes, envelope.bytes.data(), envelope.bytes.size());
  record->envelope.from = from_;
  record->envelope.bytes = {bytes, envelope.bytes.size()};
  written_ += stride;
  return true;
}

bool Mailbox::Publish() {
  if (written_ == published_.load(std::memory_order_relaxed)) return false;
  published_.store(written_, std::memory_order_seq_cst);
  return true;
}

MailboxSet::MailboxSet(uint16_t writers, size_t ring_bytes) {
  CHECK(writers > 0);
  mailboxes_.reserve(writers);
  for (uint16_t i = 0; i < writers; ++i) {
    mailboxes_.push_back(std::make_unique<Mailbox>(ring_bytes, i));
  }
}

bool MailboxSet::pending() const {
  for (const std::unique_ptr<Mailbox>& mailbox : mailboxes_) {
    if (mailbox->pending()) return true;
  }
  return false;
}

bool MailboxSet::BeginSleep() {
  sleeping_.store(true, std::memory_order_seq_cst);
  return !pending();
}

bool MailboxSet::Notify() {
  if (!sleeping_.load(std::memory_order_seq_cst)) return false;
  // Of several writers one wakes; the others have published before the reader looks again.
  if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return false;
  waker_->Wake();
  return true;
}

Outbox::Outbox(uint16_t writer, const std::vector<MailboxSet*>& targets) {
  targets_.reserve(targets.size());
  for (MailboxSet* set : targets) targets_.push_back({set, set->mailbox(writer)});
}

bool Outbox::Post(size_t target, const Envelope& envelope) {
  CHECK(target < targets_.size());
  if (!targets_[target].mailbox->Post(envelope)) {
    ++counters_.refused;
    return false;
  }
  ++counters_.posted;
  return true;
}

void Outbox::Flush() {
  for (const Target& target : targets_) {
    if (target.mailbox->Publish() && target.set->Notify()) ++counters_.wakes;
  }
}

}  // namespace core::engine

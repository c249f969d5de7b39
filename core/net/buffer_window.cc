#include "core/net/buffer_window.h"

#include <liburing.h>
#include <sys/mman.h>

#include <bit>
#include <utility>

#include "core/base/check.h"
#include "core/base/out_of_memory.h"
#include "core/net/receive_header.h"
#include "core/net/uring_setup.h"

namespace core::net {

static_assert(sizeof(io_uring_recvmsg_out) == offsetof(ReceiveHeader, name));

BufferWindow::BufferWindow(uint16_t group, uint32_t slot_bytes, uint32_t count)
    : group_(group), entries_(std::bit_ceil(count)), pool_(slot_bytes, count) {
  CHECK(count > 0 && count <= kCountMax);
  shown_.resize(count);
  free_ids_.reserve(count);
  for (uint32_t i = count; i > 0; --i) free_ids_.push_back(static_cast<uint16_t>(i - 1));
  void* memory = mmap(nullptr, entries_ * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) OutOfMemory();
  entries_memory_ = static_cast<io_uring_buf_ring*>(memory);
}

BufferWindow::~BufferWindow() {
  for (PacketSlot* slot : shown_) {
    if (slot != nullptr) Packet::AdoptSlot(slot).Reset();
  }
  munmap(entries_memory_, entries_ * sizeof(io_uring_buf));
}

absl::Status BufferWindow::Register(UringRing* ring) {
  io_uring_buf_reg registration = {};
  registration.ring_addr = reinterpret_cast<uint64_t>(entries_memory_);
  registration.ring_entries = entries_;
  registration.bgid = group_;
  const int error = io_uring_register_buf_ring(ring->raw(), &registration, 0);
  return error == 0 ? absl::OkStatus() : RingRefused(-error);
}

void BufferWindow::TopUp() {
  const uint16_t tail_before = tail_;
  const auto mask = static_cast<uint16_t>(entries_ - 1);
  while (!free_ids_.empty()) {
    Packet packet = pool_.Acquire();
    if (!packet) break;  // The rest is still with this turn's readers.
    PacketSlot* slot = packet.ReleaseToBackend();
    const uint16_t id = free_ids_.back();
    free_ids_.pop_back();
    shown_[id] = slot;
    // Field by field: the fourth field of entry 0 is the ring's tail.
    io_uring_buf& entry = entries_memory_->bufs[tail_ & mask];
    entry.addr = reinterpret_cast<uint64_t>(slot->data - sizeof(ReceiveHeader));
    entry.len = slot->capacity + static_cast<uint32_t>(sizeof(ReceiveHeader));
    entry.bid = id;
    ++tail_;
  }
  if (tail_ == tail_before) return;
  available_ += static_cast<uint16_t>(tail_ - tail_before);
  __atomic_store_n(&entries_memory_->tail, tail_, __ATOMIC_RELEASE);
}

Packet BufferWindow::Take(uint16_t buffer_id) {
  CHECK(buffer_id < shown_.size());
  PacketSlot* slot = std::exchange(shown_[buffer_id], nullptr);
  CHECK(slot != nullptr);
  free_ids_.push_back(buffer_id);
  --available_;
  return Packet::AdoptSlot(slot);
}

}  // namespace core::net

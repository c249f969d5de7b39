#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "core/buffer/packet_pool.h"
#include "core/net/uring_ring.h"

struct io_uring_buf_ring;

namespace core::net {

/// A window through which the kernel sees the free slots of a PacketPool: a provided-buffer ring of
/// io_uring (rule 1). A buffer in the window belongs to the kernel until a completion names it.
///
/// Shape:    at most `count` slots of `slot_bytes`, count up to kCountMax. The kernel writes each
///           datagram to the slot's data and what it says about it into the headroom.
/// Lifetime: outlives its Packets, and dies after the ring.
/// Thread:   one worker's.
class BufferWindow {
 public:
  static constexpr uint32_t kCountMax = 32768;  // The kernel's limit of entries.

  BufferWindow(uint16_t group, uint32_t slot_bytes, uint32_t count);
  BufferWindow(const BufferWindow&) = delete;
  BufferWindow& operator=(const BufferWindow&) = delete;
  ~BufferWindow();

  absl::Status Register(UringRing* ring);

  /// Shows the kernel all slots that are free.
  void TopUp();
  /// The slot that a completion names, which is no longer the kernel's.
  Packet Take(uint16_t buffer_id);

  uint16_t group() const { return group_; }
  uint32_t count() const { return static_cast<uint32_t>(pool_.count()); }
  uint32_t available() const { return available_; }  // Slots in the window.
  /// Enough to be worth re-arming receives that ended because the window was empty.
  bool Recovered() const { return available_ > 0 && available_ >= count() / 4; }

 private:
  const uint16_t group_;
  const uint32_t entries_;
  PacketPool pool_;
  std::vector<PacketSlot*> shown_;  // By buffer id: what the kernel has.
  std::vector<uint16_t> free_ids_;
  io_uring_buf_ring* entries_memory_ = nullptr;
  uint16_t tail_ = 0;
  uint32_t available_ = 0;
};

}  // namespace core::net

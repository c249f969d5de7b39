#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/net/dpdk_setup.h"
#include "core/net/ethernet.h"

struct rte_mbuf;
struct rte_mempool;

namespace core::net {

/// One network port of DPDK with one queue each way: frames in, frames out. With dpdk_setup, all
/// that knows DPDK's own types.
///
/// Shape:    bursts and batches of at most kBatchMax frames.
/// Lifetime: closes the device at its end. All its memory is set up in Open().
/// Errors:   Open() names the device, what is missing, and what to do.
/// Thread:   one worker's.
class DpdkPort {
 public:
  static constexpr size_t kBatchMax = 32;
  using Frame = std::span<const uint8_t>;

  static absl::StatusOr<std::unique_ptr<DpdkPort>> Open(const DpdkEnvironment& environment);
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;
  ~DpdkPort();

  const MacAddress& mac() const { return mac_; }
  uint16_t mtu() const { return mtu_; }

  /// Up to `frames_max` frames that have come, each in one piece; they are readable until the next
  /// Receive(). `*fetched` is how many the card gave: those in several pieces are dropped.
  std::span<const Frame> Receive(size_t frames_max, size_t* fetched);

  /// Room for one more frame of `size` bytes in the batch to send, shorter ones padded to what
  /// Ethernet wants. Null when all buffers are in use.
  [[nodiscard]] uint8_t* Append(size_t size);
  size_t batch_size() const { return batch_size_; }
  bool batch_full() const { return batch_size_ == kBatchMax; }
  /// Sends the batch in order. Returns how many of its frames the card took; the rest are dropped.
  size_t SendBatch();

  uint64_t scattered() const { return scattered_; }  // Frames in several pieces.
  uint64_t missed() const;                           // Frames for which the card had no room.

 private:
  DpdkPort() = default;
  absl::Status Find(const DpdkEnvironment& environment);
  absl::Status Configure(const DpdkEnvironment& environment);
  void FreeReceived();

  static constexpr uint16_t kNoPort = UINT16_MAX;
  uint16_t port_ = kNoPort;
  bool started_ = false;
  MacAddress mac_ = {};
  uint16_t mtu_ = 0;
  rte_mempool* buffers_ = nullptr;
  std::array<rte_mbuf*, kBatchMax> received_ = {};
  size_t received_size_ = 0;
  std::array<Frame, kBatchMax> frames_;
  std::array<rte_mbuf*, kBatchMax> batch_ = {};
  size_t batch_size_ = 0;
  uint64_t scattered_ = 0;
};

}  // namespace core::net

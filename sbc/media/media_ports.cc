#include "sbc/media/media_ports.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "core/base/concat.h"

namespace sbc {

using core::Instant;

namespace {

// A call's own: 300 ms of its packets, and what waits longer than a jitter buffer is worthless.
constexpr uint32_t kOwnBufferBytes = 64u << 10;
// Of many calls: what a stall of some 100 ms brings at 50,000 packets/s.
constexpr uint32_t kSharedBufferBytes = 4u << 20;
// Pairs at rest beside those in use, as a share of the calls.
constexpr size_t kRestingShare = 4;

uint32_t FirstEven(const MediaConfig& config) { return (config.port_first + 1u) & ~1u; }

absl::StatusOr<core::SocketId> OpenPort(core::net::PacketIo* io, const core::Endpoint& local,
                                        bool shared) {
  core::net::SocketOptions socket;
  socket.local = local;
  socket.group = core::net::BufferGroup::kMedia;
  socket.receive_buffer_bytes = shared ? kSharedBufferBytes : kOwnBufferBytes;
  socket.kernel_receive_time = true;  // Jitter is the network's, not that of our turns.
  socket.icmp_errors = false;         // On media sockets they are a counter at most (rule 8).
  absl::StatusOr<core::SocketId> opened = io->Open(socket);
  if (opened.ok()) return opened;
  const core::Endpoint::Text text = local.text();
  return absl::Status(opened.status().code(), core::Concat("media port ", text.view(), ": ",
                                                           std::string(opened.status().message())));
}

}  // namespace

uint32_t MediaPorts::PairsIn(const MediaConfig& config) {
  const uint32_t first = FirstEven(config);
  return first >= config.port_last ? 0 : (config.port_last + 1u - first) / 2;
}

size_t MediaPorts::PairsFor(const MediaConfig& config, uint16_t worker, uint16_t workers,
                            size_t pairs_max) {
  const size_t all = PairsIn(config);
  const size_t share = all / workers + (worker < all % workers ? 1 : 0);
  const size_t wanted = config.shared ? kSharedPairsMax : pairs_max + pairs_max / kRestingShare + 1;
  return std::min(share, wanted);
}

MediaPorts::MediaPorts(const MediaConfig& config, uint16_t worker, uint16_t workers,
                       size_t pairs_max)
    : config_(config),
      advertised_(config.advertise.value_or(config.address)),
      worker_(worker),
      workers_(workers),
      count_(PairsFor(config, worker, workers, pairs_max)) {
  pairs_.reserve(count_);
  free_.reserve(count_);
  resting_.resize(count_);
}

absl::Status MediaPorts::Open(core::net::PacketIo* io) {
  for (size_t i = 0; i < count_; ++i) {
    Pair pair;
    const auto port = static_cast<uint16_t>(FirstEven(config_) + 2 * (worker_ + i * workers_));
    pair.rtp_local = {config_.address, port};
    pair.rtcp_local = {config_.address, static_cast<uint16_t>(port + 1)};
    const absl::StatusOr<core::SocketId> rtp = OpenPort(io, pair.rtp_local, config_.shared);
    if (!rtp.ok()) return rtp.status();
    const absl::StatusOr<core::SocketId> rtcp = OpenPort(io, pair.rtcp_local, config_.shared);
    if (!rtcp.ok()) return rtcp.status();
    pair.rtp = *rtp;
    pair.rtcp = *rtcp;
    free_.push_back(static_cast<uint32_t>(pairs_.size()));
    pairs_.push_back(pair);
  }
  return absl::OkStatus();
}

std::optional<uint32_t> MediaPorts::Acquire(core::Random* random, Instant now, size_t spare) {
  EndRests(now);
  if (free_.empty() || (!config_.shared && free_.size() <= spare)) return std::nullopt;
  ++used_;
  if (config_.shared) return free_[static_cast<size_t>(random->Below(free_.size()))];
  std::swap(free_[static_cast<size_t>(random->Below(free_.size()))], free_.back());
  const uint32_t pair = free_.back();
  free_.pop_back();
  return pair;
}

void MediaPorts::Release(uint32_t pair, Instant now) {
  CHECK(used_ > 0);
  --used_;
  if (config_.shared) return;
  CHECK(resting_size_ < resting_.size());
  resting_[(resting_head_ + resting_size_++) % resting_.size()] = {pair, now + kRest};
}

void MediaPorts::EndRests(Instant now) {
  while (resting_size_ > 0 && resting_[resting_head_].until <= now) {
    free_.push_back(resting_[resting_head_].pair);
    resting_head_ = (resting_head_ + 1) % resting_.size();
    --resting_size_;
  }
}

}  // namespace sbc

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
// Rings, logs, name servers, connections to `admin`.
constexpr uint64_t kOtherFiles = 512;

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

size_t MediaPorts::PairsFor(const MediaConfig& config, uint16_t worker, uint16_t workers) {
  const size_t all = PairsIn(config);
  const size_t share = all / workers + (worker < all % workers ? 1 : 0);
  return config.shared ? std::min(share, kSharedPairsMax) : share;
}

MediaPorts::MediaPorts(const MediaConfig& config, uint16_t worker, uint16_t workers)
    : config_(config),
      advertised_(config.advertise.value_or(config.address)),
      worker_(worker),
      workers_(workers),
      count_(PairsFor(config, worker, workers)) {
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
    free_.push_back(PopResting());
  }
}

std::optional<Instant> MediaPorts::rest_ends() const {
  if (resting_size_ == 0) return std::nullopt;
  return resting_[resting_head_].until;
}

uint32_t MediaPorts::AcquireResting() {
  const uint32_t pair = PopResting();
  ++used_;
  return pair;
}

uint32_t MediaPorts::PopResting() {
  CHECK(resting_size_ > 0);
  const uint32_t pair = resting_[resting_head_].pair;
  resting_head_ = (resting_head_ + 1) % resting_.size();
  --resting_size_;
  return pair;
}

uint64_t FilesWanted(const Config& config) {
  const auto workers = static_cast<uint16_t>(config.node.workers);
  uint64_t files = kOtherFiles + workers * config.listeners.size();
  if (config.node.io == IoKind::kDpdk) return files;
  for (const MediaConfig& media : config.media) {
    for (uint16_t worker = 0; worker < workers; ++worker) {
      files += 2 * MediaPorts::PairsFor(media, worker, workers);
    }
  }
  return files;
}

}  // namespace sbc

#include "loadgen/media/media_ports.h"

#include "absl/status/status.h"
#include "core/base/concat.h"
#include "core/base/status.h"

namespace loadgen {

size_t MediaPorts::CountIn(const Range& range) {
  if (range.last <= range.first) return 0;
  return (size_t{range.last} - range.first - 1) / kPortsPerCall + 1;
}

absl::StatusOr<core::SocketId> MediaPorts::OpenOne(const core::Endpoint& local,
                                                   core::net::PacketIo* io) {
  return io->Open({.local = local,
                   .group = core::net::BufferGroup::kMedia,
                   .receive_buffer_bytes = kSocketBufferBytes,
                   .send_buffer_bytes = kSocketBufferBytes,
                   .icmp_errors = false,  // A peer that has hung up is no news.
                   .kernel_receive_time = true});
}

void MediaPorts::Enter(core::SocketId socket, const Place& place) {
  if (places_.size() <= socket.index) places_.resize(socket.index + size_t{1});
  places_[socket.index] = place;
}

absl::Status MediaPorts::Open(const Options& options, core::net::PacketIo* io) {
  pairs_.reserve(options.count);
  absl::Status last;
  for (uint32_t port = options.range.first;
       pairs_.size() < options.count && port < options.range.last; port += kPortsPerCall) {
    const core::Endpoint rtp{options.address, static_cast<uint16_t>(port)};
    const core::Endpoint rtcp{options.address, static_cast<uint16_t>(port + 1)};
    if (options.is_free != nullptr && !(options.is_free(rtp) && options.is_free(rtcp))) continue;
    Pair pair{.rtp = {}, .rtcp = {}, .local = rtp};
    const absl::StatusOr<core::SocketId> first = OpenOne(rtp, io);
    if (!first.ok()) {
      last = first.status();
      continue;
    }
    const absl::StatusOr<core::SocketId> second = OpenOne(rtcp, io);
    if (!second.ok()) {
      last = second.status();
      io->Close(*first);
      continue;
    }
    pair.rtp = *first;
    pair.rtcp = *second;
    const auto index = static_cast<uint32_t>(pairs_.size());
    Enter(pair.rtp, {index, false});
    Enter(pair.rtcp, {index, true});
    pairs_.push_back(pair);
  }
  free_.resize(pairs_.size());
  for (uint32_t i = 0; i < free_.size(); ++i) free_[i] = i;
  free_count_ = free_.size();
  if (pairs_.size() == options.count) return absl::OkStatus();
  return absl::ResourceExhaustedError(core::Concat(
      "media ports ", unsigned{options.range.first}, " to ", unsigned{options.range.last}, ": ",
      pairs_.size(), " calls found theirs; wanted ", options.count, " times ",
      unsigned{kPortsPerCall}, " free ports (-min_rtp_port, -max_rtp_port, -l, --media_calls)",
      last.ok() ? "" : ": ", std::string(last.message())));
}

uint32_t MediaPorts::Acquire() {
  if (free_count_ == 0) return kNone;
  const uint32_t pair = free_[free_first_];
  free_first_ = (free_first_ + 1) % free_.size();
  --free_count_;
  return pair;
}

void MediaPorts::Release(uint32_t pair) {
  free_[(free_first_ + free_count_) % free_.size()] = pair;
  ++free_count_;
}

uint64_t MediaPorts::QueueDrops(const core::net::PacketIo& io) const {
  uint64_t drops = 0;
  for (const Pair& pair : pairs_) drops += io.QueueDrops(pair.rtp);
  return drops;
}

}  // namespace loadgen

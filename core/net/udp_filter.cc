#include "core/net/udp_filter.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/base/status.h"

namespace core::net {
namespace {

// At a UDP socket the packet begins with the UDP header; the address is in the network header
// before.
constexpr uint32_t kNetworkHeader = static_cast<uint32_t>(SKF_NET_OFF);
constexpr uint32_t kV4Source = kNetworkHeader + 12;
constexpr uint32_t kV6Source = kNetworkHeader + 8;

constexpr uint32_t kAdmit = UINT16_MAX * 2;  // Bytes to keep: more than any datagram has.
constexpr uint32_t kDrop = 0;

struct Range {  // Inclusive.
  uint32_t first;
  uint32_t last;
};

sock_filter Statement(uint32_t code, uint32_t k) {
  return {.code = static_cast<uint16_t>(code), .jt = 0, .jf = 0, .k = k};
}
sock_filter Jump(uint32_t code, uint32_t k, uint8_t if_true, uint8_t if_false) {
  return {.code = static_cast<uint16_t>(code), .jt = if_true, .jf = if_false, .k = k};
}
sock_filter Return(uint32_t bytes) { return Statement(BPF_RET | BPF_K, bytes); }

uint32_t WordAt(const IpAddress& address, size_t word) {
  const auto& bytes = address.bytes();
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | bytes[word * 4 + i];
  return value;
}

// Blocks that touch become one range, so that the search tree is small.
std::vector<Range> MergeV4(std::span<const Cidr> blocks) {
  std::vector<Range> ranges;
  for (const Cidr& block : blocks) {
    const uint32_t first = block.first().v4();
    const uint32_t size_less_one =
        block.prefix_length() == 0 ? UINT32_MAX : (uint32_t{1} << (32 - block.prefix_length())) - 1;
    const uint32_t last = first + size_less_one;
    if (!ranges.empty() && ranges.back().last + 1 == first) {
      ranges.back().last = last;
    } else {
      ranges.push_back({first, last});
    }
  }
  return ranges;
}

// A binary search in straight-line code: classic BPF only jumps forward, and conditionally only
// over 255 instructions, hence the JA. `above_first`: on this path the address is at least the
// first range's beginning already.
void EmitSearch(std::span<const Range> ranges, bool above_first, std::vector<sock_filter>* out) {
  if (ranges.size() == 1) {
    if (!above_first) out->push_back(Jump(BPF_JMP | BPF_JGE | BPF_K, ranges[0].first, 0, 2));
    out->push_back(Jump(BPF_JMP | BPF_JGT | BPF_K, ranges[0].last, 1, 0));
    out->push_back(Return(kAdmit));
    out->push_back(Return(kDrop));
    return;
  }
  const size_t middle = ranges.size() / 2;
  out->push_back(Jump(BPF_JMP | BPF_JGE | BPF_K, ranges[middle].first, 1, 0));
  const size_t jump_to_left = out->size();
  out->push_back(Statement(BPF_JMP | BPF_JA, 0));
  EmitSearch(ranges.subspan(middle), true, out);
  (*out)[jump_to_left].k = static_cast<uint32_t>(out->size() - jump_to_left - 1);
  EmitSearch(ranges.first(middle), above_first, out);
}

// One block after another, word by word: operators' IPv6 lists are short.
void EmitV6Block(const Cidr& block, std::vector<sock_filter>* out) {
  const size_t begin = out->size();
  for (size_t word = 0; word * 32 < block.bits(); ++word) {
    const size_t bits = std::min<size_t>(32, block.bits() - word * 32);
    out->push_back(
        Statement(BPF_LD | BPF_W | BPF_ABS, kV6Source + static_cast<uint32_t>(word * 4)));
    if (bits < 32) {
      out->push_back(Statement(BPF_ALU | BPF_AND | BPF_K, UINT32_MAX << (32 - bits)));
    }
    out->push_back(Jump(BPF_JMP | BPF_JEQ | BPF_K, WordAt(block.first(), word), 0, 0));
  }
  out->push_back(Return(kAdmit));
  for (size_t i = begin; i < out->size(); ++i) {  // A word that differs: on to the next block.
    sock_filter& instruction = (*out)[i];
    if (BPF_CLASS(instruction.code) == BPF_JMP) {
      instruction.jf = static_cast<uint8_t>(out->size() - i - 1);
    }
  }
}

}  // namespace

ReachSet::ReachSet(std::span<const Cidr> blocks, bool is_v4) : is_v4_(is_v4) {
  std::vector<Cidr> sorted;
  for (const Cidr& block : blocks) {
    if (block.first().is_v4() == is_v4) sorted.push_back(block);
  }
  std::sort(sorted.begin(), sorted.end());  // A block comes before those inside it.
  for (const Cidr& block : sorted) {
    if (blocks_.empty() || !blocks_.back().Contains(block)) blocks_.push_back(block);
  }
}

bool ReachSet::Contains(const IpAddress& address) const {
  const auto after =
      std::upper_bound(blocks_.begin(), blocks_.end(), address,
                       [](const IpAddress& a, const Cidr& block) { return a < block.first(); });
  return after != blocks_.begin() && std::prev(after)->Contains(address);
}

absl::StatusOr<std::vector<sock_filter>> CompileReachFilter(const ReachSet& reach) {
  std::vector<sock_filter> program;
  if (reach.is_v4() && !reach.blocks().empty()) {
    program.push_back(Statement(BPF_LD | BPF_W | BPF_ABS, kV4Source));
    EmitSearch(MergeV4(reach.blocks()), false, &program);
  } else {
    for (const Cidr& block : reach.blocks()) EmitV6Block(block, &program);
    program.push_back(Return(kDrop));
  }
  if (program.size() > kFilterInstructionsMax) {
    return absl::ResourceExhaustedError(
        "reach filter: " + std::to_string(reach.blocks().size()) + " blocks make a program of " +
        std::to_string(program.size()) + " instructions, and the kernel takes " +
        std::to_string(kFilterInstructionsMax));
  }
  return program;
}

absl::Status AttachReachFilter(int fd, const ReachSet& reach) {
  absl::StatusOr<std::vector<sock_filter>> program = CompileReachFilter(reach);
  RETURN_IF_ERROR(program.status());
  const sock_fprog filter = {.len = static_cast<unsigned short>(program->size()),
                             .filter = program->data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0) {
    return absl::OkStatus();
  }
  if (errno == ENOMEM) {  // Programs count against the socket's net.core.optmem_max.
    return absl::ResourceExhaustedError("reach filter: larger than net.core.optmem_max allows");
  }
  return absl::InternalError(std::string("reach filter: ") + std::strerror(errno));
}

void DetachReachFilter(int fd) {
  const int unused = 0;
  // Fails only where no filter is.
  (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

bool ReachFilterFits(std::span<const Cidr> blocks) {
  return CompileReachFilter(ReachSet(blocks, true)).ok() &&
         CompileReachFilter(ReachSet(blocks, false)).ok();
}

}  // namespace core::net

#include "loadgen/media/pcap_clip.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "core/base/concat.h"
#include "core/buffer/byte_reader.h"

namespace loadgen {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr size_t kFileHeaderBytes = 24;
constexpr size_t kRecordHeaderBytes = 16;
constexpr uint32_t kMagicMicroseconds = 0xa1b2c3d4;
constexpr uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr uint32_t kMagicNextGeneration = 0x0a0d0d0a;
constexpr uint16_t kEtherIpv4 = 0x0800;
constexpr uint16_t kEtherIpv6 = 0x86dd;
constexpr uint8_t kUdp = 17;

// A number of the file's own byte order.
uint32_t Load32(const uint8_t* bytes, bool swapped) {
  const uint32_t big = core::LoadBig32(bytes);
  return swapped ? __builtin_bswap32(big) : big;
}

struct Datagram {
  uint16_t port = 0;  // Where it went to.
  Bytes payload;
};

std::optional<Datagram> ReadUdp(Bytes bytes) {
  constexpr size_t kHeaderBytes = 8;
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const size_t size = core::LoadBig16(bytes.data() + 4);
  if (size <= kHeaderBytes || size > bytes.size()) return std::nullopt;
  return Datagram{core::LoadBig16(bytes.data() + 2),
                  bytes.subspan(kHeaderBytes, size - kHeaderBytes)};
}

std::optional<Datagram> ReadIp(Bytes bytes) {
  if (bytes.empty()) return std::nullopt;
  if (bytes[0] >> 4 == 6) {
    constexpr size_t kHeaderBytes = 40;
    if (bytes.size() < kHeaderBytes || bytes[6] != kUdp) return std::nullopt;
    return ReadUdp(bytes.subspan(kHeaderBytes));
  }
  const size_t header = size_t{4} * (bytes[0] & 0x0f);
  if (bytes[0] >> 4 != 4 || header < 20 || bytes.size() < header || bytes[9] != kUdp) {
    return std::nullopt;
  }
  constexpr uint16_t kFragment = 0x3fff;  // More to come, or not the first.
  if ((core::LoadBig16(bytes.data() + 6) & kFragment) != 0) return std::nullopt;
  const size_t total = core::LoadBig16(bytes.data() + 2);  // Short frames are padded behind it.
  if (total < header || total > bytes.size()) return std::nullopt;
  return ReadUdp(bytes.subspan(header, total - header));
}

std::optional<Datagram> ReadEthernet(Bytes bytes) {
  constexpr size_t kTypeAt = 12;
  size_t at = kTypeAt;
  while (bytes.size() >= at + 2) {
    const uint16_t type = core::LoadBig16(bytes.data() + at);
    if (type == kEtherIpv4 || type == kEtherIpv6) return ReadIp(bytes.subspan(at + 2));
    constexpr uint16_t kVlan = 0x8100;
    constexpr uint16_t kServiceVlan = 0x88a8;
    if (type != kVlan && type != kServiceVlan) break;
    at += 4;
  }
  return std::nullopt;
}

std::optional<Datagram> ReadBehind(Bytes bytes, size_t header) {
  return bytes.size() < header ? std::nullopt : ReadIp(bytes.subspan(header));
}

using FrameReader = std::optional<Datagram> (*)(Bytes frame);
constexpr std::pair<uint32_t, FrameReader> kLinkTypes[] = {
    {0, [](Bytes frame) { return ReadBehind(frame, 4); }},  // BSD loopback
    {1, ReadEthernet},
    {101, ReadIp},                                             // Raw IP, under three numbers.
    {113, [](Bytes frame) { return ReadBehind(frame, 16); }},  // Linux "cooked"
    {228, ReadIp},
    {229, ReadIp},
    {276, [](Bytes frame) { return ReadBehind(frame, 20); }},  // Linux "cooked" version 2
};

struct FileKind {
  bool swapped = false;
  bool nanoseconds = false;
  FrameReader read = nullptr;
};

absl::StatusOr<FileKind> ReadKind(Bytes file) {
  FileKind kind;
  const uint32_t magic = file.size() < 4 ? 0 : core::LoadBig32(file.data());
  if (magic == kMagicNextGeneration) {
    return absl::InvalidArgumentError(
        "a pcapng file; wanted a pcap file (editcap -F pcap makes one)");
  }
  const uint32_t other = __builtin_bswap32(magic);
  kind.swapped = other == kMagicMicroseconds || other == kMagicNanoseconds;
  kind.nanoseconds = magic == kMagicNanoseconds || other == kMagicNanoseconds;
  const bool known = kind.swapped || kind.nanoseconds || magic == kMagicMicroseconds;
  if (!known || file.size() < kFileHeaderBytes) {
    return absl::InvalidArgumentError("it is no pcap file");
  }
  const uint32_t link = Load32(file.data() + 20, kind.swapped) & 0xffff;  // Above it: FCS bits.
  const auto* found = std::find_if(std::begin(kLinkTypes), std::end(kLinkTypes),
                                   [link](const auto& row) { return row.first == link; });
  if (found == std::end(kLinkTypes)) {
    return absl::InvalidArgumentError(core::Concat(
        "a pcap file of link type ", link, "; wanted Ethernet (1), cooked (113, 276) or IP (101)"));
  }
  kind.read = found->second;
  return kind;
}

struct Captured {
  core::Duration at{0};
  Datagram datagram;
};

}  // namespace

absl::StatusOr<PcapClip> ParsePcap(std::string_view text) {
  const Bytes file(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  const absl::StatusOr<FileKind> kind = ReadKind(file);
  if (!kind.ok()) return kind.status();
  std::vector<Captured> captured;
  PcapClip clip;
  for (Bytes left = file.subspan(kFileHeaderBytes); left.size() >= kRecordHeaderBytes;) {
    const core::Duration at =
        std::chrono::seconds(Load32(left.data(), kind->swapped)) +
        std::chrono::nanoseconds(int64_t{Load32(left.data() + 4, kind->swapped)} *
                                 (kind->nanoseconds ? 1 : 1000));
    const size_t size = Load32(left.data() + 8, kind->swapped);
    left = left.subspan(kRecordHeaderBytes);
    if (size > left.size()) break;
    const std::optional<Datagram> datagram = kind->read(left.first(size));
    left = left.subspan(size);
    if (!datagram || datagram->payload.size() > PcapClip::kPacketBytesMax) {
      ++clip.left_out;
    } else if (captured.size() == PcapClip::kPacketsMax) {
      return absl::InvalidArgumentError(
          core::Concat("wanted at most ", PcapClip::kPacketsMax, " packets"));
    } else {
      captured.push_back({at, *datagram});
    }
  }
  if (captured.empty()) return absl::InvalidArgumentError("it holds no whole UDP datagram");

  const uint16_t port = std::min_element(captured.begin(), captured.end(), [](auto& a, auto& b) {
                          return a.datagram.port < b.datagram.port;
                        })->datagram.port;
  std::optional<core::Duration> first;
  core::Duration latest{0};
  for (const Captured& packet : captured) {
    if (packet.datagram.port != port) {
      ++clip.left_out;
      continue;
    }
    if (!first) first = packet.at;
    latest = std::max(latest, packet.at - *first);
    const Bytes payload = packet.datagram.payload;
    clip.packets.push_back(
        {latest, static_cast<uint32_t>(clip.bytes.size()), static_cast<uint16_t>(payload.size())});
    clip.bytes.insert(clip.bytes.end(), payload.begin(), payload.end());
  }
  return clip;
}

}  // namespace loadgen

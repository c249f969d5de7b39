// Plays both ends of many calls' audio: one socket for each end, each of which sends 172 bytes of
// RTP at an even pace and takes what comes. The ends are spread evenly over the packet interval, as
// those of real calls are. Beside each is a socket for RTCP, as real ends have one: without it what
// a relay sends there comes back to it as an ICMP error, which is work that no call makes.
//
//     rtp_driver SECONDS PACKETS_PER_SECOND ENDS
//
// ENDS is a file with a line for each end: "CALL LOCAL TARGET". Every packet says of which call it
// is, and from which end: one that comes to another call, or back to where it came from, is
// "misdelivered".
//
// It never sleeps, so that its own waking is no part of the latency that it measures: from the
// moment it sends to the moment it sees the packet at the other end. Prints one line of JSON.

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/histogram.h"
#include "core/buffer/packet_pool.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"

namespace {

using core::Duration;
using core::Endpoint;
using core::Instant;
using core::Packet;
using namespace std::chrono_literals;

constexpr uint32_t kRtpBytes = 172;  // 12 of header, 160 of G.711 (20 ms).
constexpr Duration kDrain = 200ms;   // After the last packet: for what is under way.
constexpr uint64_t kMagic = 0x52696e6766656e63;

struct Payload {
  uint64_t magic = kMagic;
  int64_t sent_ns = 0;
  uint32_t call = 0;
  uint32_t end = 0;
};

struct End {
  uint32_t call = 0;
  core::SocketId socket;
  Endpoint local;
  Endpoint target;
  Instant due;
  uint32_t sent = 0;
};

struct Counts {
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t misdelivered = 0;
  uint64_t rtcp = 0;
  uint64_t strange = 0;
  core::Histogram latency_ns;
  core::Histogram lag_ns;  // How late we sent.
};

class Driver {
 public:
  Driver(core::net::PacketIo* io, core::Clock* clock, double rate)
      : io_(io), clock_(clock), interval_(static_cast<int64_t>(1e9 / rate)) {}

  bool Add(uint32_t call, const Endpoint& local, const Endpoint& target) {
    const auto index = static_cast<uint32_t>(ends_.size());
    const core::SocketId socket = Open(local, index);
    const Endpoint rtcp{local.ip, static_cast<uint16_t>(local.port + 1)};
    if (!socket || !Open(rtcp, kRtcp)) return false;
    ends_.push_back({call, socket, local, target, {}, 0});
    return true;
  }

  void Run(Duration length) {
    const Instant start = clock_->Now() + 10ms;
    const auto count = static_cast<int64_t>(ends_.size());
    for (int64_t i = 0; i < count; ++i) {
      ends_[static_cast<size_t>(i)].due = start + interval_ * i / count;
    }
    size_t next = 0;  // Their turns come in a ring: all have one interval.
    const Instant stop = start + length;
    while (clock_->Now() < stop + kDrain) {
      Instant now = clock_->Now();
      while (ends_[next].due <= now && ends_[next].due < stop) {
        Send(static_cast<uint32_t>(next), now);
        next = (next + 1) % ends_.size();
      }
      io_->FlushAndWait({});
      now = clock_->Now();
      for (const Packet& packet : io_->Receive()) Take(packet, now);
    }
  }

  const Counts& counts() const { return counts_; }

 private:
  static constexpr uint32_t kRtcp = UINT32_MAX;  // Of end_of_socket_: no end's own.

  core::SocketId Open(const Endpoint& local, uint32_t end) {
    core::net::SocketOptions options;
    options.local = local;
    options.group = core::net::BufferGroup::kMedia;
    options.icmp_errors = false;
    const auto opened = io_->Open(options);
    if (!opened.ok()) {
      std::fprintf(stderr, "rtp_driver: %s\n", opened.status().ToString().c_str());
      return {};
    }
    if (end_of_socket_.size() <= opened->index) end_of_socket_.resize(opened->index + size_t{1});
    end_of_socket_[opened->index] = end;
    return *opened;
  }

  void Send(uint32_t index, Instant now) {
    End& end = ends_[index];
    Packet packet = pool_.Acquire();
    if (!packet) return;
    const Payload payload{
        .sent_ns = now.time_since_epoch().count(), .call = end.call, .end = index};
    std::memset(packet.data(), 0xff, kRtpBytes);
    const uint32_t timestamp = end.sent * 160;
    const uint8_t header[12] = {0x80,
                                0,
                                static_cast<uint8_t>(end.sent >> 8),
                                static_cast<uint8_t>(end.sent),
                                static_cast<uint8_t>(timestamp >> 24),
                                static_cast<uint8_t>(timestamp >> 16),
                                static_cast<uint8_t>(timestamp >> 8),
                                static_cast<uint8_t>(timestamp),
                                1,
                                2,
                                static_cast<uint8_t>(index >> 8),
                                static_cast<uint8_t>(index)};
    std::memcpy(packet.data(), header, sizeof(header));
    std::memcpy(packet.data() + sizeof(header), &payload, sizeof(payload));
    packet.set_size(kRtpBytes);
    packet.SetRoute(end.socket, end.local, end.target);
    io_->Send(std::move(packet));
    counts_.lag_ns.Record((now - end.due).count());
    end.due += interval_;
    ++end.sent;
    ++counts_.sent;
  }

  void Take(const Packet& packet, Instant now) {
    const uint32_t index = end_of_socket_[packet.socket().index];
    if (index == kRtcp) {
      ++counts_.rtcp;
      return;
    }
    Payload payload;
    const std::string_view text = packet.text();
    if (text.size() == kRtpBytes) std::memcpy(&payload, text.data() + 12, sizeof(payload));
    if (text.size() != kRtpBytes || payload.magic != kMagic) {
      ++counts_.strange;
      return;
    }
    if (payload.call != ends_[index].call || payload.end == index) {
      ++counts_.misdelivered;
      return;
    }
    ++counts_.received;
    counts_.latency_ns.Record(now.time_since_epoch().count() - payload.sent_ns);
  }

  core::net::PacketIo* io_;
  core::Clock* clock_;
  Duration interval_;
  core::PacketPool pool_{2048, 4096};
  std::vector<End> ends_;
  std::vector<uint32_t> end_of_socket_;
  Counts counts_;
};

void PrintPercentiles(const char* name, const core::Histogram& ns) {
  std::printf("\"%s\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}", name,
              static_cast<double>(ns.Percentile(50)) / 1e3,
              static_cast<double>(ns.Percentile(90)) / 1e3,
              static_cast<double>(ns.Percentile(99)) / 1e3, static_cast<double>(ns.max()) / 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc == 4 ? std::atof(argv[1]) : 0;
  const double rate = argc == 4 ? std::atof(argv[2]) : 0;
  if (!(seconds > 0) || !(rate > 0)) {
    std::fprintf(stderr, "usage: rtp_driver SECONDS PACKETS_PER_SECOND ENDS\n");
    return 1;
  }
  core::KernelClock clock;
  core::net::UringIoOptions options;
  options.poll = true;
  options.latency_budget = Duration{};
  options.media.count = 4096;
  auto io = core::net::UringIo::Create(options, &clock);
  if (!io.ok()) {
    std::fprintf(stderr, "rtp_driver: %s\n", io.status().ToString().c_str());
    return 1;
  }
  Driver driver(io->get(), &clock, rate);
  uint32_t call = 0;
  std::string local_text;
  std::string target_text;
  bool any = false;
  std::ifstream file(argv[3]);
  while (file >> call >> local_text >> target_text) {
    Endpoint local;
    Endpoint target;
    if (!Endpoint::Parse(local_text, &local) || !Endpoint::Parse(target_text, &target) ||
        !driver.Add(call, local, target)) {
      std::fprintf(stderr, "rtp_driver: bad line: %s %s\n", local_text.c_str(),
                   target_text.c_str());
      return 1;
    }
    any = true;
  }
  if (!any) {
    std::fprintf(stderr, "rtp_driver: %s: no ends\n", argv[3]);
    return 1;
  }
  driver.Run(Duration(static_cast<int64_t>(seconds * 1e9)));
  const Counts& counts = driver.counts();
  std::printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"misdelivered\": %" PRIu64
              ", \"rtcp\": %" PRIu64 ", \"strange\": %" PRIu64 ", \"send_dropped\": %" PRIu64 ", ",
              counts.sent, counts.received, counts.misdelivered, counts.rtcp, counts.strange,
              (*io)->counters().send_dropped);
  PrintPercentiles("latency_us", counts.latency_ns);
  std::printf(", ");
  PrintPercentiles("lag_us", counts.lag_ns);
  std::puts("}");
  return 0;
}

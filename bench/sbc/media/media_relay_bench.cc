// What the relay itself costs for a packet of audio, without the kernel: who sent it, what it says
// of the stream, and where it goes. As many calls as a core has at 20,000 packets a second.

#include "sbc/media/media_relay.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <utility>
#include <vector>

#include "core/buffer/byte_writer.h"
#include "core/rtp/packet_view.h"

namespace sbc {
namespace {

using core::Endpoint;
using core::Instant;
using core::Packet;

constexpr uint32_t kCalls = 200;
constexpr uint32_t kRtpBytes = 172;
constexpr Instant kStart = Instant() + std::chrono::seconds(1000);

/// Opens whatever it is asked for, and sends nothing.
class NoNetwork final : public core::net::PacketIo {
 public:
  absl::StatusOr<core::SocketId> Open(const core::net::SocketOptions& options) override {
    locals_.push_back(options.local);
    return core::SocketId{static_cast<uint32_t>(locals_.size()), 1};
  }
  void Close(core::SocketId /*socket*/) override {}
  Endpoint LocalOf(core::SocketId socket) const override { return locals_[socket.index - 1]; }
  absl::Status SetReachFilter(core::SocketId /*socket*/,
                              std::span<const core::Cidr> /*reach*/) override {
    return absl::OkStatus();
  }
  void Send(Packet packet) override { benchmark::DoNotOptimize(packet.slot()); }
  void FlushAndWait(Instant /*deadline*/) override {}
  std::span<Packet> Receive() override { return {}; }
  std::span<const core::net::SendError> Errors() override { return {}; }
  void Wake() override {}
  const core::net::IoCounters& counters() const override { return counters_; }
  uint64_t QueueDrops(core::SocketId /*socket*/) const override { return 0; }

 private:
  std::vector<Endpoint> locals_;
  core::net::IoCounters counters_;
};

class NoProgram final : public core::engine::WorkerProgram {
 public:
  void OnPacket(Packet /*packet*/, Instant /*now*/) override {}
  void OnSendError(const core::net::SendError& /*error*/, Instant /*now*/) override {}
  void OnEnvelope(const core::engine::Envelope& /*envelope*/, Instant /*now*/) override {}
  void OnTurnEnd(Instant /*now*/) override {}
};

class StoppedClock final : public core::Clock {
 public:
  Instant Now() override { return kStart; }
  core::WallTime Wall() override { return {}; }
};

/// One end of a call: where it sends to, from where, and how far it is.
struct Sender {
  core::SocketId socket;
  Endpoint local;
  Endpoint remote;
  uint16_t sequence_number = 0;
};

MediaConfig Ports(Side side, uint32_t address) {
  MediaConfig config;
  config.side = side;
  config.address = core::IpAddress::FromV4(address);
  config.port_first = 20000;
  config.port_last = 20000 + 2 * kCalls + 1;
  config.shared = side == Side::kTrunk;
  return config;
}

struct RelayBed {
  RelayBed() {
    CHECK(relay.Open().ok());
    for (uint32_t i = 0; i < kCalls; ++i) {
      MediaStream* stream = relay.Begin(kStart);
      CHECK(relay.Bind(stream, LegId::kCaller, Side::kTrunk, true, kStart));
      CHECK(relay.Bind(stream, LegId::kCallee, Side::kCustomer, true, kStart));
      for (const LegId id : {LegId::kCaller, LegId::kCallee}) {
        MediaStream::Leg& leg = stream->leg(id);
        leg.map.Set(0, 0);
        PeerMedia peer;
        peer.rtp = {core::IpAddress::FromV4(0x7f000010 + static_cast<uint32_t>(id)),
                    static_cast<uint16_t>(30000 + 2 * i)};
        CHECK(relay.SetPeer(stream, id, peer));
        const MediaPorts::Pair& pair = leg.ports->pair(leg.pair);
        senders.push_back({pair.rtp, pair.rtp_local, peer.rtp});
      }
    }
  }

  Packet PacketOf(Sender* sender, Instant now) {
    Packet packet = pool.Acquire();
    packet.set_size(kRtpBytes);
    const uint16_t number = sender->sequence_number++;
    const auto bytes = core::rtp::BytesOf(packet);
    core::rtp::WriteHeader(
        {.sequence_number = number, .timestamp = number * 160u, .ssrc = sender->remote.port},
        bytes.first<core::rtp::PacketView::kHeaderBytes>());
    packet.SetRoute(sender->socket, sender->local, sender->remote);
    packet.slot()->received_at = now;
    return packet;
  }

  NoNetwork io;
  StoppedClock clock;
  core::Random random{1};
  core::PacketStore store{{.small = 64, .medium = 4, .large = 1}};
  core::PacketPool pool{2048, 64};
  core::TimerWheel wheel{kStart};
  NoProgram program;
  core::engine::Worker worker{{.io = &io, .clock = &clock, .timers = &wheel, .program = &program}};
  MediaRelay relay{{.io = &io,
                    .random = &random,
                    .store = &store,
                    .wheel = &wheel,
                    .turn = &worker,
                    .calls_max = kCalls},
                   {Ports(Side::kTrunk, 0x7f000002), Ports(Side::kCustomer, 0x7f000003)}};
  std::vector<Sender> senders;
};

// `relay` 0: the packets alone, which are made here and dropped.
void BM_RelayPacket(benchmark::State& state) {
  const auto bed = std::make_unique<RelayBed>();
  const bool relays = state.range(0) != 0;
  Instant now = kStart;
  size_t next = 0;
  for (auto _ : state) {
    Packet packet = bed->PacketOf(&bed->senders[next], now);
    if (relays) bed->relay.OnPacket(std::move(packet), now);
    if (++next == bed->senders.size()) {
      next = 0;
      now += std::chrono::milliseconds(20);
    }
  }
  state.SetItemsProcessed(state.iterations());
  if (relays) CHECK(bed->relay.counters().relayed == static_cast<uint64_t>(state.iterations()));
}
BENCHMARK(BM_RelayPacket)->ArgName("relay")->Arg(0)->Arg(1);

}  // namespace
}  // namespace sbc

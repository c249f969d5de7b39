#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/check.h"
#include "core/base/random.h"
#include "core/rtp/rtcp_session.h"
#include "core/rtp/source.h"

// What one packet of G.711 costs beside the kernel: 172 bytes, 20 ms apart, 5 ms of jitter. Memory
// is that of many calls in turn, so that a stream's state is not always in the first cache.

namespace core::rtp {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr size_t kPacketBytes = 172;

struct Stream {
  std::array<uint8_t, kPacketBytes> bytes{};
  Source source{Source::Config{}};
  uint16_t number = 0;
};

// Writes the next packet's numbers, as a sender would.
void Next(Stream* stream) {
  ++stream->number;
  WriteHeader({.sequence_number = stream->number,
               .timestamp = uint32_t{stream->number} * 160,
               .ssrc = 0x1234},
              std::span(stream->bytes).first<PacketView::kHeaderBytes>());
}

std::vector<Duration> Jitter() {
  Random random(1);
  std::vector<Duration> jitter(1024);
  for (Duration& delay : jitter) delay = Duration(static_cast<int64_t>(random.Below(5'000'000)));
  return jitter;
}

// The bench's own part, which the others' figures contain: writing the numbers, drawing the
// arrival.
void BM_MakePacket(benchmark::State& state) {
  std::vector<Stream> streams(static_cast<size_t>(state.range(0)));
  const std::vector<Duration> jitter = Jitter();
  Instant now = Instant{} + hours(1);
  size_t i = 0;
  for (auto _ : state) {
    Stream& stream = streams[i++ % streams.size()];
    Next(&stream);
    now += milliseconds(20) / static_cast<int64_t>(streams.size());
    benchmark::DoNotOptimize(now + jitter[i % jitter.size()]);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_MakePacket)->Arg(1)->Arg(1000);

void BM_ViewAndSource(benchmark::State& state) {
  std::vector<Stream> streams(static_cast<size_t>(state.range(0)));
  const std::vector<Duration> jitter = Jitter();
  Instant now = Instant{} + hours(1);
  size_t i = 0;
  for (auto _ : state) {
    Stream& stream = streams[i++ % streams.size()];
    Next(&stream);
    now += milliseconds(20) / static_cast<int64_t>(streams.size());
    PacketView packet;
    CHECK(PacketView::Parse(stream.bytes, &packet) == PacketError::kOk);
    benchmark::DoNotOptimize(
        stream.source.OnPacket(packet, now + jitter[i % jitter.size()], PayloadKind::kAudio));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ViewAndSource)->Arg(1)->Arg(1000);

// All that a relay does to a packet: read, count, rewrite, count as sent.
void BM_Relay(benchmark::State& state) {
  std::vector<Stream> streams(static_cast<size_t>(state.range(0)));
  const std::vector<Duration> jitter = Jitter();
  Instant now = Instant{} + hours(1);
  Random random(1);
  std::vector<RtcpSession> sessions(streams.size(), RtcpSession({}, now, &random));
  const HeaderRewrite rewrite = {.ssrc = 5, .timestamp_offset = 100, .replace_ssrc = true};
  size_t i = 0;
  for (auto _ : state) {
    const size_t at = i++ % streams.size();
    Stream& stream = streams[at];
    Next(&stream);
    now += milliseconds(20) / static_cast<int64_t>(streams.size());
    PacketView packet;
    CHECK(PacketView::Parse(stream.bytes, &packet) == PacketError::kOk);
    stream.source.OnPacket(packet, now + jitter[i % jitter.size()], PayloadKind::kAudio);
    rewrite.Apply(&packet);
    sessions[at].OnSent(packet, now, PayloadKind::kAudio);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Relay)->Arg(1)->Arg(1000);

// One compound packet each five seconds and leg.
void BM_Report(benchmark::State& state) {
  Stream stream;
  Instant now = Instant{} + hours(1);
  Random random(1);
  RtcpSession session({}, now, &random);
  std::array<uint8_t, RtcpSession::kCompoundMax> out{};
  for (int i = 0; i < 500; ++i) {
    Next(&stream);
    PacketView packet;
    CHECK(PacketView::Parse(stream.bytes, &packet) == PacketError::kOk);
    stream.source.OnPacket(packet, now, PayloadKind::kAudio);
    session.OnSent(packet, now, PayloadKind::kAudio);
    now += milliseconds(20);
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        session.Report({.source = &stream.source, .codec = Codec::kPcmu}, now, {}, &random, out));
  }
}
BENCHMARK(BM_Report);

}  // namespace
}  // namespace core::rtp

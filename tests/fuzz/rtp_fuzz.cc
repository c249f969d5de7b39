// Whatever is taken for an RTP packet lies inside its bytes and is rewritten without moving
// anything; and whatever packets a stream is made of, its counts add up: each packet is one thing,
// each sequence number has one fate.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/rtp/dtmf.h"
#include "core/rtp/quality.h"
#include "core/rtp/source.h"

namespace {

using core::rtp::Arrival;
using core::rtp::PacketError;
using core::rtp::PacketView;

void View(std::span<const uint8_t> data) {
  // In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
  std::vector<uint8_t> exact(data.begin(), data.end());
  PacketView view;
  if (PacketView::Parse(exact, &view) != PacketError::kOk) return;
  CHECK(view.header_size() + view.payload().size() + view.padding_size() == data.size());
  CHECK(view.payload().data() == exact.data() + view.header_size());
  for (size_t i = 0; i < view.csrc_count(); ++i) (void)view.csrc(i);
  if (view.has_extension()) {
    (void)view.extension_profile();
    CHECK(view.extension().size() % 4 == 0);
  }
  core::rtp::DtmfReader reader;
  for (const auto& event : reader.OnPacket(view)) {  // Segments of one event may share a packet.
    CHECK(event.duration_ticks <= core::rtp::DtmfReader::kReportsMax * 0xffff);
  }
  (void)reader.Finish();

  // Changed and changed back, it is what it was.
  const core::rtp::HeaderRewrite there = {.ssrc = 1,
                                          .timestamp_offset = 77,
                                          .sequence_offset = 65535,
                                          .payload_type = 9,
                                          .replace_ssrc = true};
  const core::rtp::HeaderRewrite back = {.ssrc = view.ssrc(),
                                         .timestamp_offset = 0u - 77,
                                         .sequence_offset = 1,
                                         .payload_type = view.payload_type(),
                                         .replace_ssrc = true};
  there.Apply(&view);
  CHECK(view.ssrc() == 1 && view.payload_type() == 9);
  back.Apply(&view);
  CHECK(std::equal(exact.begin(), exact.end(), data.begin()));
}

// Eight bytes an arrival: what it changes of the packet before, and how long it took.
void Stream(const uint8_t* data, size_t size) {
  using std::chrono::milliseconds;
  core::rtp::Source source({.clock_rate_hz = 8000, .buffer_min = milliseconds(40)});
  core::Instant now = core::Instant{} + std::chrono::hours(1);
  core::rtp::HeaderFields fields;
  uint32_t offered = 0;
  uint32_t of_kind[5] = {};
  for (; size >= 8; data += 8, size -= 8) {
    fields.sequence_number = static_cast<uint16_t>(
        fields.sequence_number + static_cast<int8_t>(data[0]) * (data[1] >> 4) + (data[1] & 0x0f));
    fields.timestamp += static_cast<uint32_t>(data[2]) << (data[3] & 0x1f);
    fields.ssrc = data[4] & 0x03;
    fields.payload_type = data[5] & 0x7f;
    now += milliseconds(data[6]);
    if (data[7] == 0xfd) source.Pause();
    if (data[7] == 0xff) source.SetClockRate(data[3] < 128 ? 48000 : 8000);
    uint8_t bytes[PacketView::kHeaderBytes];
    core::rtp::WriteHeader(fields, bytes);
    PacketView view;
    CHECK(PacketView::Parse(bytes, &view) == PacketError::kOk);
    const Arrival arrival =
        source.OnPacket(view, now, static_cast<core::rtp::PayloadKind>(data[7] % 3));
    ++offered;
    ++of_kind[static_cast<int>(arrival)];
    if (data[7] == 0xfe) (void)source.TakeReport();
  }
  const core::rtp::StreamCounts counts = source.counts();
  CHECK(offered == counts.packets + counts.duplicates + counts.refused + source.held());
  CHECK(of_kind[static_cast<int>(Arrival::kDuplicate)] == counts.duplicates);
  CHECK(of_kind[static_cast<int>(Arrival::kReordered)] == counts.reordered);
  CHECK(counts.lost() >= 0);
  CHECK(counts.late <= counts.packets);
  CHECK(counts.bytes == uint64_t{counts.packets} * PacketView::kHeaderBytes);

  const core::rtp::LossBursts bursts = source.bursts();
  const core::rtp::LossBursts::Clusters clusters = bursts.clusters();
  CHECK(bursts.settled() == counts.expected);
  CHECK(bursts.lost() == static_cast<uint32_t>(counts.lost()) + counts.late);
  CHECK(bursts.longest_run() <= bursts.lost());
  CHECK(clusters.burst_packets + clusters.gap_packets == bursts.settled());
  CHECK(clusters.burst_lost + clusters.gap_lost == bursts.lost());

  const core::rtp::Quality quality = Judge(counts, {.codec = core::rtp::Codec::kPcmu,
                                                    .round_trip = milliseconds(30),
                                                    .packet_duration = source.packet_duration()});
  CHECK(quality.mos_listening.has_value() == (counts.expected > 0));
  CHECK(!quality.mos_listening || (*quality.mos_listening >= 1 && *quality.mos_listening <= 4.5));
  (void)MakeVoipMetrics(source, core::rtp::Codec::kG729, std::nullopt);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  View({data, size});
  Stream(data, size);
  return 0;
}

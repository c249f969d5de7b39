#pragma once

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/rtp/rtcp_session.h"
#include "tests/core/rtp/rtp_packets.h"

// A leg's RTCP in virtual time, for the tests of RtcpSession.

namespace core::rtp {

using namespace std::chrono_literals;

inline constexpr Instant kStart = Instant{} + 1h;
inline constexpr WallTime kWall = {.unix_us = 1'700'000'000'000'000};
inline constexpr uint32_t kSent = 0xaaaa0001;      // The stream that we send to the peer.
inline constexpr uint32_t kReceived = 0xbbbb0002;  // The one that the peer sends us.
inline constexpr uint32_t kOwn = 0xcccc0003;

/// What one compound packet said.
struct Said {
  std::optional<SenderReport> sender_report;
  std::optional<uint32_t> receiver_report;  // Its SSRC.
  std::vector<ReportBlock> blocks;
  std::string cname;
  std::set<uint32_t> names;  // Who says it, in all packets.
  std::vector<VoipMetrics> metrics;
  bool bye = false;
};

inline Said Listen(std::span<const uint8_t> bytes) {
  Said said;
  RtcpCompound compound;
  EXPECT_EQ(compound.Index(bytes), RtcpError::kOk);
  for (const RtcpPacket& packet : compound) {
    ReportBlocks blocks;
    SenderReport report;
    uint32_t ssrc = 0;
    SdesChunks chunks;
    ExtendedReport extended;
    Bye bye;
    if (ParseSenderReport(packet, &report, &blocks) == RtcpError::kOk) {
      said.sender_report = report;
      said.names.insert(report.ssrc);
    } else if (ParseReceiverReport(packet, &ssrc, &blocks) == RtcpError::kOk) {
      said.receiver_report = ssrc;
      said.names.insert(ssrc);
    }
    said.blocks.insert(said.blocks.end(), blocks.begin(), blocks.end());
    if (ParseSdes(packet, &chunks) == RtcpError::kOk) {
      said.cname = chunks[0].cname;
      said.names.insert(chunks[0].ssrc);
    }
    if (ParseExtendedReport(packet, &extended) == RtcpError::kOk) {
      said.metrics.assign(extended.metrics.begin(), extended.metrics.end());
      said.names.insert(extended.ssrc);
    }
    if (ParseBye(packet, &bye) == RtcpError::kOk) {
      said.bye = true;
      said.names.insert(bye.ssrcs.begin(), bye.ssrcs.end());
    }
  }
  return said;
}

/// A leg in virtual time: a packet each 20 ms both ways, and reports when they are due.
struct Leg {
  explicit Leg(bool is_sender = false)
      : session({.ssrc = kOwn, .is_sender = is_sender}, kStart, &random) {}

  Random random{1};
  Instant now = kStart;
  Source source{Source::Config{}};
  RtcpSession session;
  bool sends = true;
  bool receives = true;
  uint32_t sent_ssrc = kSent;
  uint16_t number = 0;
  std::vector<std::pair<Instant, Said>> reports;
  std::array<uint8_t, RtcpSession::kCompoundMax> out{};

  RtcpSession::Reception reception() { return {.source = &source, .codec = Codec::kPcmu}; }
  WallTime wall() const {
    return {kWall.unix_us +
            std::chrono::duration_cast<std::chrono::microseconds>(now - kStart).count()};
  }
  Said Heard(size_t size) { return Listen(std::span(out).first(size)); }

  void RunFor(Duration time) {
    for (const Instant end = now + time; now < end; now += 20ms, ++number) {
      const HeaderFields fields = {.sequence_number = number,
                                   .timestamp = static_cast<uint32_t>(number) * 160};
      if (sends) {
        TestPacket packet(fields);
        packet.view().set_ssrc(sent_ssrc);
        session.OnSent(packet.view(), now, PayloadKind::kAudio);
      }
      if (receives) {
        TestPacket packet(fields);
        packet.view().set_ssrc(kReceived);
        source.OnPacket(packet.view(), now, PayloadKind::kAudio);
      }
      if (now >= session.due()) {
        const size_t size = session.Report(reception(), now, wall(), &random, out);
        reports.emplace_back(now, Heard(size));
      }
    }
  }
  /// The peer's compound packet comes in.
  RtcpSession::Incoming Hear(const SenderReport* sr, std::span<const ReportBlock> blocks) {
    std::array<uint8_t, 1024> bytes{};
    RtcpWriter writer(bytes);
    CHECK(sr != nullptr ? writer.PutSenderReport(*sr, blocks)
                        : writer.PutReceiverReport(kReceived, blocks));
    RtcpSession::Incoming incoming;
    EXPECT_EQ(session.OnPacket(writer.written(), now, &incoming), RtcpError::kOk);
    return incoming;
  }
};

}  // namespace core::rtp

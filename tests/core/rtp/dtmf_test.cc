// Goal: each digit is told once, with its duration, whatever of its packets is lost or repeated
// (RFC 4733 §2.5), and is sent as that RFC wants it.

#include "core/rtp/dtmf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

/// Packets of one event, and what the reader tells of them.
struct Listener {
  DtmfReader reader;
  uint32_t ssrc = 1;
  std::string digits;  // Of the events that ended.
  std::vector<uint32_t> durations;
  int starts = 0;

  void Tell(const DtmfReader::Events& events) {
    for (const DtmfReader::Event& event : events) {
      if (event.kind == DtmfReader::Event::Kind::kStart) {
        ++starts;
        continue;
      }
      digits += DigitOf(event.code);
      durations.push_back(event.duration_ticks);
    }
  }
  void Hear(const Bytes& payload, uint32_t timestamp, bool marker = false) {
    TestPacket packet({.marker = marker, .payload_type = 101, .timestamp = timestamp, .ssrc = ssrc},
                      payload);
    Tell(reader.OnPacket(packet.view()));
  }
  void Hear(const DtmfSender::Frame& frame) {
    Hear(Bytes(frame.payload.begin(), frame.payload.end()), frame.timestamp, frame.marker);
  }
};

std::vector<DtmfSender::Frame> FramesOf(const DtmfSender::Digit& digit) {
  DtmfSender sender;
  sender.Start(digit);
  std::vector<DtmfSender::Frame> frames;
  while (!sender.done()) frames.push_back(sender.Next());
  return frames;
}

// §3.2, table 3.
TEST(DtmfTest, KnowsTheKeys) {
  const std::string keys = "0123456789*#ABCD";
  for (uint8_t event = 0; event < 16; ++event) {
    EXPECT_EQ(DigitOf(event), keys[event]);
    EXPECT_EQ(EventOf(keys[event]), event);
  }
  EXPECT_EQ(DigitOf(16), '\0');  // Flash has no character.
  EXPECT_EQ(DigitOf(255), '\0');
  EXPECT_EQ(EventOf('a'), 12);
  EXPECT_EQ(EventOf('e'), std::nullopt);
  EXPECT_EQ(EventOf('\0'), std::nullopt);
}

// §2.5.1.2 to §2.5.1.4: marker on the first packet only, one timestamp, a duration that grows, and
// three packets with the end bit.
TEST(DtmfTest, SendsADigitAsTheRfcWants) {
  const std::vector<DtmfSender::Frame> frames =
      FramesOf({.code = 5, .volume = 7, .timestamp = 1000, .duration_ticks = 400});
  ASSERT_EQ(frames.size(), 5u);
  const Bytes expected[] = {{5, 0x07, 0x00, 0xa0},
                            {5, 0x07, 0x01, 0x40},
                            {5, 0x87, 0x01, 0x90},
                            {5, 0x87, 0x01, 0x90},
                            {5, 0x87, 0x01, 0x90}};
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].marker, i == 0);
    EXPECT_EQ(frames[i].timestamp, 1000u);
    EXPECT_EQ(Bytes(frames[i].payload.begin(), frames[i].payload.end()), expected[i]) << i;
  }
}

// A digit shorter than a packet, and limits of the fields.
TEST(DtmfTest, SendsTheShortestAndTheLongest) {
  EXPECT_EQ(FramesOf({.code = 1, .duration_ticks = 1}).size(), 3u);
  EXPECT_EQ(FramesOf({.code = 1, .duration_ticks = 0, .packet_ticks = 0}).size(), 3u);
  const auto longest = FramesOf({.code = 1, .duration_ticks = 0xffff, .packet_ticks = 160});
  EXPECT_EQ(longest.size(), 65535u / 160 + 1 + 2);
}

TEST(DtmfTest, HearsADigitOnce) {
  Listener listener;
  for (const DtmfSender::Frame& frame : FramesOf({.code = 5, .timestamp = 1000})) {
    listener.Hear(frame);
    listener.Hear(frame);  // The network repeats each.
  }
  EXPECT_EQ(listener.starts, 1);
  EXPECT_EQ(listener.digits, "5");
  EXPECT_EQ(listener.durations, (std::vector<uint32_t>{800}));
  EXPECT_FALSE(listener.reader.on());
}

// The same key twice is two digits: their timestamps differ.
TEST(DtmfTest, HearsTheSameKeyTwice) {
  Listener listener;
  for (const uint32_t timestamp : {1000u, 3000u}) {
    for (const auto& frame : FramesOf({.code = 9, .timestamp = timestamp})) listener.Hear(frame);
  }
  EXPECT_EQ(listener.digits, "99");
}

// §2.5.2.2: where all three ends are lost, the next digit ends it; or the end of the call does.
TEST(DtmfTest, ALostEndLosesNoDigit) {
  Listener listener;
  for (const uint32_t timestamp : {1000u, 3000u}) {
    for (const auto& frame : FramesOf({.code = 9, .timestamp = timestamp})) {
      if ((frame.payload[1] & 0x80) == 0) listener.Hear(frame);
    }
  }
  EXPECT_EQ(listener.digits, "9");
  EXPECT_EQ(listener.durations, (std::vector<uint32_t>{640}));  // As far as was told.
  listener.Tell(listener.reader.Finish());
  EXPECT_EQ(listener.digits, "99");
  EXPECT_TRUE(listener.reader.Finish().empty());
}

// One packet of a digit is enough, whichever it is.
TEST(DtmfTest, AnyOnePacketIsADigit) {
  const auto frames = FramesOf({.code = 11, .timestamp = 1000});
  for (const DtmfSender::Frame& frame : frames) {
    Listener listener;
    listener.Hear(frame);
    listener.Tell(listener.reader.Finish());
    EXPECT_EQ(listener.digits, "#");
    EXPECT_EQ(listener.starts, 1);
  }
}

// Packets of a digit that is over, or earlier ones of this digit, come late and change nothing.
TEST(DtmfTest, ReorderedPacketsChangeNothing) {
  Listener listener;
  const auto one = FramesOf({.code = 1, .timestamp = 1000});
  const auto two = FramesOf({.code = 2, .timestamp = 3000});
  for (const auto& frame : one) listener.Hear(frame);
  listener.Hear(two[1]);
  listener.Hear(two[0]);
  listener.Hear(one.back());
  listener.Hear(two.back());
  listener.Hear(two[2]);
  EXPECT_EQ(listener.digits, "12");
  EXPECT_EQ(listener.starts, 2);
  EXPECT_EQ(listener.durations, (std::vector<uint32_t>{800, 800}));
}

// After a transfer the timestamps are another sender's, and begin anywhere: in half of all cases
// behind the last event.
TEST(DtmfTest, AnotherSenderIsHeard) {
  for (const bool is_on : {false, true}) {
    Listener listener;
    auto frames = FramesOf({.code = 1, .timestamp = 0x70000000});
    if (is_on) frames.resize(2);  // Its ends do not come any more.
    for (const auto& frame : frames) listener.Hear(frame);
    listener.ssrc = 2;
    for (const auto& frame : FramesOf({.code = 2, .timestamp = 0x70000000 - 800})) {
      listener.Hear(frame);
    }
    EXPECT_EQ(listener.digits, "12");
    EXPECT_EQ(listener.starts, 2);
  }
}

// The same SSRC may begin anew: what is further back than a network holds a packet was not
// overtaken.
TEST(DtmfTest, ANewBeginningOfTheTimestampsIsHeard) {
  Listener listener;
  constexpr uint32_t kLast = 0x10000000u - 131'071u;
  for (const uint32_t timestamp : {0x70000000u, 0x10000000u, kLast}) {
    for (const auto& frame : FramesOf({.code = 3, .timestamp = timestamp})) listener.Hear(frame);
  }
  EXPECT_EQ(listener.digits, "333");
  for (const auto& frame : FramesOf({.code = 4, .timestamp = kLast - 131'070u})) {
    listener.Hear(frame);
  }
  EXPECT_EQ(listener.digits, "333");
}

// §2.5.1.3: an event beyond 65,535 ticks comes in segments: a new timestamp, no marker.
TEST(DtmfTest, SegmentsAreOneDigit) {
  Listener listener;
  listener.Hear({7, 0x0a, 0x00, 0xa0}, 1000, true);
  listener.Hear({7, 0x0a, 0xff, 0xff}, 1000);
  listener.Hear({7, 0x0a, 0x00, 0xa0}, 1000 + 0xffff);
  listener.Hear({7, 0x8a, 0x01, 0x40}, 1000 + 0xffff);
  EXPECT_EQ(listener.starts, 1);
  EXPECT_EQ(listener.digits, "7");
  EXPECT_EQ(listener.durations, (std::vector<uint32_t>{0xffff + 320}));

  Listener lossy;  // The last packet of the first segment was lost.
  lossy.Hear({7, 0x0a, 0xf0, 0x00}, 1000, true);
  lossy.Hear({7, 0x8a, 0x00, 0xa0}, 1000 + 0xffff);
  EXPECT_EQ(lossy.digits, "7");
  EXPECT_EQ(lossy.durations, (std::vector<uint32_t>{0xffff + 160}));
}

// §2.5.1.5: several events in one packet, one after the other.
TEST(DtmfTest, ReadsSeveralEventsOfOnePacket) {
  Listener listener;
  const Bytes payload = {1, 0x8a, 0x00, 0xa0, 2, 0x8a, 0x00, 0xa0, 3, 0x0a, 0x00, 0x50};
  listener.Hear(payload, 1000, true);
  listener.Hear(payload, 1000);
  listener.Hear({3, 0x8a, 0x00, 0xa0}, 1320);
  EXPECT_EQ(listener.digits, "123");
  EXPECT_EQ(listener.durations, (std::vector<uint32_t>{160, 160, 160}));
}

TEST(DtmfTest, TimestampsWrap) {
  Listener listener;
  for (const uint32_t timestamp : {0xfffffc00u, 0x00000100u}) {
    for (const auto& frame : FramesOf({.code = 4, .timestamp = timestamp})) listener.Hear(frame);
  }
  EXPECT_EQ(listener.digits, "44");
}

TEST(DtmfTest, RefusesWhatIsNoEvent) {
  Listener listener;
  constexpr size_t kSizes[] = {0, 1, 2, 3, 5, 7, 20, 160};  // 20 is one event more than the limit.
  for (const size_t size : kSizes) {
    listener.Hear(Bytes(size, 0x01), 1000);
  }
  EXPECT_EQ(listener.reader.malformed(), 8u);
  EXPECT_EQ(listener.starts, 0);
  listener.Hear(Bytes(16, 0x01), 1000);
  EXPECT_GT(listener.starts, 0);
}

// Property: as long as one packet of each digit arrives, the digits arrive: with loss, copies, and
// reordering inside a digit.
TEST(DtmfTest, HearsWhatWasDialled) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    Listener listener;
    std::string dialled;
    auto timestamp = static_cast<uint32_t>(random.Next());
    for (uint64_t i = random.Below(12) + 1; i > 0; --i) {
      const auto code = static_cast<uint8_t>(random.Below(16));
      const auto duration = static_cast<uint16_t>(400 + random.Below(2000));
      dialled += DigitOf(code);
      auto frames = FramesOf({.code = code, .timestamp = timestamp, .duration_ticks = duration});
      const size_t kept = random.Below(frames.size());
      for (size_t at = 0; at < frames.size(); ++at) {
        if (at + 1 < frames.size() && random.Chance(0.2)) std::swap(frames[at], frames[at + 1]);
        if (at != kept && random.Chance(0.6)) continue;
        listener.Hear(frames[at]);
        if (random.Chance(0.3)) listener.Hear(frames[at]);
      }
      timestamp += duration + 400 + static_cast<uint32_t>(random.Below(8000));
    }
    listener.Tell(listener.reader.Finish());
    ASSERT_EQ(listener.digits, dialled) << "seed " << seed;
  }
}

}  // namespace
}  // namespace core::rtp

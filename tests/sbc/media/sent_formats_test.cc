// Goal: what a payload type carries is known as it was noted, for as many as there is room.

#include "sbc/media/sent_formats.h"

#include <gtest/gtest.h>

namespace sbc {
namespace {

using core::rtp::Codec;
using core::rtp::PayloadKind;

TEST(SentFormatsTest, WhatIsNotedIsFound) {
  SentFormats formats;
  formats.Note(101, {PayloadKind::kEvent, Codec::kUnknown, 8000});
  formats.Note(111, {PayloadKind::kAudio, Codec::kOpus, 48000});
  formats.Note(13, {PayloadKind::kComfortNoise, Codec::kUnknown, 8000});
  formats.Note(96, {PayloadKind::kAudio, Codec::kUnknown, 11025});
  formats.Note(101, {PayloadKind::kAudio, Codec::kPcmu, 8000});  // The first counts.
  EXPECT_EQ(formats.Find(101).kind, PayloadKind::kEvent);
  EXPECT_EQ(formats.Find(101).clock_rate_hz, 8000u);
  EXPECT_EQ(formats.Find(111).codec, Codec::kOpus);
  EXPECT_EQ(formats.Find(111).kind, PayloadKind::kAudio);
  EXPECT_EQ(formats.Find(111).clock_rate_hz, 48000u);
  EXPECT_EQ(formats.Find(13).kind, PayloadKind::kComfortNoise);
  EXPECT_EQ(formats.Find(96).clock_rate_hz, 11025u);
  EXPECT_EQ(formats.Find(97), SentFormats::Meaning{});
}

// The numbers of RFC 3551 mean what they do there, unless they were noted as something else.
TEST(SentFormatsTest, StaticTypesTakeNoRoom) {
  SentFormats formats;
  formats.Note(9, {PayloadKind::kEvent, Codec::kUnknown, 16000});
  for (uint8_t round = 0; round < SentFormats::kFormatsMax; ++round) {
    formats.Note(0, {PayloadKind::kAudio, Codec::kPcmu, 8000});
    formats.Note(13, {PayloadKind::kComfortNoise, Codec::kUnknown, 8000});
  }
  formats.Note(111, {PayloadKind::kAudio, Codec::kOpus, 48000});
  EXPECT_EQ(formats.Find(111).codec, Codec::kOpus);
  EXPECT_EQ(formats.Find(0).codec, Codec::kPcmu);
  EXPECT_EQ(formats.Find(8).codec, Codec::kPcma);
  EXPECT_EQ(formats.Find(18).codec, Codec::kG729);
  EXPECT_EQ(formats.Find(18).clock_rate_hz, 8000u);
  EXPECT_EQ(formats.Find(13).kind, PayloadKind::kComfortNoise);
  EXPECT_EQ(formats.Find(9).kind, PayloadKind::kEvent);
  EXPECT_EQ(formats.Find(9).clock_rate_hz, 16000u);
}

TEST(SentFormatsTest, WhatFindsNoRoomIsUnknownVoice) {
  SentFormats formats;
  for (uint8_t place = 0; place < 32; ++place) {
    formats.Note(static_cast<uint8_t>(96 + place),
                 {PayloadKind::kEvent, Codec::kG729, 1000u * (place + 1u)});
  }
  for (uint8_t place = 0; place < 32; ++place) {
    const SentFormats::Meaning found = formats.Find(static_cast<uint8_t>(96 + place));
    const bool is_known = place < SentFormats::kFormatsMax;
    EXPECT_EQ(found.kind, is_known ? PayloadKind::kEvent : PayloadKind::kAudio);
    EXPECT_EQ(found.codec, is_known ? Codec::kG729 : Codec::kUnknown);
    EXPECT_EQ(found.clock_rate_hz, place < SentFormats::kClocksMax ? 1000u * (place + 1u) : 0u);
  }
}

// A clock that we cannot keep is not known, rather than another.
TEST(SentFormatsTest, AnAbsurdClockIsNotKnown) {
  for (const uint32_t clock_rate_hz : {0u, 1u, 8001u, 25u * 0x10000u, 0xffffffffu}) {
    SentFormats formats;
    formats.Note(96, {PayloadKind::kAudio, Codec::kUnknown, clock_rate_hz});
    EXPECT_EQ(formats.Find(96).clock_rate_hz, 0u) << clock_rate_hz;
  }
}

}  // namespace
}  // namespace sbc

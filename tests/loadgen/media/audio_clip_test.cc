#include "loadgen/media/audio_clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/base/concat.h"
#include "loadgen/media/digit_list.h"
#include "loadgen/media/g711.h"
#include "loadgen/media/wav_file.h"

// What files hold becomes what packets carry.

namespace loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Little(uint32_t number, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(number >> (8 * i)));
  return text;
}

struct WavSpec {
  uint16_t format = WavFile::kPcm;
  uint16_t channels = 1;
  uint32_t rate_hz = 8000;
  uint16_t bits = 16;
  std::string more_format = {};
  std::string before_data = {};
};

std::string MakeWav(const WavSpec& spec, const std::string& samples) {
  const std::string format = Little(spec.format, 2) + Little(spec.channels, 2) +
                             Little(spec.rate_hz, 4) + Little(spec.rate_hz * 2, 4) + Little(2, 2) +
                             Little(spec.bits, 2) + spec.more_format;
  const std::string chunks = "fmt " + Little(static_cast<uint32_t>(format.size()), 4) + format +
                             spec.before_data + "data" +
                             Little(static_cast<uint32_t>(samples.size()), 4) + samples;
  return "RIFF" + Little(static_cast<uint32_t>(4 + chunks.size()), 4) + "WAVE" + chunks;
}

std::string ErrorOf(const std::string& file, uint8_t payload_type) {
  const auto clip = MakeAudioClip(file, *FindAudioFormat(payload_type, ""));
  return clip.ok() ? std::string("none") : std::string(clip.status().message());
}

// Codes and levels of ITU-T G.711's tables: silence, both ends, and a segment's beginning.
TEST(G711Test, HasTheTablesCodes) {
  EXPECT_EQ(EncodeMuLaw(0), 0xff);
  EXPECT_EQ(EncodeMuLaw(32767), 0x80);
  EXPECT_EQ(EncodeMuLaw(-32768), 0x00);
  EXPECT_EQ(DecodeMuLaw(0x80), 32124);
  EXPECT_EQ(EncodeALaw(0), 0xd5);
  EXPECT_EQ(EncodeALaw(32767), 0xaa);
  EXPECT_EQ(EncodeALaw(-32768), 0x2a);
  EXPECT_EQ(DecodeALaw(0xaa), 32256);
}

TEST(G711Test, WhatIsDecodedEncodesToTheSameCode) {
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<uint8_t>(code);
    EXPECT_EQ(EncodeALaw(DecodeALaw(byte)), byte);
    if (byte == 0x7f) continue;  // Minus zero is zero.
    EXPECT_EQ(EncodeMuLaw(DecodeMuLaw(byte)), byte);
  }
}

// G.711's intervals are at most 1/16 of a level wide.
TEST(G711Test, IsCloseToEverySample) {
  for (int sample = -32768; sample < 32768; ++sample) {
    const auto linear = static_cast<int16_t>(sample);
    const int most = std::abs(sample) / 32 + 16;
    ASSERT_LE(std::abs(DecodeALaw(EncodeALaw(linear)) - sample), most) << sample;
    ASSERT_LE(std::abs(DecodeMuLaw(EncodeMuLaw(linear)) - sample), most) << sample;
  }
}

TEST(AudioClipTest, EncodesPcmForThePayloadType) {
  const std::string wav = MakeWav({}, Little(0, 2) + Little(0x7fff, 2) + Little(0x8000, 2));
  const auto mu_law = MakeAudioClip(wav, *FindAudioFormat(0, ""));
  const auto a_law = MakeAudioClip(wav, *FindAudioFormat(8, ""));
  ASSERT_TRUE(mu_law.ok() && a_law.ok());
  EXPECT_THAT(mu_law->bytes, ElementsAre(0xff, 0x80, 0x00));
  EXPECT_THAT(a_law->bytes, ElementsAre(0xd5, 0xaa, 0x2a));
}

TEST(AudioClipTest, PassesEncodedWavAndRawFilesOn) {
  const auto wav = MakeAudioClip(MakeWav({.format = WavFile::kMuLaw, .bits = 8}, "abc"),
                                 *FindAudioFormat(0, ""));
  const auto raw = MakeAudioClip("RIFFabc", *FindAudioFormat(9, ""));
  ASSERT_TRUE(wav.ok() && raw.ok());
  EXPECT_THAT(wav->bytes, ElementsAre('a', 'b', 'c'));
  EXPECT_EQ(raw->bytes.size(), 7u);
}

TEST(AudioClipTest, ReadsExtensibleFormatsAndStepsOverOtherChunks) {
  const std::string wav = MakeWav({.format = 0xfffe,
                                   .bits = 8,
                                   .more_format = Little(22, 2) + Little(8, 2) + Little(4, 4) +
                                                  Little(WavFile::kALaw, 2) + std::string(14, 'g'),
                                   .before_data = "LIST" + Little(3, 4) + "odd" + '\0'},
                                  "xyz");
  const auto clip = MakeAudioClip(wav, *FindAudioFormat(8, ""));
  ASSERT_TRUE(clip.ok()) << clip.status();
  EXPECT_THAT(clip->bytes, ElementsAre('x', 'y', 'z'));
}

TEST(AudioClipTest, AFileThatWasCutEndsWithItsBytes) {
  std::string wav = MakeWav({.format = WavFile::kMuLaw, .bits = 8}, "abcdef");
  wav.resize(wav.size() - 4);
  const auto clip = MakeAudioClip(wav, *FindAudioFormat(0, ""));
  ASSERT_TRUE(clip.ok());
  EXPECT_EQ(clip->bytes.size(), 2u);
}

TEST(AudioClipTest, SaysWhatIsWrongAndWhatWasWanted) {
  EXPECT_THAT(ErrorOf(MakeWav({.rate_hz = 44100}, "ab"), 0), HasSubstr("wanted 8000 Hz"));
  EXPECT_THAT(ErrorOf(MakeWav({.channels = 2}, "ab"), 0), HasSubstr("2 channels; wanted"));
  EXPECT_THAT(ErrorOf(MakeWav({.bits = 24}, "ab"), 0), HasSubstr("24 bits; wanted"));
  EXPECT_THAT(ErrorOf(MakeWav({.format = WavFile::kALaw}, "ab"), 0), HasSubstr("payload type 8"));
  EXPECT_THAT(ErrorOf(MakeWav({}, "ab"), 9), HasSubstr("not 9"));
  EXPECT_THAT(ErrorOf(MakeWav({}, ""), 0), HasSubstr("no audio"));
  EXPECT_THAT(ErrorOf("", 0), HasSubstr("no audio"));
  const std::string whole = MakeWav({}, "abcd");
  EXPECT_THAT(ErrorOf(whole.substr(0, 30), 0), HasSubstr("too short"));
  EXPECT_THAT(ErrorOf(whole.substr(0, 40), 0), HasSubstr("no data chunk"));
}

TEST(AudioFormatTest, KnowsWhatSippKnows) {
  EXPECT_EQ(FindAudioFormat(18, "")->frame_bytes, 20);
  EXPECT_EQ(FindAudioFormat(97, "iLBC/8000")->frame_ms, 30);
  EXPECT_FALSE(FindAudioFormat(97, "opus/48000"));
  EXPECT_FALSE(FindAudioFormat(3, "GSM/8000"));
}

TEST(DigitListTest, ReadsDigitsAndTheirDuration) {
  using std::chrono::milliseconds;
  DigitList list;
  ASSERT_TRUE(ParseDigitList("12#a", &list));
  EXPECT_EQ(list.digits, "12#a");
  EXPECT_EQ(list.duration, milliseconds(200));
  ASSERT_TRUE(ParseDigitList(" 9 , 50", &list));
  EXPECT_EQ(list.duration, milliseconds(50));
  for (const char* wrong : {"", ",100", "12x", "1,", "1,49", "1,2001", "1,abc"}) {
    EXPECT_FALSE(ParseDigitList(wrong, &list)) << wrong;
  }
  EXPECT_TRUE(ParseDigitList(std::string(DigitList::kDigitsMax, '1'), &list));
  EXPECT_FALSE(ParseDigitList(std::string(DigitList::kDigitsMax + 1, '1'), &list));
}

}  // namespace
}  // namespace loadgen

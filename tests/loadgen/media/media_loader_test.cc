#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/concat.h"
#include "loadgen/scenario_loader.h"
#include "tests/loadgen/media/talking_texts.h"

// What scenarios say of media, and what they are told when it is wrong.

namespace loadgen {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using tests::Exec;
using tests::MediaFile;

absl::StatusOr<std::unique_ptr<Scenario>> Load(const std::string& body,
                                               const ScenarioInputs& inputs = {}) {
  return LoadScenario(core::Concat("<scenario>", body, "<recv request=\"INVITE\"/></scenario>"),
                      "folder/s.xml", inputs);
}

std::string ErrorOf(const std::string& body) {
  const auto scenario = Load(body);
  return scenario.ok() ? "none" : std::string(scenario.status().message());
}

template <typename T>
const T& FirstAction(const Scenario& scenario) {
  return std::get<T>(scenario.steps[0].actions[0].what);
}

TEST(MediaLoaderTest, ReadsRtpStream) {
  const MediaFile file("0123456789");
  const auto plain = Load(Exec(core::Concat("rtp_stream=\"", file.path(), "\"")));
  const auto full = Load(Exec(core::Concat("rtp_stream=\" ", file.path(), " , -1, 9,G722/8000\"")));
  ASSERT_TRUE(plain.ok() && full.ok());
  EXPECT_EQ(FirstAction<PlayAudioAction>(**plain).loops, 1);
  EXPECT_EQ(FirstAction<PlayAudioAction>(**plain).clip->format.payload_type, 8);
  EXPECT_EQ(FirstAction<PlayAudioAction>(**full).loops, PlayAudioAction::kForEver);
  EXPECT_EQ(FirstAction<PlayAudioAction>(**full).clip->format.payload_type, 9);
  EXPECT_TRUE((*plain)->uses_media);
  EXPECT_FALSE((*Load(""))->uses_media);
}

TEST(MediaLoaderTest, APayloadTypeThatIsNotSaidIsTheRuns) {
  const MediaFile file("0123456789");
  const auto scenario =
      Load(Exec(core::Concat("rtp_stream=\"", file.path(), "\"")), {.rtp_payload_type = 0});
  EXPECT_EQ(FirstAction<PlayAudioAction>(**scenario).clip->format.payload_type, 0);
}

TEST(MediaLoaderTest, AFileIsReadOnceAndAKeyMayNameIt) {
  const MediaFile file("0123456789");
  const std::map<std::string, std::string, std::less<>> keys = {{"voice", file.path()}};
  const std::string play = core::Concat("rtp_stream=\"", file.path(), "\"");
  const auto scenario = Load(Exec(play) + Exec("rtp_stream=\"[voice]\""), {.keys = &keys});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(std::get<PlayAudioAction>((*scenario)->steps[0].actions[0].what).clip,
            std::get<PlayAudioAction>((*scenario)->steps[1].actions[0].what).clip);
}

TEST(MediaLoaderTest, ReadsPatternsPausesAndEchoes) {
  EXPECT_EQ(FirstAction<PlayPatternAction>(**Load(Exec("rtp_stream=\"apattern,1,0\""))).pattern,
            0xaa);
  EXPECT_EQ(FirstAction<PlayPatternAction>(**Load(Exec("rtp_stream=\"apattern,6,8\""))).pattern,
            0xff);
  EXPECT_TRUE(FirstAction<PauseAudioAction>(**Load(Exec("rtp_stream=\"pause\""))).pause);
  EXPECT_FALSE(FirstAction<PauseAudioAction>(**Load(Exec("rtp_stream=\"resumeapattern\""))).pause);
  EXPECT_TRUE(FirstAction<EchoCallAction>(**Load(Exec("rtp_echo=\"updateaudio,8,PCMA\""))).on);
  EXPECT_FALSE(FirstAction<EchoCallAction>(**Load(Exec("rtp_echo=\"stopaudio\""))).on);
}

TEST(MediaLoaderTest, ReadsChecks) {
  const auto scenario = Load(
      "<nop rf_min_mos=\"4.1\" rf_max_loss=\"0.5\" rf_max_jitter=\"20\" rf_two_way=\"true\" "
      "rf_dtmf=\"1a#\"/>");
  ASSERT_TRUE(scenario.ok());
  const MediaChecks& checks = (*scenario)->steps[0].media;
  EXPECT_EQ(checks.mos_min, 4.1);
  EXPECT_EQ(checks.loss_max_percent, 0.5);
  EXPECT_EQ(checks.jitter_max, std::chrono::milliseconds(20));
  EXPECT_TRUE(checks.two_way);
  EXPECT_EQ(checks.digits, "1A#");
  EXPECT_TRUE((*scenario)->uses_media);
  EXPECT_TRUE((*scenario)->warnings.empty());
}

TEST(MediaLoaderTest, SaysFileLineAndWhatWasWanted) {
  const MediaFile file("0123456789");
  const std::string path = file.path();
  EXPECT_THAT(ErrorOf("\n" + Exec("rtp_stream=\"/nowhere/v.wav\"")),
              AllOf(HasSubstr("folder/s.xml:2: <exec>: /nowhere/v.wav: cannot be read"),
                    HasSubstr("wanted")));
  EXPECT_THAT(ErrorOf(Exec("rtp_stream=\"" + path + ",0\"")), HasSubstr("loops \"0\": wanted"));
  EXPECT_THAT(ErrorOf(Exec("rtp_stream=\"" + path + ",1,300\"")), HasSubstr("wanted a number"));
  EXPECT_THAT(ErrorOf(Exec("rtp_stream=\"" + path + ",1,3,GSM/8000\"")),
              HasSubstr("wanted 0, 8, 9, 18"));
  EXPECT_THAT(ErrorOf(Exec("rtp_stream=\"apattern,7,0\"")), HasSubstr("wanted 1 to 6"));
  EXPECT_THAT(ErrorOf(Exec("rtp_stream=\"\"")), HasSubstr("wanted the name of a file"));
  EXPECT_THAT(ErrorOf(Exec("play_pcap_audio=\"" + path + "\"")), HasSubstr("no pcap file"));
  EXPECT_THAT(ErrorOf(Exec("play_dtmf=\"12x\"")), HasSubstr("play_dtmf=\"12x\": wanted"));
  EXPECT_THAT(ErrorOf(Exec("rtp_echo=\"sometimes\"")), HasSubstr("wanted startaudio"));
  EXPECT_THAT(ErrorOf("<pause rf_two_way=\"true\"/>"), HasSubstr("wanted it on a <nop>"));
  EXPECT_THAT(ErrorOf("<nop rf_min_mos=\"5\"/>"), HasSubstr("wanted a MOS"));
  EXPECT_THAT(ErrorOf("<nop rf_max_loss=\"101\"/>"), HasSubstr("wanted a percentage"));
  EXPECT_THAT(ErrorOf("<nop rf_dtmf=\"1,200\"/>"), HasSubstr("rf_dtmf=\"1,200\": wanted"));
}

TEST(MediaLoaderTest, WhatSippKnowsAndWeDoNotIsSaidSo) {
  const MediaFile file("0123456789");
  for (const std::string& form :
       {std::string("play_pcap_video=\"v\""), std::string("play_pcap_image=\"v\""),
        std::string("rtp_stream=\"vpattern,1,96,H264/90000\""),
        std::string("rtp_stream=\"pausevpattern\""), std::string("rtp_stream=\"[$file],1,0\""),
        std::string("rtp_echo=\"startvideo,96\""), std::string("command=\"ls\""),
        "rtp_stream=\"" + file.path() + ",1,96,H264/90000\""}) {
    EXPECT_THAT(ErrorOf(Exec(form)), HasSubstr("not supported yet")) << form;
  }
}

}  // namespace
}  // namespace loadgen

#include "sbc/dtmf_info.h"

#include <gtest/gtest.h>

#include <string>

namespace sbc {
namespace {

// Goal: whatever equipment writes for a key is read as that key, and nothing else is read as one.

struct Read {
  DtmfInfoError error = DtmfInfoError::kOk;
  Digit digit;
};
Read Relay(const std::string& body) {
  Read read;
  read.error = ParseDtmfInfo(DtmfBody::kRelay, body, &read.digit);
  return read;
}
Read Plain(const std::string& body) {
  Read read;
  read.error = ParseDtmfInfo(DtmfBody::kPlain, body, &read.digit);
  return read;
}

TEST(DtmfBodyTest, IsFoundByItsType) {
  EXPECT_EQ(DtmfBodyOf("application/dtmf-relay"), DtmfBody::kRelay);
  EXPECT_EQ(DtmfBodyOf(" Application/DTMF-Relay ; charset=utf-8"), DtmfBody::kRelay);
  EXPECT_EQ(DtmfBodyOf("application/dtmf"), DtmfBody::kPlain);
  EXPECT_EQ(DtmfBodyOf("APPLICATION/DTMF;x=y"), DtmfBody::kPlain);
  for (const char* other : {"", ";", "application/dtmf-relay2", "audio/telephone-event", "dtmf",
                            "application/media_control+xml", "application/sdp"}) {
    EXPECT_EQ(DtmfBodyOf(other), DtmfBody::kNone) << other;
  }
}

TEST(DtmfInfoTest, EachKeyInEachForm) {
  const std::string keys = "0123456789*#ABCD!";
  for (uint8_t event = 0; event < keys.size(); ++event) {
    const std::string key(1, keys[event]);
    EXPECT_EQ(Relay("Signal=" + key + "\r\nDuration=200\r\n").digit, (Digit{event, 200})) << key;
    EXPECT_EQ(Plain(key).digit, (Digit{event, 160})) << key;
    EXPECT_EQ(Plain(key + "\r\n").error, DtmfInfoError::kOk) << key;
    if (event < 10) continue;
    EXPECT_EQ(Relay("Signal=" + std::to_string(event)).digit, (Digit{event, 160})) << key;
    EXPECT_EQ(Plain(std::to_string(event)).digit, (Digit{event, 160})) << key;
  }
  EXPECT_EQ(Relay("Signal=a").digit.event, 12);
  EXPECT_EQ(Relay("Signal=d").digit.event, 15);
}

TEST(DtmfInfoTest, ForgivesWhatEquipmentWrites) {
  const Digit five = {5, 160};
  for (const char* body : {
           "Signal=5\r\nDuration=160\r\n",
           "Signal=5\r\nDuration=160",
           "Signal= 5\r\nDuration= 160\r\n",
           "signal=5\nduration=160\n",
           "SIGNAL = 5 \r\n DURATION\t=\t160\r\n",
           "Duration=160\rSignal=5",
           "\r\n\r\nSignal=5\r\n\r\n",
           "Signal=5\r\nVolume=10\r\nno line of ours\r\n=\r\n",
       }) {
    EXPECT_EQ(Relay(body).error, DtmfInfoError::kOk) << body;
    EXPECT_EQ(Relay(body).digit, five) << body;
  }
}

TEST(DtmfInfoTest, DurationsOutsideTheLimitsCountAsTheNearerOne) {
  const auto duration = [](const std::string& text) {
    const Read read = Relay("Signal=1\r\nDuration=" + text);
    EXPECT_EQ(read.error, DtmfInfoError::kOk) << text;
    return read.digit.duration_ms;
  };
  EXPECT_EQ(duration("0"), 40);
  EXPECT_EQ(duration("39"), 40);
  EXPECT_EQ(duration("40"), 40);
  EXPECT_EQ(duration("0250"), 250);
  EXPECT_EQ(duration("5000"), 5000);
  EXPECT_EQ(duration("5001"), 5000);
  EXPECT_EQ(duration("4294967297"), 5000);
  EXPECT_EQ(duration(std::string(200, '9')), 5000);
}

TEST(DtmfInfoTest, RefusesWhatIsNoSingleKey) {
  for (const char* signal :
       {"", "=", "55", "5 5", "17", "99", "05", "E", "-1", "*#", "\xc2\xb2", "flash", "5\0"}) {
    EXPECT_EQ(Relay("Signal=" + std::string(signal) + "\r\nDuration=160\r\n").error,
              *signal == '5' && signal[1] == '\0' ? DtmfInfoError::kOk : DtmfInfoError::kSignal)
        << signal;
  }
  EXPECT_EQ(Relay("").error, DtmfInfoError::kSignal);
  EXPECT_EQ(Relay("Duration=160\r\n").error, DtmfInfoError::kSignal);
  EXPECT_EQ(Relay("Signal=1\r\nSignal=2\r\n").error, DtmfInfoError::kSignal) << "which one?";
  EXPECT_EQ(Relay(std::string("Signal=1\0\r\n", 11)).error, DtmfInfoError::kSignal);
  EXPECT_EQ(Plain("").error, DtmfInfoError::kSignal);
  EXPECT_EQ(Plain(" \r\n").error, DtmfInfoError::kSignal);
  EXPECT_EQ(Plain("12").error, DtmfInfoError::kOk) << "RFC 4733's number of A";
  EXPECT_EQ(Plain("123").error, DtmfInfoError::kSignal);
  EXPECT_EQ(Plain("Signal=5").error, DtmfInfoError::kSignal);
}

TEST(DtmfInfoTest, RefusesWhatIsNoDuration) {
  for (const char* duration : {"", "x", "-1", "1.5", "160ms", "0x10", "1 60"}) {
    EXPECT_EQ(Relay("Signal=5\r\nDuration=" + std::string(duration)).error,
              DtmfInfoError::kDuration)
        << duration;
  }
  EXPECT_EQ(Relay("Signal=5\r\nDuration=1\r\nDuration=1\r\n").error, DtmfInfoError::kDuration);
}

TEST(DtmfInfoTest, RefusesWhatIsTooLong) {
  const std::string body = "Signal=5\r\nx=";
  EXPECT_EQ(Relay(body + std::string(kDtmfBodyMax - body.size(), 'y')).error, DtmfInfoError::kOk);
  EXPECT_EQ(Relay(body + std::string(kDtmfBodyMax - body.size() + 1, 'y')).error,
            DtmfInfoError::kLength);
}

TEST(DtmfInfoTest, WhatIsWrittenIsReadAgain) {
  for (uint8_t event = 0; event <= 16; ++event) {
    char bytes[64];
    core::TextWriter out({bytes, sizeof(bytes)});
    WriteDtmfRelay({event, 250}, &out);
    ASSERT_TRUE(out.ok());
    EXPECT_EQ(Relay(std::string(out.text())).digit, (Digit{event, 250}));
  }
  char bytes[64];
  core::TextWriter out({bytes, sizeof(bytes)});
  WriteDtmfRelay({11, 100}, &out);
  EXPECT_EQ(out.text(), "Signal=#\r\nDuration=100\r\n");
}

}  // namespace
}  // namespace sbc

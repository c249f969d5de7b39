#include "sbc/media/sequence_shift.h"

#include <gtest/gtest.h>

#include <vector>

namespace sbc {
namespace {

// Goal: what goes on is numbered without a gap where packets ended here, and with one where packets
// were lost before us.

TEST(SequenceShiftTest, WithoutEventsNothingChanges) {
  SequenceShift shift;
  for (const uint16_t number : std::vector<uint16_t>{65534, 65535, 0, 1, 3, 2, 2, 40000}) {
    EXPECT_EQ(shift.Apply(number), number);
  }
}

TEST(SequenceShiftTest, AGapIsClosed) {
  SequenceShift shift;
  EXPECT_EQ(shift.Apply(65533), 65533);
  for (const uint16_t event : std::vector<uint16_t>{65534, 65535, 0}) shift.Take(event);
  EXPECT_EQ(shift.Apply(1), 65534);
  EXPECT_EQ(shift.Apply(2), 65535);
  shift.Take(3);
  EXPECT_EQ(shift.Apply(4), 0);
}

TEST(SequenceShiftTest, AStreamMayBeginWithEvents) {
  SequenceShift shift;
  shift.Take(7);
  shift.Take(8);
  EXPECT_EQ(shift.Apply(9), 7);
}

TEST(SequenceShiftTest, ALossStaysALoss) {
  SequenceShift shift;
  EXPECT_EQ(shift.Apply(10), 10);
  shift.Take(11);
  shift.Take(13);  // 12 was lost: voice or not, nobody knows.
  EXPECT_EQ(shift.Apply(14), 12);
}

TEST(SequenceShiftTest, WhatWasOvertakenHasItsOwnPlace) {
  SequenceShift shift;
  EXPECT_EQ(shift.Apply(10), 10);
  shift.Take(12);
  EXPECT_EQ(shift.Apply(11), 11);
  EXPECT_EQ(shift.Apply(13), 12);
  EXPECT_EQ(shift.Apply(11), 11);  // A duplicate stays one.
  shift.Take(12);
  EXPECT_EQ(shift.Apply(14), 13);
}

// Who got 12 as 12 must not get 13 as 12: the gap of 11 stays.
TEST(SequenceShiftTest, AnEventThatComesLateMovesNothing) {
  SequenceShift shift;
  EXPECT_EQ(shift.Apply(10), 10);
  EXPECT_EQ(shift.Apply(12), 12);
  shift.Take(11);
  EXPECT_EQ(shift.Apply(13), 13);
}

// 22 minutes of voice later the numbers are those of the run again: who is overtaken there is not
// of before it.
TEST(SequenceShiftTest, NumbersComeRoundToARun) {
  SequenceShift shift;
  EXPECT_EQ(shift.Apply(10), 10);
  for (const uint16_t event : std::vector<uint16_t>{11, 12, 13}) shift.Take(event);
  for (uint32_t number = 14; number <= 0x10000 + 12; ++number) {
    if (number == 0x10000 + 9) continue;
    ASSERT_EQ(shift.Apply(static_cast<uint16_t>(number)), static_cast<uint16_t>(number - 3));
  }
  EXPECT_EQ(shift.Apply(9), 6);
}

// Two keys later it is still told apart from what went on before them.
TEST(SequenceShiftTest, WhatSeveralRunsOvertookHasItsOwnPlace) {
  SequenceShift shift;
  EXPECT_EQ(shift.Apply(65530), 65530);
  for (const uint16_t event : std::vector<uint16_t>{65533, 65534}) shift.Take(event);
  EXPECT_EQ(shift.Apply(65535), 65533);
  for (const uint16_t event : std::vector<uint16_t>{1, 2, 4}) shift.Take(event);
  EXPECT_EQ(shift.Apply(5), 0);
  EXPECT_EQ(shift.Apply(0), 65534);
  EXPECT_EQ(shift.Apply(3), 65535);  // It was no event.
  EXPECT_EQ(shift.Apply(65532), 65532);
  EXPECT_EQ(shift.Apply(65535), 65533);
}

TEST(SequenceShiftTest, RunsOfLongAgoAreForgotten) {
  SequenceShift shift;
  shift.Take(1);
  for (uint32_t number = 2; number < 70'000; ++number) {
    EXPECT_EQ(shift.Apply(static_cast<uint16_t>(number)), static_cast<uint16_t>(number - 1));
  }
}

TEST(SequenceShiftTest, ANewBeginningIsFollowed) {
  SequenceShift shift;
  EXPECT_EQ(shift.Apply(10), 10);
  shift.Take(11);
  EXPECT_EQ(shift.Apply(30000), 29999);
  shift.Take(30001);
  EXPECT_EQ(shift.Apply(30002), 30000);
  EXPECT_EQ(shift.Apply(20000), 19998);  // Backwards, too.
  shift.Take(20001);
  EXPECT_EQ(shift.Apply(20002), 19999);
}

}  // namespace
}  // namespace sbc

#include "loadgen/keyboard.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace loadgen {
namespace {

TEST(KeyboardTest, KeysAreSipps) {
  EXPECT_EQ(KeyOf('+'), Key::kFaster);
  EXPECT_EQ(KeyOf('*'), Key::kMuchFaster);
  EXPECT_EQ(KeyOf('-'), Key::kSlower);
  EXPECT_EQ(KeyOf('/'), Key::kMuchSlower);
  EXPECT_EQ(KeyOf('p'), Key::kPause);
  EXPECT_EQ(KeyOf('q'), Key::kQuit);
  EXPECT_EQ(KeyOf('Q'), Key::kQuitNow);
  for (const char other : {'x', 'P', '1', '\n', '\0'}) EXPECT_EQ(KeyOf(other), Key::kNone);
}

// A pipe that feeds us, as of a script, is never read: its bytes are somebody else's.
TEST(KeyboardTest, WhatIsNoTerminalIsLeftAlone) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int stdin_before = dup(STDIN_FILENO);
  ASSERT_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  ASSERT_EQ(write(ends[1], "q", 1), 1);
  Keyboard keyboard;
  EXPECT_FALSE(keyboard.Open());
  EXPECT_EQ(keyboard.Read(), Key::kNone);
  char left = 0;
  EXPECT_EQ(read(STDIN_FILENO, &left, 1), 1);
  EXPECT_EQ(left, 'q');
  if (stdin_before >= 0) {
    EXPECT_EQ(dup2(stdin_before, STDIN_FILENO), STDIN_FILENO);
    close(stdin_before);
  }
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace loadgen

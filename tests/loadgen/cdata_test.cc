// The cleaning of a <send>'s text is SIPp's, byte for byte. Each expectation is what Debian's sipp
// 3.6.1 put on the wire for that CDATA (with CRLF for "\n"), so that bodies and Content-Length
// agree.

#include "loadgen/cdata.h"

#include <gtest/gtest.h>

namespace loadgen {
namespace {

TEST(CleanCdataTest, DropsIndentationAndEndsTheHeaders) {
  EXPECT_EQ(CleanCdata("\n\n      A: x\n      B: y\n    "), "A: x\nB: y\n\n");
  EXPECT_EQ(CleanCdata("A: x"), "A: x\n\n");
  EXPECT_EQ(CleanCdata("A: x\n\n"), "A: x\n\n");
  EXPECT_EQ(CleanCdata("A: x   "), "A: x\n\n");
}

TEST(CleanCdataTest, GivesBackOneLineEndWhereABodyLostSome) {
  EXPECT_EQ(CleanCdata("A: x\n\nbody\n   "), "A: x\n\nbody\n");
  EXPECT_EQ(CleanCdata("A: x\n\nbody\n\n\n\n"), "A: x\n\nbody\n");
  EXPECT_EQ(CleanCdata("A: x\n\nbody"), "A: x\n\nbody");
  EXPECT_EQ(CleanCdata("A: x\n\nbody   "), "A: x\n\nbody");
}

TEST(CleanCdataTest, CleansBodiesTooInFourPasses) {
  EXPECT_EQ(CleanCdata("A: x\n\n  b  \t\n\t  c\n\n\n d   "), "A: x\n\nb  \n  c\n\n\nd");
  EXPECT_EQ(CleanCdata("S\n \t\nA: x\n\t \n b\n"), "S\n\nA: x\n\nb\n");
  EXPECT_EQ(CleanCdata("A: x\n \nbody"), "A: x\n\nbody");
}

TEST(CleanCdataTest, ForgetsCarriageReturnsAndAnEmptyText) {
  EXPECT_EQ(CleanCdata("\r\n  A: x\r\n  \r\n"), "A: x\n\n");
  EXPECT_EQ(CleanCdata(" \n\t "), "");
  EXPECT_EQ(CleanCdata(""), "");
}

}  // namespace
}  // namespace loadgen

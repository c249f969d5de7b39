// Rule 23, as a matrix through the whole SBC: (trunk, customer known, customer behind a NAT) x
// (what the call is at) x (who sends what to which port). Nothing is taken, nothing is sent to who
// sent it, and neither the peers nor the records see that anything happened.

#include "tests/sbc/media/source_matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tests {
namespace {

using namespace std::chrono_literals;

// Whether what a peer sends is to arrive at the other one.
enum class Crosses : uint8_t { kYes, kNo, kUnsaid };
struct Expected {
  Crosses from_caller = Crosses::kYes;
  Crosses to_caller = Crosses::kYes;
};

Expected ExpectedIn(const SourceMatrix::Cell& cell) {
  switch (cell.state) {
    case MatrixState::kOffered:
    case MatrixState::kEnded:
      return {Crosses::kNo, Crosses::kNo};
    case MatrixState::kHeld:
    case MatrixState::kMusic:
      return {Crosses::kYes, Crosses::kUnsaid};
    case MatrixState::kInactive:
      return {Crosses::kUnsaid, Crosses::kUnsaid};
    case MatrixState::kZero:
      return {Crosses::kNo, Crosses::kNo};
    default:
      return {};
  }
}

void ExpectCrossing(const SourceMatrix::Cell& cell, const SourceMatrix::Crossed& crossed) {
  const Expected expected = ExpectedIn(cell);
  const bool is_unlearnt = cell.kind.nat && !cell.kind.learnt;
  const Crosses to_trunk = cell.outbound ? expected.from_caller : expected.to_caller;
  const Crosses to_customer = cell.outbound ? expected.to_caller : expected.from_caller;
  if (is_unlearnt) {
    EXPECT_FALSE(crossed.to_customer) << "to a customer whose place nobody knows";
    return;  // It says nothing itself.
  }
  if (to_trunk != Crosses::kUnsaid) {
    EXPECT_EQ(crossed.to_trunk, to_trunk == Crosses::kYes) << "the customer's voice, to the trunk";
  }
  if (to_customer != Crosses::kUnsaid) {
    EXPECT_EQ(crossed.to_customer, to_customer == Crosses::kYes) << "and the trunk's";
  }
}

void ExpectSameStory(SourceMatrix* sprayed, SourceMatrix* quiet) {
  const std::vector<std::string> with = sprayed->Story();
  const std::vector<std::string> without = quiet->Story();
  for (size_t i = 0; i < std::min(with.size(), without.size()); ++i) {
    ASSERT_EQ(with[i], without[i]) << "with the attacks, and without them";
  }
  EXPECT_EQ(with.size(), without.size());
}

class SourceMatrixTest : public testing::TestWithParam<MatrixState> {};

TEST_P(SourceMatrixTest, Rule23_NobodyElseGetsIn) {
  for (const MatrixKind& kind : kMatrixKinds) {
    for (const bool outbound : {true, false}) {
      const SourceMatrix::Cell cell = {.kind = kind, .state = GetParam(), .outbound = outbound};
      SCOPED_TRACE(cell.name());
      SourceMatrix quiet(cell);
      SourceMatrix sprayed(cell);
      quiet.Reach();
      sprayed.Reach();
      for (const MatrixAttack attack : kMatrixAttacks) {
        SCOPED_TRACE(Name(attack));
        sprayed.Attack(attack);
        quiet.Rest();
        ExpectCrossing(cell, sprayed.Speak());
        ExpectCrossing(cell, quiet.Speak());
      }
      sprayed.Finish();
      quiet.Finish();
      EXPECT_EQ(sprayed.HeardByOthers(), 0u);
      // Of a call that is over nobody tells any more.
      EXPECT_EQ(sprayed.wrong_source_told() > 0, cell.state != MatrixState::kEnded);
      ExpectSameStory(&sprayed, &quiet);
    }
  }
}

// A spray is no sign of life: a call whose peers fell silent ends when it would have ended.
TEST(SourceMatrixTimeoutTest, Rule23_ASprayKeepsNoDeadCallAlive) {
  for (const MatrixKind& kind : kMatrixKinds) {
    for (const MatrixState state :
         {MatrixState::kTalking, MatrixState::kRefused, MatrixState::kRefreshed, MatrixState::kOpen,
          MatrixState::kLent}) {
      for (const bool outbound : {true, false}) {
        const SourceMatrix::Cell cell = {.kind = kind,
                                         .state = state,
                                         .outbound = outbound,
                                         .connector = "    media_timeout: 10s\n"};
        SCOPED_TRACE(cell.name());
        SourceMatrix quiet(cell);
        SourceMatrix sprayed(cell);
        quiet.Reach();
        sprayed.Reach();
        size_t shots = 0;
        for (const MatrixAttack attack : kMatrixAttacks) {
          shots += sprayed.Shoot(attack);
          sprayed.Rest();
          quiet.Rest();
        }
        EXPECT_GT(shots, 300u);
        ASSERT_FALSE(sprayed.world().records().empty());
        EXPECT_EQ(sprayed.world().records().back().end, sbc::CallEnd::kMediaTimeout);
        ExpectSameStory(&sprayed, &quiet);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    States, SourceMatrixTest,
    testing::Values(MatrixState::kOffered, MatrixState::kEarly, MatrixState::kTalking,
                    MatrixState::kHeld, MatrixState::kInactive, MatrixState::kZero,
                    MatrixState::kMusic, MatrixState::kRefused, MatrixState::kRefreshed,
                    MatrixState::kUpdated, MatrixState::kOurRefresh, MatrixState::kOpen,
                    MatrixState::kEnded, MatrixState::kLent),
    [](const testing::TestParamInfo<MatrixState>& state) { return Name(state.param); });

}  // namespace
}  // namespace tests

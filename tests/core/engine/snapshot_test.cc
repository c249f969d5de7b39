// A worker's plain counters reach the control thread as a copy that is never half of two
// publications (design, section 2).

#include "core/engine/snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace core::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// All words equal: then a mixture of two shows. 4 bytes behind the last whole word, too.
struct Counters {
  uint64_t values[100] = {};
  uint32_t last = 0;

  static Counters Of(uint64_t value) {
    Counters counters;
    for (uint64_t& each : counters.values) each = value;
    counters.last = static_cast<uint32_t>(value);
    return counters;
  }
  bool whole() const {
    for (const uint64_t each : values) {
      if (each != values[0]) return false;
    }
    return last == static_cast<uint32_t>(values[0]);
  }
};

TEST(SnapshotCellTest, ReadsWhatWasPublishedLast) {
  SnapshotCell<Counters> cell;
  EXPECT_EQ(cell.version(), 0u);
  EXPECT_EQ(cell.Read().values[0], 0u);
  cell.Publish(Counters::Of(7), Instant{});
  cell.Publish(Counters::Of(8), Instant{});
  EXPECT_EQ(cell.version(), 2u);
  EXPECT_TRUE(cell.Read().whole());
  EXPECT_EQ(cell.Read().last, 8u);
}

TEST(SnapshotCellTest, CopiesTypesOfAnySize) {
  struct Odd {
    char bytes[13];
  };
  SnapshotCell<Odd> cell;
  cell.Publish({"twelve chars"}, Instant{});
  EXPECT_STREQ(cell.Read().bytes, "twelve chars");
}

TEST(SnapshotCellTest, IsDueAtOnceAndThenOnceAnInterval) {
  SnapshotCell<int> cell(seconds(1));
  const Instant start = Instant{} + seconds(5);
  EXPECT_TRUE(cell.Due(start));
  cell.Publish(1, start);
  EXPECT_FALSE(cell.Due(start + milliseconds(999)));
  EXPECT_TRUE(cell.Due(start + seconds(1)));
}

// One thread publishes without pause, the other reads without pause.
TEST(SnapshotCellTest, IsNeverTorn) {
  constexpr uint64_t kPublications = 200'000;
  SnapshotCell<Counters> cell;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (uint64_t i = 1; i <= kPublications; ++i) cell.Publish(Counters::Of(i), Instant{});
    done = true;
  });
  uint64_t reads = 0;
  uint64_t last = 0;
  bool intact = true;
  while (!done || reads == 0) {
    Counters counters;
    if (!cell.TryRead(&counters)) continue;
    ++reads;
    intact = intact && counters.whole() && counters.values[0] >= last;
    last = counters.values[0];
  }
  writer.join();
  EXPECT_TRUE(intact);
  EXPECT_EQ(cell.Read().values[0], kPublications);
  EXPECT_EQ(cell.version(), kPublications);
}

}  // namespace
}  // namespace core::engine

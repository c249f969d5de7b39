// Goal: a source in a few hundred bytes says of a random network what a model that remembers every
// packet says: each count, each report, A.8's jitter, and the fate of each packet.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/rtp/source.h"
#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

using namespace std::chrono_literals;

struct Event {
  Instant at;
  int64_t number = 0;  // Of the packet, never wrapped.
};

/// What a network did to `count` packets.
std::vector<Event> Impair(Random* random, int count) {
  const double loss = random->Fraction() * 0.2;
  const double burst = random->Fraction() * 0.8;
  const double duplicate = random->Fraction() * 0.1;
  const auto spread = random->Below(120'000'000) + 1;  // ns: up to six packets' reordering.
  std::vector<Event> events;
  bool lost = false;
  for (int number = 0; number < count; ++number) {
    lost = random->Chance(lost ? burst : loss);
    if (lost) continue;
    const int copies = random->Chance(duplicate) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      const Duration delay(static_cast<int64_t>(random->Below(spread)));
      events.push_back({Instant{} + 1h + number * 20ms + delay, number});
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return events;
}

/// Remembers everything.
struct Model {
  std::map<int64_t, int> copies;  // By number.
  int64_t highest = -1;
  uint32_t reordered = 0;
  uint32_t duplicates = 0;

  void On(int64_t number) {
    if (++copies[number] > 1) {
      ++duplicates;
      return;
    }
    if (number < highest) ++reordered;
    highest = std::max(highest, number);
  }
  uint32_t expected() const { return static_cast<uint32_t>(highest - copies.begin()->first + 1); }
  uint32_t unique() const { return static_cast<uint32_t>(copies.size()); }
  LossBursts Fates() const {  // Of a buffer that waits for all.
    LossBursts bursts;
    for (int64_t number = copies.begin()->first; number <= highest; ++number) {
      copies.contains(number) ? bursts.Played(1) : bursts.Lost(1);
    }
    return bursts;
  }
};

/// A.8 as the appendix prints it, for packets that are new.
struct AppendixJitter {
  uint32_t transit = 0;
  uint32_t jitter = 0;
  bool timed = false;

  void On(uint32_t arrival_ticks, uint32_t timestamp) {
    const uint32_t now = arrival_ticks - timestamp;
    if (timed) {
      int32_t d = static_cast<int32_t>(now - transit);
      if (d < 0) d = -d;
      jitter += static_cast<uint32_t>(d) - ((jitter + 8) >> 4);
    }
    transit = now;
    timed = true;
  }
};

void RunSeed(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const int count = static_cast<int>(random.Below(2000)) + 10;
  const std::vector<Event> events = Impair(&random, count);
  const auto first_sequence = static_cast<uint16_t>(random.Below(65536));
  const auto first_timestamp = static_cast<uint32_t>(random.Next());

  // A buffer so deep that nothing is late: fates are then a matter of sequence numbers alone.
  Source source({.clock_rate_hz = 8000, .buffer_min = 10'000ms, .buffer_max = 10'000ms});
  Model model;
  AppendixJitter appendix;
  Instant origin;
  uint32_t before_active = 0;
  for (const Event& event : events) {
    TestPacket packet({.sequence_number = static_cast<uint16_t>(first_sequence + event.number),
                       .timestamp = first_timestamp + static_cast<uint32_t>(event.number * 160),
                       .ssrc = 7});
    const bool was_active = source.active();
    const Arrival arrival = source.OnPacket(packet.view(), event.at, PayloadKind::kAudio);
    if (!source.active()) {
      ++before_active;
      continue;
    }
    if (!was_active) {
      // The proof: the packet held counts too. (A copy of it is refused, and is the model's first.)
      for (uint32_t i = 0; i < before_active; ++i) model.On(events[i].number);
      ASSERT_EQ(source.counts().refused, before_active - 1);
      model.duplicates = 0;
      const Event& held = events[before_active - 1];
      origin = held.at;
      appendix.On(0, first_timestamp + static_cast<uint32_t>(held.number * 160));
    }
    const uint32_t had = model.unique();
    const int64_t highest = model.highest;
    model.On(event.number);
    const Arrival expected = model.unique() == had    ? Arrival::kDuplicate
                             : event.number > highest ? Arrival::kInOrder
                                                      : Arrival::kReordered;
    ASSERT_EQ(arrival, expected);
    if (expected != Arrival::kDuplicate) {
      appendix.On(static_cast<uint32_t>((event.at - origin).count() * 8 / 1'000'000),
                  packet.view().timestamp());
    }
  }
  if (!source.active()) return;

  const StreamCounts counts = source.counts();
  EXPECT_EQ(counts.packets, model.unique());
  EXPECT_EQ(counts.expected, model.expected());
  EXPECT_EQ(counts.duplicates, model.duplicates);
  EXPECT_EQ(counts.reordered, model.reordered);
  EXPECT_EQ(counts.late, 0u);
  EXPECT_EQ(counts.packets + counts.duplicates + counts.refused, events.size());

  const LossBursts fates = model.Fates();
  EXPECT_EQ(source.bursts().settled(), fates.settled());
  EXPECT_EQ(source.bursts().lost(), fates.lost());
  EXPECT_EQ(source.bursts().runs(), fates.runs());
  EXPECT_EQ(source.bursts().longest_run(), fates.longest_run());
  EXPECT_EQ(source.bursts().clusters().burst_packets, fates.clusters().burst_packets);
  EXPECT_EQ(source.bursts().clusters().gap_lost, fates.clusters().gap_lost);

  const ReportBlock report = source.TakeReport().value();
  EXPECT_EQ(report.cumulative_lost, static_cast<int32_t>(model.expected()) -
                                        static_cast<int32_t>(counts.packets + counts.duplicates));
  EXPECT_EQ(static_cast<uint16_t>(report.highest_sequence_number),
            static_cast<uint16_t>(first_sequence + model.highest));
  // Rounding of nanoseconds to ticks may differ by one in each packet.
  EXPECT_NEAR(static_cast<double>(report.jitter_ticks), appendix.jitter >> 4, 1.0);
}

TEST(SourceModelTest, AgreesWithAModelThatRemembersEverything) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    RunSeed(seed);
    if (HasFailure()) return;
  }
}

// Late packets are lost to the listener: what a fixed buffer discards is what its definition says.
TEST(SourceModelTest, AFixedBufferDiscardsWhatIsLaterThanItsDepth) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Source source({.clock_rate_hz = 8000, .buffer_min = 40ms, .buffer_max = 40ms});
    uint32_t late = 0;
    for (int number = 0; number < 250; ++number) {  // Fewer than one epoch of the model.
      // Every tenth packet is the quickest there is; the others take up to 80 ms more.
      const int64_t excess = number % 10 < 2 ? 0 : static_cast<int64_t>(random.Below(641));
      TestPacket packet({.sequence_number = static_cast<uint16_t>(number),
                         .timestamp = static_cast<uint32_t>(number * 160),
                         .ssrc = 7});
      const Arrival arrival = source.OnPacket(
          packet.view(), Instant{} + 1h + number * 20ms + excess * 125us, PayloadKind::kAudio);
      if (arrival != Arrival::kProbation && excess > 320) ++late;
    }
    EXPECT_EQ(source.counts().late, late);
    EXPECT_EQ(source.bursts().lost(), late);
  }
}

}  // namespace
}  // namespace core::rtp

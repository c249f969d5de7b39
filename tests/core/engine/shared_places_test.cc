// Goal: a bound of the node is exact, whichever workers ask for it at once.

#include "core/engine/shared_places.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace core::engine {
namespace {

TEST(SharedPlacesTest, HasAsManyAsItSaysAndKeepsSomeBack) {
  SharedPlaces places(3);
  EXPECT_TRUE(places.Take(2));
  EXPECT_FALSE(places.Take(2));  // Two are left, and they are not for everyone.
  EXPECT_TRUE(places.Take(0));
  EXPECT_TRUE(places.Take(0));
  EXPECT_FALSE(places.Take(0));
  places.Return(2);
  EXPECT_EQ(places.taken(), 1u);
  EXPECT_FALSE(places.Take(2));
  EXPECT_TRUE(places.Take(1));
  EXPECT_FALSE(places.Take(UINT32_MAX));
}

TEST(SharedPlacesTest, IsExactWhereManyThreadsAsk) {
  constexpr uint32_t kPlaces = 5;
  SharedPlaces places(kPlaces);
  std::atomic<uint32_t> held = 0;
  std::atomic<bool> too_many = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      uint32_t mine = 0;
      for (int round = 0; round < 20'000; ++round) {
        if (places.Take(0)) {
          ++mine;
          if (held.fetch_add(1) >= kPlaces) too_many = true;
        }
        if (mine == 3 || (mine > 0 && round % 3 == 0)) {
          held.fetch_sub(mine);
          places.Return(mine);
          mine = 0;
        }
      }
      held.fetch_sub(mine);
      places.Return(mine);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(too_many);
  EXPECT_EQ(places.taken(), 0u);
}

}  // namespace
}  // namespace core::engine

// Answers are renewed before their TTL ends, the last good one outlives it for stale_max, and every
// change is told once (rule 9 of the SBC's rules). All in virtual time.

#include "core/transport/resolution_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace core::transport {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant kStart = Instant{} + hours(7);

ResolvedAddress At(std::string_view endpoint) {
  ResolvedAddress address;
  EXPECT_TRUE(Endpoint::Parse(endpoint, &address.endpoint));
  return address;
}

ResolveAnswer AnswerOf(Duration ttl, const std::vector<std::string>& endpoints) {
  ResolveAnswer answer;
  answer.ttl = ttl;
  for (const std::string& endpoint : endpoints) {
    EXPECT_TRUE(answer.addresses.PushBack(At(endpoint)));
  }
  return answer;
}

class ResolutionCacheTest : public testing::Test {
 protected:
  WatchId Add(const std::string& host) {
    const std::optional<WatchId> id = cache_.Add({host, 5060, ""}, now_);
    EXPECT_TRUE(id.has_value());
    return *id;
  }
  // Takes the one host that is due and answers it.
  void Answer(WatchId id, const ResolveAnswer& answer) {
    ASSERT_EQ(cache_.TakeDue(now_), id);
    cache_.OnAnswer(id, answer, now_);
  }
  void Fail(WatchId id, ResolveError error = ResolveError::kServer) {
    ASSERT_EQ(cache_.TakeDue(now_), id);
    cache_.OnFailure(id, error, now_);
  }
  void AdvanceTo(Duration since_start) {
    now_ = kStart + since_start;
    cache_.Advance(now_);
  }
  std::vector<std::string> Addresses(WatchId id) {
    std::vector<std::string> texts;
    for (const ResolvedAddress& address : cache_.Find(id)->addresses) {
      const Endpoint::Text text = address.endpoint.text();
      texts.emplace_back(text.view());
    }
    return texts;
  }

  ResolutionCache::Options options_;
  ResolutionCache cache_{options_};
  Instant now_ = kStart;
};

TEST_F(ResolutionCacheTest, AsksAtOnceAndAgainAtFourFifthsOfTheTtl) {
  const WatchId id = Add("trunk.example.com");
  EXPECT_EQ(cache_.Find(id)->error, ResolveError::kNotYet);
  EXPECT_EQ(cache_.NextDue(), now_);
  Answer(id, AnswerOf(seconds(60), {"192.0.2.1:5060"}));
  EXPECT_EQ(cache_.Find(id)->expires, kStart + seconds(60));
  EXPECT_EQ(cache_.NextDue(), kStart + seconds(48));

  AdvanceTo(milliseconds(47'999));
  EXPECT_EQ(cache_.TakeDue(now_), std::nullopt);
  AdvanceTo(seconds(48));
  EXPECT_EQ(cache_.TakeDue(now_), id);
  EXPECT_EQ(cache_.TakeDue(now_), std::nullopt);      // It is asked for already.
  EXPECT_EQ(cache_.NextDue(), kStart + seconds(60));  // While it is, only the TTL's end matters.
  EXPECT_EQ(cache_.counters().queries, 2u);
}

// A server that rotates gives another order each time: the new set replaces the old, as it came.
TEST_F(ResolutionCacheTest, UsesEachAnswerInItsOrderAndTellsChangesOnce) {
  const WatchId id = Add("trunk.example.com");
  Answer(id, AnswerOf(seconds(10), {"192.0.2.1:5060", "192.0.2.2:5060"}));
  EXPECT_EQ(cache_.TakeChanged(), id);
  EXPECT_EQ(cache_.TakeChanged(), std::nullopt);
  const uint32_t revision = cache_.Find(id)->revision;

  AdvanceTo(seconds(8));
  Answer(id, AnswerOf(seconds(10), {"192.0.2.1:5060", "192.0.2.2:5060"}));
  EXPECT_EQ(cache_.TakeChanged(), std::nullopt);  // The same again is no news.
  EXPECT_EQ(cache_.Find(id)->revision, revision);
  EXPECT_EQ(cache_.Find(id)->expires, now_ + seconds(10));

  AdvanceTo(seconds(16));
  Answer(id, AnswerOf(seconds(10), {"192.0.2.2:5060", "192.0.2.1:5060"}));
  EXPECT_EQ(cache_.TakeChanged(), id);
  EXPECT_EQ(cache_.Find(id)->revision, revision + 1);
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.2:5060", "192.0.2.1:5060"));
}

TEST_F(ResolutionCacheTest, ServesTheLastGoodAnswerUntilStaleMax) {
  const WatchId id = Add("trunk.example.com");
  Answer(id, AnswerOf(seconds(60), {"192.0.2.1:5060"}));
  (void)cache_.TakeChanged();

  AdvanceTo(seconds(48));
  Fail(id, ResolveError::kTimeout);
  EXPECT_FALSE(cache_.Find(id)->stale);
  EXPECT_EQ(cache_.Find(id)->error, ResolveError::kTimeout);
  EXPECT_EQ(cache_.TakeChanged(), id);

  AdvanceTo(seconds(60));
  EXPECT_TRUE(cache_.Find(id)->stale);
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5060"));
  EXPECT_EQ(cache_.TakeChanged(), id);
  EXPECT_EQ(cache_.counters().gone_stale, 1u);

  AdvanceTo(hours(1) + seconds(59));
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5060"));
  AdvanceTo(hours(1) + seconds(60));
  EXPECT_THAT(Addresses(id), IsEmpty());
  EXPECT_FALSE(cache_.Find(id)->stale);
  EXPECT_EQ(cache_.counters().given_up, 1u);
  EXPECT_EQ(cache_.TakeChanged(), id);
  AdvanceTo(hours(9));
  EXPECT_EQ(cache_.counters().given_up, 1u);
}

TEST_F(ResolutionCacheTest, ForgetsItsTroubleWithTheNextGoodAnswer) {
  const WatchId id = Add("trunk.example.com");
  Answer(id, AnswerOf(seconds(10), {"192.0.2.1:5060"}));
  AdvanceTo(seconds(8));
  Fail(id);
  AdvanceTo(seconds(11));
  EXPECT_TRUE(cache_.Find(id)->stale);
  while (cache_.TakeChanged()) {
  }
  Answer(id, AnswerOf(seconds(10), {"192.0.2.1:5060"}));
  EXPECT_FALSE(cache_.Find(id)->stale);
  EXPECT_EQ(cache_.Find(id)->error, ResolveError::kNone);
  EXPECT_EQ(cache_.TakeChanged(), id);  // The same address, but no longer stale.
}

// 1 s, 2 s, 4 s ... 30 s: a dead server is not flooded, and one that is back is noticed.
TEST_F(ResolutionCacheTest, RetriesWithDoublingGaps) {
  const WatchId id = Add("trunk.example.com");
  std::vector<int64_t> gaps;
  for (int i = 0; i < 7; ++i) {
    Fail(id);
    gaps.push_back((cache_.NextDue() - now_) / seconds(1));
    now_ = cache_.NextDue();
  }
  EXPECT_THAT(gaps, ElementsAre(1, 2, 4, 8, 16, 30, 30));
  Answer(id, AnswerOf(seconds(10), {"192.0.2.1:5060"}));
  now_ = cache_.NextDue();
  Fail(id);
  EXPECT_EQ(cache_.NextDue(), now_ + seconds(1));
  EXPECT_EQ(cache_.counters().failures, 8u);
}

TEST_F(ResolutionCacheTest, BoundsTtlsOnBothSides) {
  const WatchId id = Add("trunk.example.com");
  Answer(id, AnswerOf(seconds(0), {"192.0.2.1:5060"}));
  EXPECT_EQ(cache_.Find(id)->expires, now_ + seconds(1));
  AdvanceTo(seconds(1));
  Answer(id, AnswerOf(Duration::max(), {"192.0.2.1:5060"}));
  EXPECT_EQ(cache_.Find(id)->expires, now_ + hours(24));
}

// What another cache knew keeps its TTL and its time beyond it, but not for longer.
TEST_F(ResolutionCacheTest, TakesOverWhatAnotherOneKnew) {
  const WatchId first = Add("pbx.example");
  Answer(first, AnswerOf(seconds(100), {"192.0.2.1:5060"}));
  const ResolvedHost last = *cache_.Find(first);

  ResolutionCache next({.stale_max = seconds(50)});
  const auto id = next.Add({"pbx.example", 5060, ""}, now_ + seconds(10), &last);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(next.Find(*id)->addresses.size(), 1u);
  EXPECT_EQ(next.TakeChanged(), std::nullopt);
  ASSERT_EQ(next.TakeDue(now_ + seconds(10)), *id);  // Asked for at once all the same.
  next.OnFailure(*id, ResolveError::kServer, now_ + seconds(11));
  next.Advance(now_ + seconds(100));
  EXPECT_TRUE(next.Find(*id)->stale);
  next.Advance(now_ + seconds(149));
  EXPECT_EQ(next.Find(*id)->addresses.size(), 1u);
  next.Advance(now_ + seconds(150));
  EXPECT_THAT(next.Find(*id)->addresses, IsEmpty());
}

TEST_F(ResolutionCacheTest, NeverAsksForLiterals) {
  const WatchId v4 = Add("192.0.2.7");
  const WatchId v6 = Add("2001:db8::7");
  const WatchId bracketed = Add("[2001:db8::8]");
  EXPECT_EQ(cache_.TakeDue(now_ + hours(100)), std::nullopt);
  EXPECT_EQ(cache_.NextDue(), kNever);
  AdvanceTo(hours(100));
  EXPECT_THAT(Addresses(v4), ElementsAre("192.0.2.7:5060"));
  EXPECT_THAT(Addresses(v6), ElementsAre("[2001:db8::7]:5060"));
  EXPECT_THAT(Addresses(bracketed), ElementsAre("[2001:db8::8]:5060"));
  EXPECT_EQ(cache_.Find(v4)->error, ResolveError::kNone);
  int changed = 0;
  while (cache_.TakeChanged()) ++changed;
  EXPECT_EQ(changed, 3);
}

TEST_F(ResolutionCacheTest, TakesAnEmptyAnswerForAFailure) {
  const WatchId id = Add("trunk.example.com");
  Answer(id, {});
  EXPECT_EQ(cache_.Find(id)->error, ResolveError::kNotFound);
  EXPECT_EQ(cache_.counters().answers, 0u);
  EXPECT_EQ(cache_.NextDue(), now_ + seconds(1));
}

TEST_F(ResolutionCacheTest, IgnoresAnswersToWatchesThatAreGone) {
  const WatchId id = Add("trunk.example.com");
  ASSERT_EQ(cache_.TakeDue(now_), id);
  cache_.Remove(id);
  const WatchId next = Add("other.example.com");  // In the same slot.
  cache_.OnAnswer(id, AnswerOf(seconds(10), {"192.0.2.1:5060"}), now_);
  cache_.OnFailure(id, ResolveError::kServer, now_);
  EXPECT_EQ(cache_.Find(id), nullptr);
  EXPECT_THAT(Addresses(next), IsEmpty());
  EXPECT_EQ(cache_.counters().answers + cache_.counters().failures, 0u);
  cache_.Remove(id);  // Twice is once.
  EXPECT_NE(cache_.Find(next), nullptr);
}

TEST_F(ResolutionCacheTest, RefusesMoreHostsThanItHasRoomFor) {
  options_.watches_max = 2;
  ResolutionCache small(options_);
  EXPECT_TRUE(small.Add({"a.example.com", 5060, ""}, now_).has_value());
  const std::optional<WatchId> second = small.Add({"b.example.com", 5060, ""}, now_);
  EXPECT_FALSE(small.Add({"c.example.com", 5060, ""}, now_).has_value());
  small.Remove(*second);
  EXPECT_TRUE(small.Add({"c.example.com", 5060, ""}, now_).has_value());
}

TEST_F(ResolutionCacheTest, AsksForTheLongestWaitingFirst) {
  const WatchId a = Add("a.example.com");
  now_ += seconds(1);
  const WatchId b = Add("b.example.com");
  Fail(a);  // Due again in a second.
  now_ += seconds(5);
  EXPECT_EQ(cache_.TakeDue(now_), b);
  EXPECT_EQ(cache_.TakeDue(now_), a);
}

}  // namespace
}  // namespace core::transport

#include "loadgen/call_set.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "loadgen/message_hash.h"
#include "loadgen/scenario_loader.h"
#include "tests/support/load_texts.h"

// Calls by Call-ID, those that lately ended, and the messages they keep: how many have room.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Instant;

const Instant kNow = Instant{} + 1h;

struct Fixture {
  Fixture(size_t calls, size_t dead) {
    auto loaded =
        LoadScenario(tests::Scenario({tests::Nop("<assignstr assign_to=\"v\" value=\"x\"/>"
                                                 "<log message=\"[$v]\"/>",
                                                 "rtd=\"1\" start_rtd=\"1\""),
                                      tests::SendRequest("OPTIONS", 1)}),
                     "test.xml", {});
    CHECK(loaded.ok());
    scenario = *std::move(loaded);
    set.emplace(CallSet::Limits{.calls = calls, .dead_calls = dead},
                std::vector<const Scenario*>{scenario.get()}, 2, &store, &random);
  }
  Call* Open(std::string_view call_id) {
    return set->Open({.scenario = scenario.get(), .call_id = call_id});
  }

  std::unique_ptr<Scenario> scenario;
  core::PacketStore store{{.small = 4, .medium = 4, .large = 2}};
  core::Random random{7};
  std::optional<CallSet> set;
};

TEST(CallSetTest, FindsCallsByTheirCallId) {
  Fixture fixture(3, 3);
  Call* one = fixture.Open("one");
  Call* two = fixture.Open("two");
  EXPECT_EQ(fixture.set->Find("one"), one);
  EXPECT_EQ(fixture.set->Find("two"), two);
  EXPECT_EQ(fixture.set->Find("three"), nullptr);
  fixture.set->Close(one, kNow);
  EXPECT_EQ(fixture.set->Find("one"), nullptr);
  EXPECT_EQ(fixture.set->first(), two);
  EXPECT_EQ(fixture.set->size(), 1u);
}

TEST(CallSetTest, CallIdsAreTrimmedToTheirLastPart) {
  EXPECT_EQ(TrimCallId("a@b"), "a@b");
  EXPECT_EQ(TrimCallId("x///a@b"), "a@b");
  EXPECT_EQ(TrimCallId("///a@b"), "a@b");
  EXPECT_EQ(TrimCallId("x//a"), "x//a");
}

// Each call has its own variables, timers and lines beside it, and finds them empty.
TEST(CallSetTest, EachCallHasItsOwnSlab) {
  Fixture fixture(2, 0);
  Call* one = fixture.Open("one");
  Call* two = fixture.Open("two");
  ASSERT_EQ(one->variables.size(), 1u);
  ASSERT_EQ(one->response_timers.size(), 1u);
  ASSERT_EQ(one->injection_lines.size(), 2u);
  EXPECT_TRUE(one->variables.SetText(0, VariableType::kString, "mine"));
  one->injection_lines[1] = 5;
  one->response_timers[0].done = true;
  EXPECT_EQ(two->variables.type(0), VariableType::kUnset);
  EXPECT_EQ(two->injection_lines[1], 0u);
  EXPECT_TRUE(two->variables.SetText(0, VariableType::kString, "yours"));
  EXPECT_EQ(one->variables.text(0), "mine");

  fixture.set->Close(one, kNow);
  Call* again = fixture.Open("again");  // In the same place.
  EXPECT_EQ(again->variables.type(0), VariableType::kUnset);
  EXPECT_EQ(again->injection_lines[1], 0u);
  EXPECT_FALSE(again->response_timers[0].done);
}

TEST(CallSetTest, RunsDry) {
  Fixture fixture(2, 2);
  Call* one = fixture.Open("one");
  EXPECT_NE(fixture.Open("two"), nullptr);
  EXPECT_EQ(fixture.Open("three"), nullptr);
  fixture.set->Close(one, kNow);
  EXPECT_NE(fixture.Open("three"), nullptr);
}

// A Call-ID without room in the store is a call without room; a message too.
TEST(CallSetTest, TheStoreRunsDry) {
  Fixture fixture(9, 9);
  std::vector<core::Packet> all;
  while (core::Packet packet = fixture.store.Acquire(1)) all.push_back(std::move(packet));
  EXPECT_EQ(fixture.Open(std::string(500, 'x')), nullptr);
  EXPECT_EQ(fixture.set->Keep("OPTIONS sip:x SIP/2.0\r\n\r\n", kNow), nullptr);
  EXPECT_EQ(fixture.set->size(), 0u);
  EXPECT_EQ(fixture.set->kept(), 0u);
  EXPECT_NE(fixture.Open("short"), nullptr);
}

// The dead are remembered for 33 s, and the oldest forgotten first where there is no more room.
TEST(CallSetTest, RemembersTheDead) {
  Fixture fixture(9, 2);
  const auto die = [&](const char* call_id, Instant at) {
    fixture.set->Close(fixture.Open(call_id), at);
  };
  die("one", kNow);
  die("two", kNow + 1s);
  EXPECT_TRUE(fixture.set->WasLately("one", kNow + 32s));
  EXPECT_FALSE(fixture.set->WasLately("one", kNow + 33s));
  EXPECT_TRUE(fixture.set->WasLately("two", kNow + 33s));
  EXPECT_FALSE(fixture.set->WasLately("other", kNow + 33s));
  die("three", kNow + 33s);
  die("four", kNow + 33s);
  EXPECT_FALSE(fixture.set->WasLately("two", kNow + 33s));
  EXPECT_TRUE(fixture.set->WasLately("three", kNow + 33s));
  EXPECT_TRUE(fixture.set->WasLately("four", kNow + 33s));
}

// Two calls of one Call-ID, one after the other, are dead as often.
TEST(CallSetTest, TheSameCallIdMayDieTwice) {
  Fixture fixture(9, 4);
  fixture.set->Close(fixture.Open("one"), kNow);
  fixture.set->Close(fixture.Open("one"), kNow + 10s);
  EXPECT_TRUE(fixture.set->WasLately("one", kNow + 40s));
  EXPECT_FALSE(fixture.set->WasLately("one", kNow + 44s));
}

TEST(CallSetTest, KeepsMessagesIndexed) {
  Fixture fixture(1, 1);
  const std::string text = tests::Request("OPTIONS", "call", 1);
  Received* received = fixture.set->Keep(text, kNow);
  ASSERT_NE(received, nullptr);
  EXPECT_EQ(received->message.bytes(), text);
  EXPECT_EQ(received->message.call_id(), "call");
  Received* same = fixture.set->Keep(text, kNow);
  EXPECT_EQ(same->hash, received->hash);
  fixture.set->Release(received);
  fixture.set->Release(same);
  EXPECT_EQ(fixture.store.used(), 0u);
}

// Every bit of a message counts, wherever it stands, and so does its size.
TEST(MessageHashTest, EveryBitCounts) {
  const std::string text = tests::Request("INVITE", "call", 1);
  const uint64_t hash = HashMessage(1, text);
  EXPECT_NE(HashMessage(2, text), hash);
  for (size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      ASSERT_NE(HashMessage(1, other), hash) << i;
    }
    ASSERT_NE(HashMessage(1, std::string_view(text).substr(0, i)), hash);
  }
  EXPECT_NE(HashMessage(1, std::string_view("\0", 1)), HashMessage(1, std::string_view("\0\0", 2)));
}

}  // namespace
}  // namespace loadgen

// Goal: the messages of a logged call are found from its INVITE until its last repeat, whatever
// else comes and goes meanwhile, in memory that does not grow.

#include "sbc/sip_log.h"

#include <gtest/gtest.h>

#include <string>

namespace sbc {
namespace {

CallRecord RecordOf(uint64_t id) {
  CallRecord record;
  record.transaction_id[0] = id;
  record.connector = static_cast<uint16_t>(id);
  return record;
}

std::string Name(size_t number) { return "call-" + std::to_string(number) + "@pbx"; }

TEST(SipLogTest, AnEndedCallIsStillKnown) {
  SipLog log(100, {1, 2});
  EXPECT_EQ(log.Find(Name(1)), nullptr);
  EXPECT_FALSE(log.has_any());
  log.Begin(Name(1), RecordOf(1));
  log.End(Name(1));
  ASSERT_NE(log.Find(Name(1)), nullptr);
  EXPECT_EQ(log.Find(Name(1))->transaction_id[0], 1u);
  EXPECT_EQ(log.Find(Name(1))->connector, 1u);
  EXPECT_EQ(log.Find(Name(2)), nullptr);
}

// A caller that was challenged comes again with the same Call-ID: that is another call.
TEST(SipLogTest, TheSameCallIdAgainIsTheNewCall) {
  SipLog log(100, {1, 2});
  log.Begin(Name(1), RecordOf(1));
  log.Begin(Name(1), RecordOf(2));
  EXPECT_EQ(log.Find(Name(1))->transaction_id[0], 2u);
}

TEST(SipLogTest, WhatEndedGoesFirst) {
  SipLog log(1, {1, 2});  // One set.
  for (size_t i = 0; i < SipLog::kWays; ++i) log.Begin(Name(i), RecordOf(i));
  log.End(Name(5));
  log.Begin(Name(100), RecordOf(100));
  EXPECT_EQ(log.Find(Name(5)), nullptr);
  for (const size_t i : {0u, 1u, 2u, 3u, 4u, 6u, 7u, 100u})
    EXPECT_NE(log.Find(Name(i)), nullptr) << i;
  log.Begin(Name(101), RecordOf(101));
  EXPECT_EQ(log.Find(Name(0)), nullptr);  // The oldest.
}

// As many calls as there is room for, all talking, while a hundred times as many come and go.
TEST(SipLogTest, TalkingCallsAreNotForgotten) {
  constexpr size_t kCalls = 1000;
  SipLog log(kCalls, {1, 2});
  for (size_t i = 0; i < kCalls; ++i) log.Begin(Name(i), RecordOf(i));
  for (size_t i = kCalls; i < 100 * kCalls; ++i) {
    log.Begin(Name(i), RecordOf(i));
    log.End(Name(i));
  }
  size_t known = 0;
  for (size_t i = 0; i < kCalls; ++i) known += log.Find(Name(i)) != nullptr;
  EXPECT_GE(known, kCalls - kCalls / 100);
}

// What a record cuts is found by what it kept.
TEST(SipLogTest, LongCallIds) {
  SipLog log(10, {1, 2});
  const std::string call_id(300, 'x');
  log.Begin(call_id, RecordOf(1));
  CallRecord record;
  record.caller_call_id.AssignTruncated(call_id);
  EXPECT_NE(log.Find(record.caller_call_id.view()), nullptr);
}

}  // namespace
}  // namespace sbc

// Scenario variables: names in three scopes, and values that live in memory lent to them, with
// SIPp's idea of what is true (trap 6: a number is, when it is not 0).

#include "loadgen/variables.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace loadgen {
namespace {

TEST(VariableTableTest, NearestScopeAndReferences) {
  VariableTable table;
  const VariableId global = *table.Declare(VariableScope::kGlobal, "a", 1);
  EXPECT_EQ(*table.Use("a", 2), global);
  const VariableId call = *table.Use("b", 3);
  EXPECT_EQ(call.scope, VariableScope::kCall);
  EXPECT_EQ(*table.Use("b", 4), call);
  EXPECT_EQ(table.name(global), "a");
  EXPECT_EQ(table.entries()[0].references, 2);
  EXPECT_EQ(table.entries()[1].line, 3);
  EXPECT_FALSE(table.Find("c"));
  EXPECT_EQ(table.count(VariableScope::kCall), 1u);
}

TEST(VariableTableTest, FullScopeHasNothingToGive) {
  VariableTable table;
  for (size_t i = 0; i < VariableTable::kVariablesMax; ++i) {
    ASSERT_TRUE(table.Use(std::to_string(i), 1));
  }
  EXPECT_FALSE(table.Use("one more", 1));
  EXPECT_TRUE(table.Use("0", 1));
}

class VariableStoreTest : public ::testing::Test {
 protected:
  std::vector<VariableValue> values_ = std::vector<VariableValue>(4);
  std::vector<char> text_ = std::vector<char>(16);
  VariableStore store_{values_, text_};
};

TEST_F(VariableStoreTest, Truth) {
  EXPECT_FALSE(store_.IsTrue(0));
  store_.SetNumber(0, 0);
  EXPECT_FALSE(store_.IsTrue(0));
  store_.SetNumber(0, -2);
  EXPECT_TRUE(store_.IsTrue(0));
  store_.SetBool(0, false);
  EXPECT_FALSE(store_.IsTrue(0));
  ASSERT_TRUE(store_.SetText(0, VariableType::kString, ""));
  EXPECT_TRUE(store_.IsTrue(0));
  store_.Unset(0);
  EXPECT_FALSE(store_.IsTrue(0));
}

TEST_F(VariableStoreTest, Numbers) {
  double number = 0;
  EXPECT_FALSE(store_.ReadNumber(0, &number));
  ASSERT_TRUE(store_.SetText(0, VariableType::kString, " 12.5ms"));
  EXPECT_TRUE(store_.ReadNumber(0, &number));
  EXPECT_EQ(number, 12.5);
  store_.SetBool(0, true);
  EXPECT_TRUE(store_.ReadNumber(0, &number));
  EXPECT_EQ(number, 1);
}

// The text memory is packed when it is full, and only what is live stays in it.
TEST_F(VariableStoreTest, TextMemoryIsReused) {
  ASSERT_TRUE(store_.SetText(0, VariableType::kString, "aaaa"));
  ASSERT_TRUE(store_.SetText(1, VariableType::kString, "bbbb"));
  ASSERT_TRUE(store_.SetText(2, VariableType::kString, "cccc"));
  ASSERT_TRUE(store_.SetText(0, VariableType::kString, "AAAAAA"));  // 4 + 4 + 6 live bytes.
  EXPECT_EQ(store_.text(0), "AAAAAA");
  EXPECT_EQ(store_.text(1), "bbbb");
  EXPECT_EQ(store_.text(2), "cccc");
  store_.Unset(1);
  ASSERT_TRUE(store_.SetText(3, VariableType::kString, "dddddd"));
  EXPECT_EQ(store_.text(0), "AAAAAA");
  EXPECT_EQ(store_.text(2), "cccc");
  EXPECT_EQ(store_.text(3), "dddddd");
}

TEST_F(VariableStoreTest, TooMuchTextLeavesTheVariableUnset) {
  ASSERT_TRUE(store_.SetText(0, VariableType::kString, "0123456789"));
  EXPECT_FALSE(store_.SetText(1, VariableType::kString, "0123456789"));
  EXPECT_EQ(store_.type(1), VariableType::kUnset);
  EXPECT_EQ(store_.text(0), "0123456789");
}

// A variable that has no place here is unset, whatever is asked of it, and stays so.
TEST_F(VariableStoreTest, WhatHasNoPlaceIsUnset) {
  VariableStore none;
  for (VariableStore* store : {&store_, &none}) {
    const auto past = static_cast<uint16_t>(store->size());
    store->SetNumber(past, 1);
    store->SetBool(past, true);
    EXPECT_TRUE(store->SetText(past, VariableType::kString, "text"));
    store->Unset(past);
    double number = 0;
    EXPECT_FALSE(store->ReadNumber(past, &number));
    EXPECT_EQ(store->type(past), VariableType::kUnset);
    EXPECT_EQ(store->text(past), "");
    EXPECT_FALSE(store->IsTrue(past));
    char memory[8];
    core::sip::TextWriter out{memory};
    store->Write(past, &out);
    EXPECT_EQ(out.size(), 0u);
  }
}

TEST_F(VariableStoreTest, PrintsTheLargestNumber) {
  char memory[512];
  core::sip::TextWriter out{memory};
  store_.SetNumber(0, -1.7976931348623157e308);
  store_.Write(0, &out);
  EXPECT_EQ(out.size(), 317u);
  EXPECT_TRUE(out.text().ends_with(".000000"));
}

}  // namespace
}  // namespace loadgen

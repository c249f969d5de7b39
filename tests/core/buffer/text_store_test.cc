#include "core/buffer/text_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace core {
namespace {

TEST(TextStoreTest, KeepsTextsOfAnySize) {
  TextStore store(4);
  std::vector<KeptText> kept;
  std::vector<std::string> texts;
  for (const size_t size :
       {0u, 1u, 112u, 113u, 240u, 241u, 304u, 305u, 432u, 433u, 4000u, 65535u}) {
    texts.emplace_back(size, static_cast<char>('a' + texts.size()));
    kept.push_back(store.Copy(texts.back()));
    ASSERT_TRUE(kept.back()) << size;
  }
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(kept[i].text(), texts[i]);
  EXPECT_EQ(store.used(), texts.size());
  EXPECT_FALSE(store.Copy(std::string(TextStore::kBytesMax + 1, 'x')));
}

TEST(TextStoreTest, ADryClassTakesFromTheLargerOnesAndThenIsEmpty) {
  TextStore store(2);
  std::vector<KeptText> kept;
  while (KeptText text = store.Copy("x")) kept.push_back(std::move(text));
  EXPECT_EQ(kept.size(), 2u * 6 + 1);  // Two of each class, and one of the largest.
  EXPECT_EQ(store.used(), kept.size());
  kept.pop_back();
  EXPECT_TRUE(store.Copy("y"));
}

TEST(TextStoreTest, WhatIsGivenBackIsGivenOutAgain) {
  TextStore store(1);
  const char* place = nullptr;
  for (int i = 0; i < 1000; ++i) {
    KeptText text = store.Copy("x");
    if (place == nullptr) place = text.data();
    EXPECT_EQ(text.data(), place);
  }
  EXPECT_EQ(store.used(), 0u);
}

TEST(TextStoreTest, MovesWithItsOwner) {
  TextStore store(2);
  KeptText first = store.Copy("first");
  KeptText second = store.Copy("second");
  second = std::move(first);
  EXPECT_EQ(second.text(), "first");
  first.Reset();
  EXPECT_EQ(store.used(), 1u);
  const KeptText third(std::move(second));
  EXPECT_FALSE(second);  // NOLINT(bugprone-use-after-move): that is what is tested.
  EXPECT_EQ(third.text(), "first");
}

}  // namespace
}  // namespace core

// Tags, branches and Call-IDs of ours name their shard, node and epoch to us and to nobody else,
// are unique, and cannot be forged (rule 22 of the SBC's rules; RFC 3261 §8.1.1.7, §19.3).

#include "core/sip/identifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

namespace core::sip {
namespace {

using Text = BoundedText<40>;

class IdentifierTest : public testing::Test {
 protected:
  Random random_{1234};
  const HashKey key_ = random_.NextKey();
  IdentifierMint mint_{{key_, 7, 0xbeef}, &random_};
};

TEST_F(IdentifierTest, NamesItsOriginWhateverItIs) {
  for (int shard = 0; shard < 256; ++shard) {
    const IdentifierOrigin wanted = {static_cast<uint8_t>(shard), 7, 0xbeef};
    Text tag;
    Text call_id;
    Text branch;
    mint_.MintTag(wanted.shard, &tag);
    mint_.MintCallId(wanted.shard, &call_id);
    mint_.MintBranch(wanted.shard, &branch);
    EXPECT_EQ(mint_.Read(tag.view()), wanted);
    EXPECT_EQ(mint_.Read(call_id.view()), wanted);
    EXPECT_EQ(mint_.Read(branch.view()), wanted);
  }
}

TEST_F(IdentifierTest, HasOneShape) {
  for (int i = 0; i < 100; ++i) {
    Text tag;
    Text branch;
    mint_.MintTag(3, &tag);
    mint_.MintBranch(3, &branch);
    EXPECT_EQ(tag.size(), IdentifierMint::kSize);
    EXPECT_EQ(branch.size(), 39u);
    EXPECT_TRUE(branch.view().starts_with("z9hG4bK"));
    EXPECT_EQ(tag.view().find_first_not_of("0123456789abcdef"), std::string_view::npos);
  }
}

// Some peers change the case of what they echo; tokens have none.
TEST_F(IdentifierTest, IsReadInUpperCaseToo) {
  Text tag;
  mint_.MintTag(9, &tag);
  std::string upper(tag.view());
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  ASSERT_NE(upper, tag.view());
  ASSERT_TRUE(mint_.Read(upper).has_value());
  EXPECT_EQ(mint_.Read(upper)->shard, 9);
}

TEST_F(IdentifierTest, RefusesEveryChangedDigit) {
  Text tag;
  mint_.MintTag(5, &tag);
  for (size_t at = 0; at < tag.size(); ++at) {
    for (const char digit : std::string_view("0123456789abcdefg- ")) {
      std::string forged(tag.view());
      if (forged[at] == digit) continue;
      forged[at] = digit;
      EXPECT_FALSE(mint_.Read(forged).has_value()) << forged;
    }
  }
}

TEST_F(IdentifierTest, RefusesWhatIsNotItsLength) {
  Text tag;
  Text branch;
  mint_.MintTag(5, &tag);
  mint_.MintBranch(5, &branch);
  EXPECT_FALSE(mint_.Read("").has_value());
  EXPECT_FALSE(mint_.Read("z9hG4bK").has_value());
  EXPECT_FALSE(mint_.Read(tag.view().substr(1)).has_value());
  EXPECT_FALSE(mint_.Read(std::string(tag.view()) + "0").has_value());
  EXPECT_FALSE(mint_.Read(branch.view().substr(1)).has_value());
  EXPECT_FALSE(mint_.Read("Z9hG4bX" + std::string(tag.view())).has_value());
  EXPECT_FALSE(mint_.Read(std::string(1000, 'a')).has_value());
}

// Of a million guesses none passes: 32 bits of seal let one in four thousand such runs have one.
TEST_F(IdentifierTest, RefusesGuesses) {
  Random guesser(99);
  const HashKey other_key = guesser.NextKey();
  IdentifierMint other({other_key, 7, 0xbeef}, &guesser);
  size_t accepted = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    Text guess;
    other.MintTag(5, &guess);
    accepted += mint_.Read(guess.view()).has_value();
  }
  EXPECT_EQ(accepted, 0u);
}

// The same origin never looks the same: neither the whole text nor the part that holds the origin.
TEST_F(IdentifierTest, IsUniqueAMillionTimes) {
  std::unordered_set<std::string> seen;
  std::unordered_set<std::string> origins;
  seen.reserve(1'000'000);
  for (int i = 0; i < 1'000'000; ++i) {
    Text tag;
    mint_.MintTag(0, &tag);
    ASSERT_TRUE(seen.emplace(tag.view()).second);
    if (i < 1000) origins.emplace(tag.view().substr(16, 8));
  }
  EXPECT_GT(origins.size(), 995u);
}

// Two workers of a node share the key, not the chance: each reads what the other one minted.
TEST_F(IdentifierTest, IsReadByEveryMintOfTheSameKey) {
  Random random(77);
  IdentifierMint other({key_, 8, 1}, &random);
  Text tag;
  other.MintTag(200, &tag);
  EXPECT_EQ(mint_.Read(tag.view()), (IdentifierOrigin{200, 8, 1}));
}

}  // namespace
}  // namespace core::sip

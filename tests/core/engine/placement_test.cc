// A call lives on one worker from its first packet to its last retransmission, whatever the number
// of workers, and no peer can say which (rules 14 and 15 of the packet core; RFC 3261 §17.1.3, RFC
// 3891).

#include "core/engine/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/random.h"

namespace core::engine {
namespace {

using sip::IdentifierMint;
using sip::Message;
using Text = BoundedText<40>;

constexpr uint8_t kShard = 201;

struct Fields {
  std::string start = "INVITE sip:+12065550100@192.0.2.1 SIP/2.0";
  std::string branch = "z9hG4bK-of-the-peer";
  std::string from_tag = "peer-from";
  std::string to_tag;
  std::string call_id = "a84b4c76e66710@pc33.example.com";
  std::string more;
};

std::string Write(const Fields& fields) {
  return absl::StrCat(fields.start, "\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=", fields.branch,
                      "\r\nFrom: \"A\" <sip:a@example.com>;tag=", fields.from_tag,
                      "\r\nTo: <sip:b@example.com>",
                      fields.to_tag.empty() ? "" : absl::StrCat(";tag=", fields.to_tag),
                      "\r\nCall-ID: ", fields.call_id, "\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n",
                      fields.more, "Content-Length: 0\r\n\r\n");
}

class PlacementTest : public testing::Test {
 protected:
  std::string Tag(uint8_t shard) {
    Text text;
    mint_.MintTag(shard, &text);
    return std::string(text.view());
  }
  std::string Branch(uint8_t shard) {
    Text text;
    mint_.MintBranch(shard, &text);
    return std::string(text.view());
  }
  uint8_t ShardOf(const Fields& fields) {
    const std::string bytes = Write(fields);
    Message message;
    EXPECT_EQ(message.Index(bytes), sip::ParseError::kOk) << bytes;
    return placement_.ShardOf(message, mint_);
  }
  // A Call-ID whose hash is not kShard, so that a test sees which of the two was used.
  uint8_t HashOf(const Fields& fields) {
    const uint8_t shard = placement_.ShardOfCallId(fields.call_id);
    EXPECT_NE(shard, kShard);
    return shard;
  }

  Random random_{42};
  const HashKey key_ = random_.NextKey();
  IdentifierMint mint_{{random_.NextKey(), 1, 9}, &random_};
  Placement placement_{4, key_};
};

TEST_F(PlacementTest, GivesEveryShardOneWorkerInEqualParts) {
  for (const size_t workers : {size_t{1}, size_t{2}, size_t{4}, size_t{7}, size_t{256}}) {
    const Placement placement(workers, key_);
    std::vector<size_t> shards(workers);
    for (size_t shard = 0; shard < Placement::kShards; ++shard) {
      const size_t worker = placement.WorkerOf(static_cast<uint8_t>(shard));
      ASSERT_LT(worker, workers);
      ++shards[worker];
    }
    EXPECT_LE(*std::max_element(shards.begin(), shards.end()) -
                  *std::min_element(shards.begin(), shards.end()),
              1u);
  }
}

// Workers 1 -> 4 -> 1: the shard of a call, and so what its identifiers say, never changes, and
// with the same number of workers it has the same worker again.
TEST_F(PlacementTest, KeepsShardsWhenTheNumberOfWorkersChanges) {
  const Placement one(1, key_);
  const Placement four(4, key_);
  const Placement four_again(4, key_);
  std::set<size_t> used;
  for (int call = 0; call < 1000; ++call) {
    const std::string call_id = absl::StrCat("call-", call, "@192.0.2.9");
    const uint8_t shard = one.ShardOfCallId(call_id);
    EXPECT_EQ(four.ShardOfCallId(call_id), shard);
    EXPECT_EQ(mint_.Read(Tag(shard))->shard, shard);
    EXPECT_EQ(one.WorkerOf(shard), 0u);
    EXPECT_EQ(four.WorkerOf(shard), four_again.WorkerOf(shard));
    used.insert(four.WorkerOf(shard));
  }
  EXPECT_EQ(used.size(), 4u);
}

// An ICMP error quotes as much of a datagram as it likes: who sent it is told by its branch alone.
TEST_F(PlacementTest, Rule08_FindsTheSenderOfWhatIsQuoted) {
  Fields fields;
  fields.branch = Branch(kShard);
  const std::string whole = Write(fields);
  const size_t via_end = whole.find("\r\nFrom");
  for (const size_t size : {whole.size(), via_end + 2}) {
    Message message;
    (void)message.Index(std::string_view(whole).substr(0, size));
    EXPECT_EQ(placement_.OwnerOfSent(message, mint_), placement_.WorkerOf(kShard)) << size;
  }
  for (const size_t size : {size_t{0}, size_t{8}, via_end - 10}) {
    Message message;
    (void)message.Index(std::string_view(whole).substr(0, size));
    EXPECT_EQ(placement_.OwnerOfSent(message, mint_), std::nullopt) << size;
  }
  Fields response = fields;
  response.start = "SIP/2.0 200 OK";
  for (const Fields& other : {response, Fields()}) {
    const std::string bytes = Write(other);
    Message message;
    (void)message.Index(bytes);
    EXPECT_EQ(placement_.OwnerOfSent(message, mint_), std::nullopt);
  }
}

TEST_F(PlacementTest, SpreadsCallIdsEvenlyAndByItsKey) {
  const Placement other(4, random_.NextKey());
  std::vector<int> calls(4);
  int moved = 0;
  for (int call = 0; call < 40'000; ++call) {
    const std::string call_id = absl::StrCat(call);
    ++calls[placement_.WorkerOf(placement_.ShardOfCallId(call_id))];
    moved += placement_.ShardOfCallId(call_id) != other.ShardOfCallId(call_id);
  }
  for (const int each : calls) EXPECT_NEAR(each, 10'000, 500);
  EXPECT_GT(moved, 39'000);  // Who does not know the key cannot tell where a Call-ID goes.
}

// A new call: its INVITE, each retransmission and its CANCEL go by the Call-ID.
TEST_F(PlacementTest, PlacesANewCallByItsCallId) {
  Fields invite;
  Fields cancel;
  cancel.start = "CANCEL sip:+12065550100@192.0.2.1 SIP/2.0";
  EXPECT_EQ(ShardOf(invite), HashOf(invite));
  EXPECT_EQ(ShardOf(cancel), HashOf(invite));
}

TEST_F(PlacementTest, PlacesARequestInADialogByToTag) {
  Fields bye;
  bye.start = "BYE sip:b@192.0.2.1 SIP/2.0";
  bye.to_tag = Tag(kShard);
  (void)HashOf(bye);
  EXPECT_EQ(ShardOf(bye), kShard);
}

TEST_F(PlacementTest, PlacesAResponseByItsBranch) {
  Fields ringing;
  ringing.start = "SIP/2.0 180 Ringing";
  ringing.branch = Branch(kShard);
  ringing.to_tag = "peer-to";
  ringing.from_tag = Tag(3);
  EXPECT_EQ(ShardOf(ringing), kShard);
}

// RFC 3891: an INVITE with Replaces is where its CANCEL will be, which has none; who has the call
// that it names is asked from there.
TEST_F(PlacementTest, PlacesAnInviteWithReplacesByItsCallIdToo) {
  Fields invite;
  invite.more = absl::StrCat("Replaces: ", Tag(kShard), ";to-tag=a;from-tag=b\r\n");
  EXPECT_EQ(ShardOf(invite), HashOf(invite));
}

// The Call-ID is ours or, where the peer's INVITE made the dialog, only our tag is.
TEST_F(PlacementTest, FindsWhoHasTheDialogThatReplacesNames) {
  const std::string ours = Tag(kShard);
  const auto owner = [&](const std::string& call_id, const std::string& to_tag) {
    return placement_.OwnerOfReplaced({.call_id = call_id, .to_tag = to_tag, .from_tag = "b"},
                                      mint_);
  };
  EXPECT_EQ(owner(ours, "a"), placement_.WorkerOf(kShard));
  EXPECT_EQ(owner("theirs@192.0.2.1", ours), placement_.WorkerOf(kShard));
  EXPECT_EQ(owner("theirs@192.0.2.1", "a"), std::nullopt);
}

// Identifiers that we did not mint place nothing: whatever the forger wrote, the hash decides.
TEST_F(PlacementTest, IgnoresForgedIdentifiers) {
  Random forger_random(1);
  IdentifierMint forger({forger_random.NextKey(), 1, 9}, &forger_random);
  for (int i = 0; i < 100; ++i) {
    Text forged;
    Text forged_branch;
    forger.MintTag(kShard, &forged);
    forger.MintBranch(kShard, &forged_branch);
    Fields bye;
    bye.start = "BYE sip:b@192.0.2.1 SIP/2.0";
    bye.to_tag = std::string(forged.view());
    bye.more = absl::StrCat("Replaces: ", bye.to_tag, "\r\n");
    EXPECT_EQ(ShardOf(bye), HashOf(bye));
    Fields ok;
    ok.start = "SIP/2.0 200 OK";
    ok.branch = std::string(forged_branch.view());
    EXPECT_EQ(ShardOf(ok), HashOf(ok));
  }
}

// Our own identifiers in places where a stranger may put them do not aim a new call at a worker.
TEST_F(PlacementTest, PlacesNoNewCallByACopiedIdentifier) {
  Fields invite;
  invite.call_id = Tag(kShard);
  invite.from_tag = Tag(kShard);
  invite.branch = Branch(kShard);
  EXPECT_EQ(ShardOf(invite), HashOf(invite));
}

TEST_F(PlacementTest, AsksNothingOfAMessageWhenThereIsOneWorker) {
  const Placement one(1, key_);
  EXPECT_EQ(one.OwnerOf(Message(), mint_), 0u);
}

}  // namespace
}  // namespace core::engine

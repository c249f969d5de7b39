#include "core/buffer/packet_pool.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace core {
namespace {

// A dry pool says so with an empty Packet, and a slot that comes back is given out again (packet
// core rule 2: a quota reached is an answer, not a crash).
TEST(PacketPoolTest, RunDryAndRefilled) {
  PacketPool pool(2048, 3);
  std::vector<Packet> held;
  for (int i = 0; i < 3; ++i) held.push_back(pool.Acquire());
  EXPECT_EQ(pool.free_count(), 0u);

  EXPECT_FALSE(pool.Acquire());

  held.pop_back();
  EXPECT_TRUE(pool.Acquire());
  EXPECT_EQ(pool.used(), 2u);
  EXPECT_EQ(pool.peak(), 3u);
}

// Each owner counts once: the slot returns with the last of them, whatever the order of their ends.
TEST(PacketPoolTest, SharedSlotReturnsWithItsLastOwner) {
  PacketPool pool(2048, 1);
  Packet first = pool.Acquire();
  Packet second = first.Share();
  EXPECT_TRUE(first.shared());

  first.Reset();

  EXPECT_EQ(pool.used(), 1u);
  EXPECT_FALSE(second.shared());
  second = Packet();
  EXPECT_EQ(pool.used(), 0u);
}

// A shared Packet is immutable (rule 4): its second owner may have queued it already.
TEST(PacketDeathTest, ASharedPacketIsImmutable) {
  PacketPool pool(2048, 1);
  Packet packet = pool.Acquire();
  const Packet second = packet.Share();
  EXPECT_DEATH(packet.set_size(1), "CHECK");
}

// A slot that comes back carries nothing of its last datagram but its bytes.
TEST(PacketPoolTest, AcquiredPacketIsEmpty) {
  PacketPool pool(2048, 1);
  {
    Packet packet = pool.Acquire();
    packet.set_size(100);
    packet.slot()->truncated = true;
    packet.SetRoute({1, 1}, {}, {});
  }
  Packet packet = pool.Acquire();
  EXPECT_EQ(packet.size(), 0u);
  EXPECT_FALSE(packet.truncated());
  EXPECT_FALSE(packet.socket());
}

// The backend may write before the datagram (rule 4), and the last byte of a slot is its own.
TEST(PacketPoolTest, HeadroomAndCapacityBelongToTheSlot) {
  PacketPool pool(100, 2);
  Packet first = pool.Acquire();
  Packet second = pool.Acquire();
  for (Packet* packet : {&first, &second}) {
    const char mark = packet == &first ? 'a' : 'b';
    packet->set_size(packet->capacity());
    std::fill(packet->data() - Packet::kHeadroom, packet->data() + packet->capacity(), mark);
  }
  EXPECT_EQ(first.text(), std::string(100, 'a'));
  EXPECT_EQ(second.text(), std::string(100, 'b'));
}

// A message goes into the smallest class that holds it, into a larger one when that is dry, and
// nowhere when all are (rule 2: "not resendable").
TEST(PacketStoreTest, ClassesBySizeAndOverflowUpwards) {
  PacketStore store({.tiny = 1, .small = 1, .medium = 1, .large = 1});
  const Packet tiny = store.Copy("BYE");
  EXPECT_EQ(tiny.capacity(), PacketStore::kTinyBytes);
  EXPECT_EQ(tiny.text(), "BYE");

  const Packet small = store.Copy("ACK");
  EXPECT_EQ(small.capacity(), PacketStore::kSmallBytes);

  const Packet spilled = store.Copy("ACK");
  EXPECT_EQ(spilled.capacity(), PacketStore::kMediumBytes);

  const Packet large = store.Acquire(20'000);
  EXPECT_EQ(large.capacity(), PacketStore::kLargeBytes);
  EXPECT_FALSE(store.Copy(std::string(5'000, 'x')));
  EXPECT_FALSE(store.Copy(std::string(70'000, 'x')));
  EXPECT_EQ(store.used(), 4u);
}

}  // namespace
}  // namespace core

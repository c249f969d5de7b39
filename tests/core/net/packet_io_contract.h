#pragma once

// The contract of PacketIo, as one suite that every backend passes (packet-core section 8). Include
// it in one test program per backend and instantiate PacketIoContract with that backend's IoWorlds.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/buffer/packet_pool.h"
#include "core/net/packet_io.h"

namespace tests {

/// What the suite may ask of any backend.
struct IoSizes {
  uint32_t signalling_slots = 512;
  uint32_t media_slots = 512;
  uint32_t burst_max = 256;
  uint32_t send_queue_length = 64;  // Small, so that tests fill it.
};

/// The surroundings of one backend: where its hosts are and how time passes.
class IoWorld {
 public:
  virtual ~IoWorld() = default;
  virtual std::unique_ptr<core::net::PacketIo> MakeIo(const IoSizes& sizes) = 0;
  virtual core::IpAddress Host(int number) = 0;  // 1, 2, 3: addresses to bind, all different.
  virtual core::IpAddress HostV6() = 0;
  virtual core::Instant Now() = 0;
  /// When a turn may stop waiting; the simulation advances its clock to there.
  virtual core::Instant NextTurnEnd() = 0;
  /// An ICMP "port unreachable" from nowhere; false when the machine does not let us.
  virtual bool ForgeIcmp(const core::Endpoint& victim, const core::Endpoint& claimed_remote,
                         std::string_view quoted) = 0;
  virtual size_t SocketsMax() const = 0;  // How many a test may open.
  /// Why this backend, or this machine, cannot run that test of the suite; empty when it can.
  virtual std::string WhyNot(std::string_view /*test*/) { return {}; }
};

struct IoBackend {
  const char* name;
  std::unique_ptr<IoWorld> (*make)();
};
inline std::ostream& operator<<(std::ostream& out, const IoBackend& backend) {
  return out << backend.name;
}

class PacketIoContract : public testing::TestWithParam<IoBackend> {
 protected:
  struct Datagram {
    core::SocketId socket;
    core::Endpoint local;
    core::Endpoint remote;
    std::string bytes;
    bool truncated;
    core::Instant received_at;
  };
  struct Failure {
    core::SocketId socket;
    core::Endpoint remote;
    int error;
    std::string quoted;
  };

  // An io with what it received and heard.
  struct Host {
    std::unique_ptr<core::net::PacketIo> io;
    std::vector<Datagram> received;
    std::vector<Failure> failures;
    size_t largest_burst = 0;

    core::SocketId Open(const core::net::SocketOptions& options) {
      auto socket = io->Open(options);
      EXPECT_TRUE(socket.ok()) << socket.status();
      return socket.ok() ? *socket : core::SocketId{};
    }
    core::SocketId Open(const core::IpAddress& address) {
      core::net::SocketOptions options;
      options.local = {address, 0};
      return Open(options);
    }
  };

  PacketIoContract() : world_(GetParam().make()) {}

  void SetUp() override {
    const std::string_view test = testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string why_not = world_->WhyNot(test.substr(0, test.find('/')));
    if (!why_not.empty()) GTEST_SKIP() << why_not;
  }

  Host MakeHost(const IoSizes& sizes = {}) {
    Host host;
    host.io = world_->MakeIo(sizes);
    return host;
  }

  void Send(Host* host, core::SocketId from, const core::Endpoint& to, std::string_view bytes) {
    core::Packet packet = store_.Copy(bytes);
    ASSERT_TRUE(static_cast<bool>(packet));
    packet.SetRoute(from, host->io->LocalOf(from), to);
    host->io->Send(std::move(packet));
  }

  static void Collect(Host* host) {
    std::span<core::Packet> burst = host->io->Receive();
    host->largest_burst = std::max(host->largest_burst, burst.size());
    for (const core::Packet& packet : burst) {
      host->received.push_back({packet.socket(), packet.local(), packet.remote(),
                                std::string(packet.text()), packet.truncated(),
                                packet.received_at()});
    }
    for (const core::net::SendError& error : host->io->Errors()) {
      host->failures.push_back(
          {error.socket, error.remote, error.error, std::string(error.quoted)});
    }
  }

  // Turns until what `host` has sent is at its target.
  void Deliver(Host* host) {
    for (int i = 0; i < 5; ++i) Turn(host);
  }

  void Turn(Host* host) {
    host->io->FlushAndWait(world_->NextTurnEnd());
    Collect(host);
  }

  // Turns of all hosts until `done`, for as long as a healthy backend could possibly need.
  template <typename Done>
  bool RunUntil(std::initializer_list<Host*> hosts, Done done) {
    for (int turns = 0; turns < 5000; ++turns) {
      if (done()) return true;
      for (Host* host : hosts) Turn(host);
    }
    return false;
  }

  static std::vector<std::string> BytesOf(const Host& host) {
    std::vector<std::string> all;
    for (const Datagram& datagram : host.received) all.push_back(datagram.bytes);
    return all;
  }

  // Outlives the hosts, whose queues may hold its packets.
  core::PacketStore store_{{.small = 16384, .medium = 512, .large = 16}};
  std::unique_ptr<IoWorld> world_;
};

// Empty, one byte, one more than an Ethernet frame holds, and the longest there is: each arrives
// whole, with its addresses, and a receive that an empty datagram ended is armed again.
TEST_P(PacketIoContract, CarriesEverySize) {
  Host alice = MakeHost();
  Host bob = MakeHost();
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  std::vector<std::string> sent;
  for (size_t size : {0u, 1u, 0u, 1500u - 28 + 1, 65507u, 0u, 1u}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + size);
    sent.push_back(bytes);
  }
  const core::Instant begin = world_->Now();
  for (const std::string& bytes : sent) Send(&alice, from, bob.io->LocalOf(to), bytes);

  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return bob.received.size() == sent.size(); }));

  EXPECT_EQ(BytesOf(bob), sent);
  for (const Datagram& datagram : bob.received) {
    EXPECT_EQ(datagram.socket, to);
    EXPECT_EQ(datagram.local, bob.io->LocalOf(to));
    EXPECT_EQ(datagram.remote, alice.io->LocalOf(from));
    EXPECT_FALSE(datagram.truncated);
    EXPECT_GE(datagram.received_at, begin);
    EXPECT_LE(datagram.received_at, world_->Now());
  }
  EXPECT_EQ(bob.io->counters().received, sent.size());
  EXPECT_EQ(bob.io->counters().empty_datagrams, 3u);
  EXPECT_EQ(alice.io->counters().sent, sent.size());
}

TEST_P(PacketIoContract, CarriesIpv6) {
  Host alice = MakeHost();
  Host bob = MakeHost();
  const core::SocketId from = alice.Open(world_->HostV6());
  const core::SocketId to = bob.Open(world_->HostV6());
  Send(&alice, from, bob.io->LocalOf(to), "over six");
  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return !bob.received.empty(); }));
  EXPECT_EQ(bob.received[0].bytes, "over six");
  EXPECT_EQ(bob.received[0].remote, alice.io->LocalOf(from));
  EXPECT_FALSE(bob.received[0].remote.ip.is_v4());
}

// A datagram that does not fit its slot is cut, and says so (rule 3).
TEST_P(PacketIoContract, SaysWhatItTruncated) {
  Host alice = MakeHost();
  Host bob = MakeHost();
  const core::SocketId from = alice.Open(world_->Host(1));
  core::net::SocketOptions media;
  media.local = {world_->Host(2), 0};
  media.group = core::net::BufferGroup::kMedia;
  const core::SocketId to = bob.Open(media);
  Send(&alice, from, bob.io->LocalOf(to), std::string(2048, 'a'));
  Send(&alice, from, bob.io->LocalOf(to), std::string(2049, 'b'));
  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return bob.received.size() == 2; }));
  EXPECT_FALSE(bob.received[0].truncated);
  EXPECT_TRUE(bob.received[1].truncated);
  EXPECT_EQ(bob.received[1].bytes, std::string(2048, 'b'));
  EXPECT_EQ(bob.io->counters().truncated, 1u);
}

// What one socket sends in a turn arrives in that order, also when the send queue is full several
// times over (rule 7); bursts stay bounded.
TEST_P(PacketIoContract, KeepsTheOrderOfASocket) {
  constexpr int kCount = 1000;
  Host alice = MakeHost({.send_queue_length = 64});
  Host bob = MakeHost({.burst_max = 100});
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  std::vector<std::string> sent;
  for (int i = 0; i < kCount; ++i) {
    sent.push_back(std::to_string(i));
    Send(&alice, from, bob.io->LocalOf(to), sent.back());
  }
  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return bob.received.size() == kCount; }));
  EXPECT_EQ(BytesOf(bob), sent);
  EXPECT_LE(bob.largest_burst, 100u);
  EXPECT_EQ(alice.io->counters().sent, static_cast<uint64_t>(kCount));
  EXPECT_EQ(store_.used(), 0u);  // Sent buffers are ours again.
}

// Packets that a turn leaves lying go back to their pool with the next flush.
TEST_P(PacketIoContract, TakesBackWhatATurnLeaves) {
  Host alice = MakeHost();
  Host bob = MakeHost({.signalling_slots = 8});
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  for (int i = 0; i < 100; ++i) Send(&alice, from, bob.io->LocalOf(to), "x");
  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return bob.received.size() == 100; }));
}

// A received Packet goes out as the same buffer; one that is shared goes out twice.
TEST_P(PacketIoContract, SendsReceivedAndSharedPackets) {
  Host alice = MakeHost();
  Host bob = MakeHost();
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  Send(&alice, from, bob.io->LocalOf(to), "ping");
  ASSERT_TRUE(RunUntil({&alice}, [&] { return alice.io->counters().sent == 1; }));
  for (int turns = 0; turns < 5000 && bob.io->counters().sent == 0; ++turns) {
    bob.io->FlushAndWait(world_->NextTurnEnd());
    for (core::Packet& packet : bob.io->Receive()) {
      packet.SetRoute(to, packet.local(), packet.remote());
      bob.io->Send(packet.Share());
      bob.io->Send(std::move(packet));
    }
  }
  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return alice.received.size() == 2; }));
  EXPECT_EQ(BytesOf(alice), (std::vector<std::string>{"ping", "ping"}));
}

// Rule 8: a peer that is dead, beside one that lives, on one socket. No datagram to the live one is
// lost, however they alternate, and each failure names the dead peer and quotes what it was sent.
TEST_P(PacketIoContract, ADeadPeerCostsTheLiveOneNothing) {
  constexpr int kRounds = 20;
  Host alice = MakeHost({.send_queue_length = 1024});
  Host bob = MakeHost({.signalling_slots = 2048});
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  const core::SocketId closed = bob.Open(world_->Host(2));
  const core::Endpoint dead = bob.io->LocalOf(closed);
  bob.io->Close(closed);

  std::vector<std::string> sent;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i <= round; ++i) Send(&alice, from, dead, "dead " + std::to_string(i));
    for (int i = 0; i < 3; ++i) {
      sent.push_back("live " + std::to_string(sent.size()));
      Send(&alice, from, bob.io->LocalOf(to), sent.back());
    }
    Turn(&alice);
    Turn(&bob);
  }
  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] {
    return bob.received.size() == sent.size() && !alice.failures.empty();
  }));

  std::vector<std::string> got = BytesOf(bob);
  std::sort(got.begin(), got.end());
  std::sort(sent.begin(), sent.end());
  EXPECT_EQ(got, sent);
  EXPECT_EQ(alice.io->counters().send_errors, 0u);
  EXPECT_EQ(alice.io->counters().send_dropped, 0u);
  for (const Failure& failure : alice.failures) {
    EXPECT_EQ(failure.socket, from);
    EXPECT_EQ(failure.remote, dead);
    EXPECT_EQ(failure.error, ECONNREFUSED);
    EXPECT_EQ(failure.quoted.substr(0, 5), "dead ");
  }
  // The socket still receives.
  Send(&bob, to, alice.io->LocalOf(from), "answer");
  EXPECT_TRUE(RunUntil({&alice, &bob}, [&] { return !alice.received.empty(); }));
}

TEST_P(PacketIoContract, ADeadIpv6PeerIsNamed) {
  Host alice = MakeHost();
  const core::SocketId from = alice.Open(world_->HostV6());
  const core::SocketId closed = alice.Open(world_->HostV6());
  const core::Endpoint dead = alice.io->LocalOf(closed);
  alice.io->Close(closed);
  Send(&alice, from, dead, "INVITE to nobody");
  ASSERT_TRUE(RunUntil({&alice}, [&] { return !alice.failures.empty(); }));
  EXPECT_EQ(alice.failures[0].remote, dead);
  EXPECT_EQ(alice.failures[0].quoted, "INVITE to nobody");
}

// Forged ICMP (rule 8): whoever reads the error sees the bytes that the message quotes, so that one
// which does not know our branch can be told from a true one.
TEST_P(PacketIoContract, ForgedIcmpShowsWhatItQuotes) {
  Host alice = MakeHost();
  Host bob = MakeHost();
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  const core::Endpoint live = bob.io->LocalOf(to);
  if (!world_->ForgeIcmp(alice.io->LocalOf(from), live, "INVITE guessed branch")) {
    GTEST_SKIP() << "raw sockets need CAP_NET_RAW";
  }
  ASSERT_TRUE(RunUntil({&alice}, [&] { return !alice.failures.empty(); }));
  EXPECT_EQ(alice.failures[0].socket, from);
  EXPECT_EQ(alice.failures[0].remote, live);
  EXPECT_EQ(alice.failures[0].error, ECONNREFUSED);
  EXPECT_EQ(alice.failures[0].quoted, "INVITE guessed branch");
  Send(&alice, from, live, "still goes out");
  EXPECT_TRUE(RunUntil({&alice, &bob}, [&] { return !bob.received.empty(); }));
}

// What the kernel will never send is reported with its own bytes, not lost in silence.
TEST_P(PacketIoContract, ReportsWhatIsTooLongToSend) {
  Host alice = MakeHost();
  const core::SocketId from = alice.Open(world_->Host(1));
  Send(&alice, from, alice.io->LocalOf(from), "x" + std::string(65507, 'y'));
  ASSERT_TRUE(RunUntil({&alice}, [&] { return !alice.failures.empty(); }));
  EXPECT_EQ(alice.failures[0].error, EMSGSIZE);
  EXPECT_EQ(alice.failures[0].quoted.substr(0, 3), "xyy");
  EXPECT_EQ(alice.io->counters().send_errors, 1u);
}

// Rule 3: many more sockets with datagrams than buffers. That is delay, not loss: every socket gets
// all of its own, in a bounded number of turns, and goes on receiving afterwards.
TEST_P(PacketIoContract, APoolThatRunsDryDelaysAndLosesNothing) {
  const size_t count = world_->SocketsMax();
  constexpr uint32_t kSlots = 64;
  Host alice = MakeHost({.send_queue_length = 512});
  Host bob = MakeHost({.signalling_slots = kSlots});
  const core::SocketId from = alice.Open(world_->Host(1));
  std::vector<core::SocketId> sockets;
  for (size_t i = 0; i < count; ++i) {
    core::net::SocketOptions options;
    options.local = {world_->Host(2), 0};
    options.receive_buffer_bytes = 1 << 16;
    sockets.push_back(bob.Open(options));
  }
  Turn(&bob);  // All are armed.

  for (int wave = 1; wave <= 2; ++wave) {
    const uint64_t turns_before = bob.io->counters().turns;
    for (int repeat = 0; repeat < 2; ++repeat) {
      for (const core::SocketId& to : sockets) Send(&alice, from, bob.io->LocalOf(to), "x");
      Turn(&alice);
    }
    ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return bob.received.size() == 2 * count; }));
    EXPECT_LE(bob.io->counters().turns - turns_before, 2 * count / (kSlots / 4) + 50);
    std::map<uint32_t, int> by_socket;
    for (const Datagram& datagram : bob.received) ++by_socket[datagram.socket.index];
    ASSERT_EQ(by_socket.size(), count);
    for (const auto& [index, datagrams] : by_socket) ASSERT_EQ(datagrams, 2) << index;
    bob.received.clear();
  }
  EXPECT_GT(bob.io->counters().starved, 0u);
}

// A flood of strangers is dropped before the socket's queue: whom we trust loses nothing (rule 4
// and the admission rules of the SBC). Without a filter it does lose, as the last part shows.
TEST_P(PacketIoContract, AReachFilterKeepsStrangersOutOfTheQueue) {
  Host stranger = MakeHost({.send_queue_length = 512});
  Host trusted = MakeHost();
  Host bob = MakeHost();
  const core::SocketId flood = stranger.Open(world_->Host(3));
  const core::SocketId from = trusted.Open(world_->Host(1));
  core::net::SocketOptions options;
  options.local = {world_->Host(2), 0};
  options.receive_buffer_bytes = 1 << 16;  // Soon full.
  const core::SocketId to = bob.Open(options);
  const core::Endpoint target = bob.io->LocalOf(to);
  const core::Cidr reach[] = {core::Cidr(world_->Host(1))};
  ASSERT_TRUE(bob.io->SetReachFilter(to, reach).ok());

  const auto flood_and_call = [&] {
    bob.received.clear();
    for (int i = 0; i < 2000; ++i) Send(&stranger, flood, target, std::string(200, 's'));
    Deliver(&stranger);
    for (int i = 0; i < 20; ++i) Send(&trusted, from, target, "t");
    Deliver(&trusted);
    for (int i = 0; i < 20; ++i) Turn(&bob);
    return std::count_if(bob.received.begin(), bob.received.end(),
                         [](const Datagram& datagram) { return datagram.bytes == "t"; });
  };
  EXPECT_EQ(flood_and_call(), 20);
  EXPECT_EQ(bob.received.size(), 20u);

  ASSERT_TRUE(bob.io->SetReachFilter(to, {}).ok());
  EXPECT_LT(flood_and_call(), 20);
  EXPECT_GT(bob.io->QueueDrops(to), 0u);
}

// Rules 1 and 3: strangers that flood one group's socket take none of the other group's buffers.
// Nothing of the other is lost or even late: a flood of SIP costs no RTP.
TEST_P(PacketIoContract, AFloodOnOneGroupCostsTheOtherNothing) {
  constexpr size_t kRounds = 20;
  constexpr size_t kEachRound = 5;
  Host stranger = MakeHost({.send_queue_length = 512});
  Host trusted = MakeHost();
  Host bob = MakeHost({.signalling_slots = 16, .media_slots = 64});
  const core::SocketId flood = stranger.Open(world_->Host(3));
  const core::SocketId from = trusted.Open(world_->Host(1));
  core::net::SocketOptions options;
  options.local = {world_->Host(2), 0};
  const core::SocketId listener = bob.Open(options);
  options.group = core::net::BufferGroup::kMedia;
  const core::SocketId media = bob.Open(options);
  Turn(&bob);

  for (size_t round = 1; round <= kRounds; ++round) {
    for (int i = 0; i < 200; ++i) Send(&stranger, flood, bob.io->LocalOf(listener), "stranger");
    Deliver(&stranger);
    for (size_t i = 0; i < kEachRound; ++i) {
      Send(&trusted, from, bob.io->LocalOf(media), std::to_string(i));
    }
    Deliver(&trusted);
    for (int turns = 0; turns < 3; ++turns) Turn(&bob);
    const auto is_media = [&](const Datagram& datagram) { return datagram.socket == media; };
    ASSERT_EQ(std::count_if(bob.received.begin(), bob.received.end(), is_media),
              static_cast<ptrdiff_t>(round * kEachRound));
  }
  EXPECT_GT(bob.io->counters().starved, 0u);
  EXPECT_EQ(bob.io->QueueDrops(media), 0u);
}

// The burst that a turn was given stays where it is for the whole of it, also while it closes
// sockets, which may bring in more, and sends more than the queue holds.
TEST_P(PacketIoContract, TheBurstStaysInPlaceForItsTurn) {
  constexpr uint32_t kSlots = 8;
  Host alice = MakeHost();
  Host bob = MakeHost(
      {.signalling_slots = kSlots, .media_slots = 1, .burst_max = kSlots, .send_queue_length = 4});
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  const core::SocketId other = bob.Open(world_->Host(2));
  for (uint32_t i = 0; i < 4 * kSlots; ++i) Send(&alice, from, bob.io->LocalOf(to), "x");
  Deliver(&alice);
  for (int turns = 0; turns < 5000 && bob.io->Receive().size() < kSlots; ++turns) {
    bob.io->FlushAndWait(world_->NextTurnEnd());
  }
  const std::span<core::Packet> burst = bob.io->Receive();
  ASSERT_EQ(burst.size(), kSlots);
  for (core::Packet& packet : burst) packet.Reset();  // Their slots are free for others.
  bob.io->Close(other);
  for (int i = 0; i < 20; ++i) Send(&bob, to, alice.io->LocalOf(from), "y");
  EXPECT_EQ(bob.io->Receive().data(), burst.data());
  EXPECT_EQ(bob.io->Receive().size(), burst.size());
}

// On return from Close() the port is free, nothing of the old socket comes any more, and its name
// never means the new one.
TEST_P(PacketIoContract, AClosedPortCanBeBoundAtOnce) {
  Host alice = MakeHost();
  Host bob = MakeHost();
  const core::SocketId from = alice.Open(world_->Host(1));
  core::net::SocketOptions options;
  options.local = {world_->Host(2), 0};
  core::SocketId to = bob.Open(options);
  options.local = bob.io->LocalOf(to);
  for (int round = 0; round < 50; ++round) {
    Turn(&bob);
    Send(&alice, from, options.local, "to the old one");
    Deliver(&alice);
    const core::SocketId old = to;
    bob.io->Close(old);
    bob.io->Close(old);  // Closing twice is nothing.
    bob.received.clear();
    to = bob.Open(options);
    ASSERT_NE(old, to);
    EXPECT_EQ(bob.io->LocalOf(old), core::Endpoint{});
    Send(&bob, old, alice.io->LocalOf(from), "from a closed socket");
    const std::string text = "round " + std::to_string(round);
    Send(&alice, from, options.local, text);
    ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return !bob.received.empty(); }));
    ASSERT_EQ(BytesOf(bob), std::vector<std::string>{text});
    EXPECT_EQ(bob.received[0].socket, to);
  }
  EXPECT_TRUE(alice.received.empty());
  EXPECT_EQ(bob.io->counters().send_errors, 50u);
}

// Of a closed socket nothing comes any more, not even what had arrived for a later burst.
TEST_P(PacketIoContract, AClosedSocketIsSilent) {
  Host alice = MakeHost();
  Host bob = MakeHost({.burst_max = 2});
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  const core::SocketId other = bob.Open(world_->Host(2));
  for (int i = 0; i < 10; ++i) Send(&alice, from, bob.io->LocalOf(to), "old");
  Deliver(&alice);
  ASSERT_TRUE(RunUntil({&bob}, [&] { return !bob.received.empty(); }));
  bob.io->Close(to);
  bob.received.clear();
  Send(&alice, from, bob.io->LocalOf(other), "other");
  ASSERT_TRUE(RunUntil({&alice, &bob}, [&] { return !bob.received.empty(); }));
  EXPECT_EQ(BytesOf(bob), std::vector<std::string>{"other"});
}

// What is queued when its socket closes still leaves: a BYE, at shutdown.
TEST_P(PacketIoContract, WhatIsQueuedAtCloseStillLeaves) {
  Host alice = MakeHost();
  Host bob = MakeHost();
  const core::SocketId from = alice.Open(world_->Host(1));
  const core::SocketId to = bob.Open(world_->Host(2));
  Send(&alice, from, bob.io->LocalOf(to), "BYE");
  alice.io->Close(from);
  EXPECT_TRUE(RunUntil({&bob}, [&] { return BytesOf(bob) == std::vector<std::string>{"BYE"}; }));
}

// An address in use is refused with its name, so that the operator knows which.
TEST_P(PacketIoContract, AnAddressInUseIsRefusedByName) {
  Host alice = MakeHost();
  core::net::SocketOptions options;
  options.local = {world_->Host(1), 0};
  options.local = alice.io->LocalOf(alice.Open(options));
  const auto second = alice.io->Open(options);
  ASSERT_FALSE(second.ok());
  const core::Endpoint::Text name = options.local.text();
  EXPECT_NE(std::string(second.status().message()).find(name.view()), std::string::npos)
      << second.status();
}

}  // namespace tests

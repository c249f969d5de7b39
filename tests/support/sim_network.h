#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/base/random.h"
#include "core/time/clock.h"

namespace tests {

/// Virtual time. It stands still until someone advances it.
class SimClock final : public core::Clock {
 public:
  core::Instant Now() override { return now_; }
  core::WallTime Wall() override {
    return {wall_at_start_us_ + now_.time_since_epoch().count() / 1000};
  }

  void AdvanceTo(core::Instant moment) {
    CHECK(moment >= now_);
    now_ = moment;
  }
  /// Somebody sets the wall clock: monotonic time does not notice.
  void StepWall(core::Duration step) { wall_at_start_us_ += step.count() / 1000; }

 private:
  core::Instant now_{std::chrono::hours(1)};  // Not zero: "long ago" must be expressible.
  int64_t wall_at_start_us_ = 1'700'000'000'000'000;
};

/// Where the virtual network delivers to: one bound UDP socket of a SimIo.
class SimSocket {
 public:
  virtual ~SimSocket() = default;
  virtual void OnDatagram(const core::Endpoint& from, std::string_view bytes,
                          core::Instant arrived) = 0;
  /// The network could not deliver what this socket sent; `quoted` is the start of it.
  virtual void OnIcmp(const core::Endpoint& to, int error, std::string_view quoted) = 0;
};

/// How datagrams fare in one direction between two addresses.
struct SimLink {
  core::Duration delay = std::chrono::microseconds(200);
  core::Duration jitter{};  // Added to the delay, evenly from zero to this; order is kept...
  double reorder = 0;       // ...except for this share, which does not wait behind earlier ones.
  double loss = 0;
  double duplicate = 0;
  bool partitioned = false;  // Nothing passes, and nobody is told.
};

/// A seeded network in virtual time, between the SimIos of one test.
///
/// Shape:    addresses are hosts once a socket was bound to them or AddHost() named them. A closed
///           port of a host answers with ICMP, an address that is no host swallows what it gets.
///           The same seed and the same calls give the same run.
/// Lifetime: outlives its sockets' bindings.
/// Thread:   the test's.
class SimNetwork {
 public:
  explicit SimNetwork(uint64_t seed) : random_(seed) {}
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  SimClock& clock() { return clock_; }
  core::Random& random() { return random_; }

  // What the test sets up, at any moment; datagrams under way are not changed.
  void SetDefaultLink(const SimLink& link) { default_link_ = link; }
  void SetLink(const core::IpAddress& from, const core::IpAddress& to, const SimLink& link) {
    links_[{from, to}] = link;
  }
  /// Parts two addresses in both directions, or joins them again.
  void SetPartition(const core::IpAddress& a, const core::IpAddress& b, bool partitioned);
  void AddHost(const core::IpAddress& address) { hosts_.insert(address); }
  /// Is told of each datagram that a socket gets, when it gets it: what the network did in truth.
  void set_on_delivered(
      std::function<void(const core::Endpoint& from, const core::Endpoint& to, std::string_view)>
          on_delivered) {
    on_delivered_ = std::move(on_delivered);
  }
  /// The last router answers EHOSTUNREACH for this address, whatever is bound there.
  void SetUnreachable(const core::IpAddress& address, bool unreachable);

  // What SimIo calls.
  /// 0, or the errno of bind(2). Port 0 is replaced by a free one. Sockets that all `share` an
  /// address get what comes by its source, as with SO_REUSEPORT.
  [[nodiscard]] int Bind(core::Endpoint* local, SimSocket* socket, bool share = false);
  void Unbind(const core::Endpoint& local, const SimSocket* socket);
  void Send(const core::Endpoint& from, const core::Endpoint& to, std::string_view bytes);
  /// An ICMP message out of the blue, as an attacker makes it.
  void ForgeIcmp(const core::Endpoint& victim, const core::Endpoint& claimed_remote, int error,
                 std::string_view quoted);

  /// When the next datagram or ICMP message arrives somewhere; kNever when none is under way.
  core::Instant NextEvent() const { return events_.empty() ? core::kNever : events_.top().due; }
  /// Puts into the sockets what is due by the clock's now.
  void DeliverDue();

  struct Counters {
    uint64_t sent = 0;
    uint64_t delivered = 0;
    uint64_t lost = 0;
    uint64_t duplicated = 0;
    uint64_t reordered = 0;
    uint64_t parted = 0;
    uint64_t unreachable = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Event {
    core::Instant due;
    uint64_t sequence;  // Ties are broken by the order of sending.
    bool icmp;
    int error;
    core::Endpoint from;
    core::Endpoint to;
    std::string bytes;

    friend bool operator<(const Event& a, const Event& b) {  // The queue's top is the soonest.
      return a.due != b.due ? a.due > b.due : a.sequence > b.sequence;
    }
  };
  struct Bound {
    std::vector<SimSocket*> sockets;  // In the order of binding.
    bool share = false;
    SimSocket* For(const core::Endpoint& peer) const;
  };
  using AddressPair = std::pair<core::IpAddress, core::IpAddress>;

  static constexpr size_t kQuotedMax = 548;  // RFC 1812 §4.3.2.3 quotes as much as fits 576 bytes.

  const SimLink& LinkOf(const core::IpAddress& from, const core::IpAddress& to) const;
  core::Instant ArrivalTime(const core::Endpoint& from, const core::Endpoint& to,
                            const SimLink& link);
  void Queue(core::Instant due, const core::Endpoint& from, const core::Endpoint& to, int error,
             std::string_view bytes);
  void Deliver(const Event& event);
  void AnswerIcmp(const Event& event, int error);

  SimClock clock_;
  core::Random random_;
  SimLink default_link_;
  std::map<AddressPair, SimLink> links_;
  std::map<AddressPair, core::Instant> last_arrival_;
  std::set<core::IpAddress> hosts_;
  std::set<core::IpAddress> unreachable_;
  std::map<core::Endpoint, Bound> sockets_;
  std::priority_queue<Event> events_;
  std::function<void(const core::Endpoint&, const core::Endpoint&, std::string_view)> on_delivered_;
  uint64_t sequence_ = 0;
  uint16_t next_port_ = 32768;
  Counters counters_;
};

}  // namespace tests

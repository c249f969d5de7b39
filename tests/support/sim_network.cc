#include "tests/support/sim_network.h"

#include <algorithm>
#include <cerrno>

#include "core/base/siphash.h"

namespace tests {

using core::Duration;
using core::Endpoint;
using core::Instant;
using core::IpAddress;

void SimNetwork::SetPartition(const IpAddress& a, const IpAddress& b, bool partitioned) {
  for (const AddressPair& pair : {AddressPair{a, b}, AddressPair{b, a}}) {
    links_.try_emplace(pair, default_link_).first->second.partitioned = partitioned;
  }
}

void SimNetwork::SetUnreachable(const IpAddress& address, bool unreachable) {
  if (unreachable) {
    unreachable_.insert(address);
  } else {
    unreachable_.erase(address);
  }
}

int SimNetwork::Bind(Endpoint* local, SimSocket* socket, bool share) {
  if (local->port == 0) {
    Endpoint candidate = *local;
    for (uint32_t tries = 0; local->port == 0; ++tries) {
      if (tries == 32768) return EADDRINUSE;
      candidate.port = next_port_;
      next_port_ =
          next_port_ == UINT16_MAX ? uint16_t{32768} : static_cast<uint16_t>(next_port_ + 1);
      if (!sockets_.contains(candidate)) *local = candidate;
    }
  }
  Bound& bound = sockets_[*local];
  if (!bound.sockets.empty() && !(share && bound.share)) return EADDRINUSE;
  bound.share = share;
  bound.sockets.push_back(socket);
  hosts_.insert(local->ip);
  return 0;
}

void SimNetwork::Unbind(const Endpoint& local, const SimSocket* socket) {
  const auto bound = sockets_.find(local);
  if (bound == sockets_.end()) return;
  std::erase(bound->second.sockets, socket);
  if (bound->second.sockets.empty()) sockets_.erase(bound);
}

SimSocket* SimNetwork::Bound::For(const Endpoint& peer) const {
  const Endpoint::Text text = peer.text();
  const uint64_t hash = core::SipHash(core::HashKey{1, 2}, text.view());
  return sockets[hash % sockets.size()];
}

const SimLink& SimNetwork::LinkOf(const IpAddress& from, const IpAddress& to) const {
  const auto link = links_.find({from, to});
  return link == links_.end() ? default_link_ : link->second;
}

Instant SimNetwork::ArrivalTime(const Endpoint& from, const Endpoint& to, const SimLink& link) {
  Instant arrival = clock_.Now() + link.delay;
  if (link.jitter > Duration{}) {
    arrival +=
        Duration(static_cast<int64_t>(random_.Below(static_cast<uint64_t>(link.jitter.count()))));
  }
  Instant& last = last_arrival_[{from.ip, to.ip}];
  if (link.reorder > 0 && random_.Chance(link.reorder)) {
    // Held up on another path: it does not delay those behind it, which so overtake it.
    ++counters_.reordered;
    return arrival + link.delay + link.jitter;
  }
  arrival = std::max(arrival, last);
  last = arrival;
  return arrival;
}

void SimNetwork::Queue(Instant due, const Endpoint& from, const Endpoint& to, int error,
                       std::string_view bytes) {
  events_.push({due, ++sequence_, error != 0, error, from, to, std::string(bytes)});
}

void SimNetwork::Send(const Endpoint& from, const Endpoint& to, std::string_view bytes) {
  ++counters_.sent;
  const SimLink& link = LinkOf(from.ip, to.ip);
  if (link.partitioned) {
    ++counters_.parted;
    return;
  }
  if (link.loss > 0 && random_.Chance(link.loss)) {
    ++counters_.lost;
    return;
  }
  Queue(ArrivalTime(from, to, link), from, to, 0, bytes);
  if (link.duplicate > 0 && random_.Chance(link.duplicate)) {
    ++counters_.duplicated;
    Queue(ArrivalTime(from, to, link), from, to, 0, bytes);
  }
}

void SimNetwork::ForgeIcmp(const Endpoint& victim, const Endpoint& claimed_remote, int error,
                           std::string_view quoted) {
  Queue(clock_.Now(), claimed_remote, victim, error, quoted.substr(0, kQuotedMax));
}

void SimNetwork::DeliverDue() {
  while (!events_.empty() && events_.top().due <= clock_.Now()) {
    const Event event = events_.top();
    events_.pop();
    Deliver(event);
  }
}

void SimNetwork::Deliver(const Event& event) {
  const auto socket = sockets_.find(event.to);
  if (event.icmp) {
    if (socket != sockets_.end()) {
      socket->second.For(event.from)->OnIcmp(event.from, event.error, event.bytes);
    }
    return;
  }
  if (unreachable_.contains(event.to.ip)) return AnswerIcmp(event, EHOSTUNREACH);
  if (socket == sockets_.end()) {
    if (hosts_.contains(event.to.ip)) AnswerIcmp(event, ECONNREFUSED);
    return;
  }
  ++counters_.delivered;
  if (on_delivered_) on_delivered_(event.from, event.to, event.bytes);
  socket->second.For(event.from)->OnDatagram(event.from, event.bytes, event.due);
}

void SimNetwork::AnswerIcmp(const Event& event, int error) {
  ++counters_.unreachable;
  const SimLink& back = LinkOf(event.to.ip, event.from.ip);
  if (back.partitioned || (back.loss > 0 && random_.Chance(back.loss))) return;
  Queue(clock_.Now() + back.delay, event.to, event.from, error,
        std::string_view(event.bytes).substr(0, kQuotedMax));
}

}  // namespace tests

#pragma once

#include <cstdint>

#include "core/net/packet_io.h"
#include "core/sip/transaction_context.h"
#include "core/transport/transport.h"
#include "sbc/b2bua.h"
#include "sbc/media/media_relay.h"
#include "sbc/route_health.h"

namespace sbc {

/// What a worker counts beside its calls; plain integers.
struct WorkerCounters {
  uint64_t strangers = 0;           // Datagrams from sources that may not reach us: silence.
  uint64_t dropped_invites = 0;     // And MESSAGEs, refused with silence (`cidr: drop`).
  uint64_t handed_over = 0;         // Datagrams, and ICMP errors, that another worker owns.
  uint64_t mailbox_full = 0;        // What could not be posted: lost, or refused.
  uint64_t records_lost = 0;        // Call records that the control thread had no room for,
  uint64_t sip_messages_lost = 0;   // Of logged calls.
  uint64_t media_records_lost = 0;  // and those of the minutes of calls.
  uint64_t filters_refused = 0;  // Reach sets too large for a socket filter: judged here instead.
  uint64_t rate_limited = 0;     // New calls past limits.calls_per_second or ..._per_source.
};

/// Everything that a worker publishes, once a second and when it goes idle.
struct WorkerSnapshot {
  static constexpr size_t kRouteStatesMax = 512;  // Addresses of hosts whose home the worker is.

  struct RouteState {
    uint16_t host = 0;
    bool up = true;
    uint16_t last_status = 0;
    core::Endpoint address;
  };

  B2buaCounters calls;
  core::sip::TransactionCounters transactions;
  core::transport::TransportCounters transport;
  core::net::IoCounters io;
  RouteHealth::Counters health;
  WorkerCounters worker;
  uint64_t queue_drops = 0;  // At the listeners' sockets.
  MediaRelayCounters media;
  uint64_t media_streams_now = 0;
  uint64_t media_ports_used[kSideCount] = {};
  uint64_t media_ports_count[kSideCount] = {};

  // Now, and how much there is room for.
  uint64_t calls_now = 0;
  uint64_t calls_max = 0;  // Of the node: each worker says the same.
  uint64_t client_transactions_now = 0;
  uint64_t server_transactions_now = 0;
  uint64_t store_packets_now = 0;
  uint64_t policies_now = 0;
  bool draining = false;
  uint16_t route_state_count = 0;
  uint64_t route_states_left_off = 0;  // Beyond kRouteStatesMax: routed to, but not shown.
  RouteState route_states[kRouteStatesMax];
};

}  // namespace sbc

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/base/bounded_text.h"
#include "core/base/bounded_vector.h"
#include "core/base/instant.h"
#include "core/base/random.h"
#include "sbc/config.h"
#include "sbc/host_table.h"

namespace sbc {

/// Which addresses of the routes and trunks answer (rule 10 of the SBC's rules).
///
/// Pure logic: it says when an OPTIONS is to be sent and hears what became of it. Up is any final
/// response but 408 and 503; down after kFailuresMax failures in a row, up after one success. A
/// call that timed out or met a transport error counts as one failure, and has the address probed
/// at once; a call that got an answer counts as a success. Without probes (options_interval 0) an
/// address that is down is given another chance after kRetryUnprobed.
///
/// Shape:    the hosts of the connectors whose home this worker is, HostTable::kAddressesMax
///           addresses each.
/// Lifetime: AddHost() allocates, at start and at a reload; nothing else does.
/// Thread:   one worker's. Up and down are sent on to all workers' HostTables by who calls.
class RouteHealth {
 public:
  static constexpr unsigned kFailuresMax = 2;
  static constexpr core::Duration kRetryUnprobed = std::chrono::seconds(30);

  struct HostOptions {
    uint16_t host = 0;  // In HostTable.
    Side side = Side::kCustomer;
    core::Duration options_interval{};  // 0: no probes.
    core::Duration options_timeout{};
    /// The host of From: the connector's name towards the trunk. Empty: our own address there.
    std::string_view from_host;
  };

  /// Names one probe; `bits` travels with its transaction.
  struct ProbeId {
    uint16_t host = 0;
    uint8_t slot = 0;
    uint32_t serial = 0;  // A late answer to an earlier probe is told from this.
    uint64_t bits() const { return uint64_t{serial} << 32 | uint64_t{host} << 8 | slot; }
    static ProbeId FromBits(uint64_t bits) {
      return {static_cast<uint16_t>(bits >> 8), static_cast<uint8_t>(bits),
              static_cast<uint32_t>(bits >> 32)};
    }
  };

  /// "Send an OPTIONS to `to` from `side` with `from_host` in From." `from_host` is borrowed from
  /// here for the time of the call.
  struct Probe {
    ProbeId id;
    Side side = Side::kCustomer;
    TransportKind transport = TransportKind::kUdp;
    core::Endpoint to;
    std::string_view from_host;
  };

  /// "This address is now up, or down": for every worker's HostTable, the log and the metrics.
  struct Change {
    uint16_t host = 0;
    core::Endpoint address;
    bool up = true;
  };

  /// How a call's attempt at an address went. kAlive: a 101-199, or a final response but 408 and
  /// 503 (a 100 may precede those, and says nothing). kSuspect: no response at all in
  /// answer_timeout, or a transport error; not a route that rang out.
  enum class CallSign : uint8_t { kAlive, kSuspect };

  /// A worker's word to a host's home worker; OnCall() takes its parts.
  struct CallReport {
    uint16_t host = 0;
    core::Endpoint address;
    CallSign sign = CallSign::kAlive;
  };

  struct Counters {
    uint64_t probes = 0;
    uint64_t probe_failures = 0;
    uint64_t call_failures = 0;
    uint64_t went_down = 0;
    uint64_t went_up = 0;
  };

  /// For each address of each host: for /api/v1 and the metrics.
  struct State {
    uint16_t host = 0;
    core::Endpoint address;
    bool up = true;
    uint8_t failures = 0;         // In a row.
    uint16_t last_status = 0;     // Of the last probe; 0: none, or silence.
    core::Instant last_answer{};  // Instant{}: never.
  };

  /// Adds a host, or changes its options after a reload.
  void AddHost(const HostOptions& options);
  /// What the host's name resolved to; nothing, where no configuration has it any more. Those that
  /// stay keep their state; new ones start up and are probed soon, each at a moment of its own so
  /// that no burst goes out.
  void SetAddresses(uint16_t host, std::span<const core::Endpoint> addresses, core::Random* random,
                    core::Instant now);

  /// When OnTick() has something to do, or at the earliest may have: what a call told of is not
  /// looked for among all the other hosts. kNever when there is nothing.
  core::Instant next_due() const { return next_due_; }

  /// Calls `send(const Probe&)` for each probe that is due, and `changed(const Change&)` for each
  /// address that went down because a probe timed out.
  template <typename Send, typename Changed>
  void OnTick(core::Random* random, core::Instant now, Send&& send, Changed&& changed) {
    for (Host& host : hosts_) {
      for (size_t slot = 0; slot < host.addresses.size(); ++slot) {
        Change change;
        Probe probe;
        const Due due = TickAddress(&host, slot, random, now, &probe, &change);
        if (due.changed) changed(static_cast<const Change&>(change));
        if (due.probe) send(static_cast<const Probe&>(probe));
      }
    }
    FindNextDue();
  }

  /// A final response to a probe (status_code), or 0 where the send failed. True if `*change` tells
  /// of a change. A late or unknown probe's answer changes nothing.
  [[nodiscard]] bool OnAnswer(ProbeId id, uint16_t status_code, core::Random* random,
                              core::Instant now, Change* change);
  /// What a call met at an address; from any worker, by envelope. Each call asks this, so it costs
  /// the same however many hosts there are.
  [[nodiscard]] bool OnCall(uint16_t host, const core::Endpoint& address, CallSign sign,
                            core::Instant now, Change* change);

  template <typename Visit>
  void ForEachState(Visit&& visit) const {
    for (const Host& host : hosts_) {
      for (const Address& address : host.addresses) {
        visit(State{host.host, address.endpoint, address.up, address.failures, address.last_status,
                    address.last_answer});
      }
    }
  }
  const Counters& counters() const { return counters_; }

 private:
  struct Address {
    core::Endpoint endpoint;
    core::Instant next_probe = core::kNever;
    core::Instant probe_deadline = core::kNever;  // kNever: no probe is under way.
    core::Instant last_answer{};
    uint32_t serial = 0;
    uint16_t last_status = 0;
    uint8_t failures = 0;
    bool up = true;
  };
  struct Host {
    uint16_t host = 0;
    Side side = Side::kCustomer;
    core::Duration options_interval{};
    core::Duration options_timeout{};
    core::BoundedText<255> from_host;
    core::BoundedVector<Address, HostTable::kAddressesMax> addresses;
  };
  struct Due {
    bool probe = false;
    bool changed = false;
  };

  Host* Find(uint16_t host);
  Due TickAddress(Host* host, size_t slot, core::Random* random, core::Instant now, Probe* probe,
                  Change* change);
  bool OnFailure(const Host& host, Address* address, core::Instant again, Change* change);
  bool OnSuccess(const Host& host, Address* address, Change* change);
  static core::Instant DueOf(const Address& address);
  void FindNextDue();

  static constexpr uint32_t kNoPlace = UINT32_MAX;
  std::vector<Host> hosts_;
  std::vector<uint32_t> place_of_host_;  // In hosts_, by the number that HostTable has for it.
  core::Instant next_due_ = core::kNever;
  uint32_t serial_ = 0;
  Counters counters_;
};

}  // namespace sbc

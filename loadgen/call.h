#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/address.h"
#include "core/base/bounded_text.h"
#include "core/base/instant.h"
#include "core/base/intrusive_list.h"
#include "core/base/pool.h"
#include "core/buffer/packet.h"
#include "core/sip/message.h"
#include "core/time/timer_wheel.h"
#include "loadgen/scenario.h"
#include "loadgen/statistics.h"
#include "loadgen/variables.h"

namespace loadgen {

class ScenarioPlayer;
struct CallMedia;

/// A message that outlives its turn: its bytes in the store, and their index.
struct Received {
  core::Packet packet;
  core::sip::Message message;  // Of packet's bytes.
  uint64_t hash = 0;
  core::Instant at;  // When it came, by the kernel's clock where the backend asks it.
};

/// What a call remembers of a message it has received, so that it knows it when it comes again.
struct SeenMessage {
  uint64_t hash = 0;
  uint16_t recv_step = kNoIndex;
  uint16_t resend_step = kNoIndex;  // What is sent again in answer to it: see ScenarioPlayer.
  uint32_t resend_cseq = 0;
};

/// A transaction that the scenario named (start_txn).
struct NamedTransaction {
  uint64_t branch_hash = 0;  // 0: not started.
  uint64_t response_hash = 0;
  uint16_t ack_step = kNoIndex;
};

/// A response timer of one call.
struct ResponseTimer {
  core::Instant planned;  // Later than `started` never: they differ where a call began late.
  core::Instant started;
  bool done = false;
};

/// One call: where it stands in its scenario, and what it has said and heard. Plain state; the walk
/// itself is ScenarioPlayer's.
///
/// Shape:    fixed size; what has no bound (texts of the peer's) is in packets of the store, and
///           the scenario's variables, timers and transactions are in a slab beside the pool.
/// Lifetime: from CallSet::Open() to CallSet::Close(), which gives back what it holds.
struct Call : core::ListNode<Call> {
  static constexpr size_t kCallIdMax = 126;
  static constexpr size_t kTagMax = 254;
  static constexpr size_t kSeenMax = 8;  // A power of two.

  Call(core::Timer::Fire on_wait, core::Timer::Fire on_retransmit, ScenarioPlayer* owner)
      : player(owner), wait_timer(on_wait, this), retransmit_timer(on_retransmit, this) {}

  std::string_view call_id() const {
    return long_call_id ? long_call_id.text() : short_call_id.view();
  }

  ScenarioPlayer* const player;
  uint64_t number = 0;  // As [call_number].
  uint64_t call_id_hash = 0;
  uint16_t step = 0;
  uint16_t waiting_step = kNoIndex;  // Whose timeout wait_timer is, in a chain of recv.
  int steps_without_time = 0;        // Since it last waited for anything.

  bool is_server = false;
  bool established = false;  // An ACK was sent or received.
  bool ack_pending = false;  // A 200 came, and no ACK has gone.
  bool timewait = false;     // It has succeeded, and stays for what comes again.
  bool pausing = false;
  bool resume_pause = false;  // <pauserestore>: the next step is the pause that was interrupted.
  bool queued_again = false;  // `queued` has been through _unexp.main.
  Failure failure = Failure::kNone;  // Of a check: the call goes on, and has failed in the end.

  uint32_t cseq = 0;         // As [cseq].
  uint32_t invite_cseq = 0;  // Of the last INVITE received.
  int64_t user_id = 0;

  core::Endpoint remote;
  core::Instant planned;
  core::Instant started;
  core::Instant paused_until;

  // Retransmission of the last message sent with `retrans`.
  core::Packet last_sent;
  core::Duration retransmit_gap{0};
  int retransmits = 0;
  uint16_t last_send_step = kNoIndex;
  bool last_sent_is_invite = false;
  bool has_sent_invite = false;  // The last request sent, ACK aside, was an INVITE.

  Received* last = nullptr;    // The last message received.
  Received* queued = nullptr;  // One that waits for the next recv.
  std::array<SeenMessage, kSeenMax> seen{};
  uint8_t seen_count = 0;  // Runs on; the place is modulo kSeenMax.

  CallMedia* media = nullptr;  // The audio of a call whose scenario wants some.

  core::Packet dialog;  // The route set, and behind it the remote target.
  uint32_t routes_size = 0;
  core::Packet challenge;  // The value of a WWW- or Proxy-Authenticate.
  bool challenged_by_proxy = false;
  uint32_t nonce_count = 0;

  core::Timer wait_timer;
  core::Timer retransmit_timer;

  // In the slab.
  VariableStore variables;
  VariableStore own_user_variables;  // Where no user is (-users): as SIPp has it, each call's own.
  std::span<ResponseTimer> response_timers;
  std::span<NamedTransaction> transactions;
  std::span<uint32_t> injection_lines;

  core::Packet long_call_id;
  core::BoundedText<kCallIdMax> short_call_id;
  core::BoundedText<kTagMax> peer_tag_param;  // ";tag=..."
};

}  // namespace loadgen

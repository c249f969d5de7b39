#pragma once

#include <cstdint>

namespace sbc {

/// What the SBC's threads tell each other (core/engine/mailbox.h). The words of each are said here
/// and nowhere else.
enum class EnvelopeKind : uint16_t {
  // Worker to worker.
  kDatagram,   // A packet that belongs to the reader; words[0]: the listener's index. bytes, local,
               // remote.
  kSendError,  // A datagram of the reader's did not arrive. bytes: its beginning; remote.
  kAskGrant,   // bytes: AskGrant (connector_ledger.h), to the connector's home worker.
  kGrant,      // bytes: Grant, back to the asker.
  kAskReplaced,  // words[0]: a question of the writer's, words[1]: the Side that names the dialog.
                 // bytes: the value of a Replaces header field, which names a call of the reader's.
  kReplaced,  // words[0]: the question, words[1]: 0, or the code that refuses who asked. bytes: a
              // ReplacedDialog's replaces, words[2] long, then its target; remote: its peer.
  kReturnGrant,  // bytes: a ReturnedGrant.
  kRouteSign,    // words[0]: host, words[1]: a RouteHealth::CallSign; remote: the address. To its
                 // home.
  kHostHealth,   // words[0]: host, words[1]: 1 up, 0 down; remote: the address. From its home
                 // worker.
  kAddressHeld,  // words[0]: a Side; remote: an address that no host name has any more, where the
                 // writer has a call.

  // Control thread to worker.
  kPolicy,         // words[0]: a Policy*, which the worker owns until it gives it back.
  kHostAddresses,  // words[0]: host, words[1]: its Side. bytes: HostAddress, one after the
                   // other.
  kDrain,          // New calls are refused from now on, but emergencies.
  kClose,          // Those too. Every worker has said that it is drained; who is not says so again.
  kStop,           // As kClose, and end every call now, flush, and leave the loop.

  // Worker to control thread.
  kCallRecord,   // bytes: a CallReport (call_record.h), or its CallRecord alone. The call's end.
  kMediaRecord,  // bytes: a CallReport. The call goes on.
  kPolicyDone,   // words[0]: a Policy* that no call uses any more.
  kSipMessage,  // bytes: a message of a logged call; words: when, in microseconds of wall time; the
                // two words of its transaction_id; the connector's number. remote, local.
  kDrained,     // words[0]: 1, no call is left; 0, there is one again (rule 6 admits it).
  // INVITEs or MESSAGEs got no answer (`cidr: drop`). remote: the last one's source, words[0]: its
  // RejectionCause, bytes: why; words[1]: how many since the last of these, a second ago or more.
  kDropped,
};

}  // namespace sbc

#pragma once

#include <cstdint>

#include "core/base/bounded_vector.h"
#include "core/base/siphash.h"
#include "core/buffer/packet_pool.h"
#include "core/net/packet_io.h"
#include "core/sip/hop.h"
#include "core/sip/message.h"
#include "core/sip/verdict.h"

namespace core::transport {

/// An address that we receive SIP on.
struct Listener {
  SocketId socket;
  Endpoint local;
  Endpoint advertised;  // What peers are told, in Via and Contact; equal to `local` without NAT.
  uint8_t side = 0;     // The program's own mark.
  sip::TransportKind transport = sip::TransportKind::kUdp;
};

/// Who a Transport works for. Thread: one worker's.
class TransportUser {
 public:
  virtual ~TransportUser() = default;

  /// A well-formed message. `return_path`: where responses to it go; of a response, how it came.
  virtual void OnMessage(const sip::Message& message, Packet& packet, const sip::Hop& return_path,
                         uint8_t side, Instant now) = 0;

  /// True where a malformed request from this source deserves an answer. Strangers get silence.
  virtual bool MayAnswer(const Endpoint& source, uint8_t side) = 0;
};

/// What came, by what became of it; plain integers of one worker.
struct TransportCounters {
  uint64_t requests = 0;   // Passed on.
  uint64_t responses = 0;  // Passed on.
  uint64_t keep_alives = 0;
  uint64_t unknown_socket = 0;
  uint64_t truncated = 0;  // Answered 513 where the head could be read.
  uint64_t malformed_answered = 0;
  uint64_t malformed_dropped = 0;  // Responses, ACKs, what has no head, what may not be answered.
  uint64_t answers_limited = 0;    // Malformed requests past the turn's limit.
  uint64_t answers_starved = 0;    // The store was dry.
  uint64_t foreign_responses = 0;  // Their top Via is not ours (§18.1.2).
  uint64_t sent = 0;
};

/// Between datagrams and SIP messages (RFC 3261 §18): frames, judges, finds the way back.
///
/// Shape:    at most kListenersMax listeners. UDP; a stream transport gives its frames to
///           OnPacket() in Packets of its own, told from UDP by its listener's `transport`.
/// Answers:  to a malformed request without state (§8.2.7), some a turn, and only where the user
///           lets it.
/// Lifetime: borrows all of Options.
/// Thread:   one worker's.
class Transport final : public sip::PacketSink {
 public:
  static constexpr size_t kListenersMax = 32;

  struct Options {
    net::PacketIo* io = nullptr;
    PacketStore* store = nullptr;
    TransportUser* user = nullptr;
    HashKey key{};                       // For the To tags of stateless answers.
    uint32_t answers_per_turn_max = 16;  // A flood of garbage must not become one of answers.
  };

  explicit Transport(const Options& options) : options_(options) {}

  /// False when there are kListenersMax.
  [[nodiscard]] bool AddListener(const Listener& listener);
  void RemoveListener(SocketId socket);
  const Listener* FindListener(SocketId socket) const;
  std::span<const Listener> listeners() const { return {listeners_.begin(), listeners_.size()}; }

  void OnPacket(Packet packet, Instant now);

  /// Hands it to the network, by its socket() and remote().
  void Send(Packet packet) override;

  const TransportCounters& counters() const { return counters_; }

 private:
  void PassOn(const sip::Message& message, Packet& packet, const Listener& listener, Instant now);
  void Answer(const sip::Message& request, const Packet& packet, const Listener& listener,
              const sip::Verdict& verdict, Instant now);
  bool IsOurs(const sip::HostPort& sent_by) const;

  Options options_;
  BoundedVector<Listener, kListenersMax> listeners_;
  TransportCounters counters_;
  Instant turn_{};  // The turn that `answered_in_turn_` counts for.
  uint32_t answered_in_turn_ = 0;
};

}  // namespace core::transport

#pragma once

#include <cstdint>

#include "core/base/address.h"
#include "core/buffer/packet.h"

namespace core::sip {

enum class TransportKind : uint8_t { kUdp, kTcp, kTls };

/// Between whom a message goes: our socket and address, and the peer's.
struct Hop {
  SocketId socket;
  Endpoint local;
  Endpoint remote;
  TransportKind transport = TransportKind::kUdp;

  /// Over a reliable transport nothing is sent again (RFC 3261 §17).
  bool reliable() const { return transport != TransportKind::kUdp; }
  friend bool operator==(const Hop&, const Hop&) = default;
};

/// Where messages leave: the transport, or a test.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  /// Queues one datagram, by its socket() and remote(). What happens to it is told later, if at
  /// all; nothing is called back from here.
  virtual void Send(Packet packet) = 0;
};

}  // namespace core::sip

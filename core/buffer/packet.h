#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/address.h"
#include "core/base/check.h"
#include "core/base/instant.h"

namespace core {

class PacketPool;

/// Names one open socket of a PacketIo. A closed one's id never comes again with its generation.
struct SocketId {
  uint32_t index = 0;
  uint32_t generation = 0;  // 0: no socket.
  explicit operator bool() const { return generation != 0; }
  friend bool operator==(SocketId, SocketId) = default;
};

/// The fixed record before a datagram's bytes. Only PacketPool makes and frees it.
struct PacketSlot {
  PacketPool* pool;
  char* data;     // First byte of the datagram; kHeadroom bytes before it belong to the backend.
  uint32_t size;  // Bytes of the datagram.
  uint32_t capacity;  // Bytes that fit from `data` on.
  uint32_t references;
  uint32_t index;      // In its pool.
  uint32_t next_free;  // The pool's.
  bool truncated;      // The datagram was longer than `capacity`.
  SocketId socket;     // Received on, or to be sent from.
  Endpoint local;      // Our address and port of that socket.
  Endpoint remote;     // Where it came from, or goes to.
  Instant received_at;
};

/// One owner of a pooled datagram.
///
/// Shape:    size() bytes of at most capacity(), in a slot that never moves, with kHeadroom bytes
///           before them for the backend.
/// Lifetime: the slot returns to its pool when its last owner dies. Views borrow; they never own. A
///           received Packet does not outlive its turn (rule 2): what must, is copied to a
///           PacketStore.
/// Sharing:  a shared Packet is immutable and goes to one destination (rule 4).
/// Thread:   one worker's, so the count is a plain integer. Bytes for another worker are copied.
class Packet {
 public:
  static constexpr uint32_t kHeadroom = 128;

  Packet() = default;
  Packet(Packet&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  Packet& operator=(Packet&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { Reset(); }

  explicit operator bool() const { return slot_ != nullptr; }
  inline void Reset();  // Gives this owner up.

  /// A second owner, made on purpose: a transaction keeps its last message to send it again.
  [[nodiscard]] Packet Share() const {
    CHECK(slot_ != nullptr);
    ++slot_->references;
    return Packet(slot_);
  }
  bool shared() const { return slot_ != nullptr && slot_->references > 1; }

  std::string_view text() const& { return {slot_->data, slot_->size}; }
  std::string_view text() && = delete;  // A view into a temporary's slot must not compile.
  char* data() { return slot_->data; }
  uint32_t size() const { return slot_->size; }
  uint32_t capacity() const { return slot_->capacity; }
  void set_size(uint32_t size) {
    CHECK(size <= slot_->capacity && !shared());
    slot_->size = size;
  }

  SocketId socket() const { return slot_->socket; }
  const Endpoint& local() const { return slot_->local; }
  const Endpoint& remote() const { return slot_->remote; }
  Instant received_at() const { return slot_->received_at; }
  bool truncated() const { return slot_->truncated; }
  /// Of a shared one, which has one destination, only to say that again.
  void SetRoute(SocketId socket, const Endpoint& local, const Endpoint& remote) {
    slot_->socket = socket;
    slot_->local = local;
    slot_->remote = remote;
  }

  /// For backends and pools: the record itself, which stays owned by this Packet.
  PacketSlot* slot() const { return slot_; }
  /// For backends and pools: takes over a reference that somebody counted before.
  static Packet AdoptSlot(PacketSlot* slot) { return Packet(slot); }
  /// For backends: gives the counted reference away.
  PacketSlot* ReleaseToBackend() { return std::exchange(slot_, nullptr); }

 private:
  explicit Packet(PacketSlot* slot) : slot_(slot) {}
  PacketSlot* slot_ = nullptr;
};

}  // namespace core

#include "core/buffer/packet_pool.h"  // Reset() needs to know where a slot returns to.

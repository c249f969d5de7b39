#pragma once

#include <cstdint>
#include <string_view>

namespace core::sdp {

/// Which way media flows, as the writer of a description sees it (RFC 8866 §6.7). The values are
/// two bits, sends and receives, so that RFC 3264's rules are operations on bits.
enum class Direction : uint8_t { kInactive = 0, kSendOnly = 1, kRecvOnly = 2, kSendRecv = 3 };

constexpr bool Sends(Direction direction) { return (static_cast<uint8_t>(direction) & 1) != 0; }
constexpr bool Receives(Direction direction) { return (static_cast<uint8_t>(direction) & 2) != 0; }

constexpr Direction MakeDirection(bool sends, bool receives) {
  return static_cast<Direction>((sends ? 1 : 0) | (receives ? 2 : 0));
}

/// The same flow as the other side sees it.
constexpr Direction Reverse(Direction direction) {
  return MakeDirection(Receives(direction), Sends(direction));
}

/// What both allow.
constexpr Direction Intersect(Direction a, Direction b) {
  return static_cast<Direction>(static_cast<uint8_t>(a) & static_cast<uint8_t>(b));
}

/// The direction to answer with where `wanted` is what the answerer would like: never more than the
/// offer allows (RFC 3264 §6.1). An answer from the field that says more is read as this too.
constexpr Direction AnswerDirection(Direction offered, Direction wanted) {
  return Intersect(Reverse(offered), wanted);
}

constexpr std::string_view Name(Direction direction) {
  switch (direction) {
    case Direction::kInactive:
      return "inactive";
    case Direction::kSendOnly:
      return "sendonly";
    case Direction::kRecvOnly:
      return "recvonly";
    case Direction::kSendRecv:
      return "sendrecv";
  }
  return "inactive";
}

}  // namespace core::sdp

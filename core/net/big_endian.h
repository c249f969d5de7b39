#pragma once

#include <cstdint>

namespace core::net {

// Numbers in network order. The caller has made sure of the room.

inline uint16_t Load16(const uint8_t* bytes) {
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}
inline uint32_t Load32(const uint8_t* bytes) {
  return uint32_t{Load16(bytes)} << 16 | Load16(bytes + 2);
}
inline void Store16(uint16_t value, uint8_t* bytes) {
  bytes[0] = static_cast<uint8_t>(value >> 8);
  bytes[1] = static_cast<uint8_t>(value);
}
inline void Store32(uint32_t value, uint8_t* bytes) {
  Store16(static_cast<uint16_t>(value >> 16), bytes);
  Store16(static_cast<uint16_t>(value), bytes + 2);
}

}  // namespace core::net

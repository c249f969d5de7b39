#pragma once

#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/base/check.h"
#include "sbc/call_record.h"

namespace sbc {

/// A plain record as the bytes of an envelope, and back. Both ends are this program.
template <typename T>
std::string_view BytesOf(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

template <typename T>
T FromBytes(std::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  CHECK(bytes.size() == sizeof(T));
  T value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

/// What a call's end or minute tells: without media it is the record alone.
inline CallReport CallReportFromBytes(std::string_view bytes) {
  if (bytes.size() == sizeof(CallRecord))
    return {.call = FromBytes<CallRecord>(bytes), .media = {}};
  return FromBytes<CallReport>(bytes);
}

}  // namespace sbc

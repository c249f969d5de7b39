#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/instant.h"
#include "sbc/call_record.h"

namespace sbc {

// Pieces that call lines and CDRs are made of. All append, so that one buffer serves every record
// and nothing is allocated once it has grown.

template <std::integral T>
void AppendNumber(T number, std::string* out) {
  char digits[24];
  out->append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
}

/// RFC 3339 with microseconds, in UTC: 2026-01-31T23:59:59.000001Z.
void AppendTime(core::WallTime wall, std::string* out);
/// In milliseconds, to the microsecond: "12.345".
void AppendMilliseconds(core::Duration duration, std::string* out);
/// A log line's value as core::LogLine writes it: bare where it is harmless, else in quotes with
/// every byte that is not printable ASCII as \xNN.
void AppendValue(std::string_view value, std::string* out);
/// The inside of a JSON string. A peer's bytes need not be UTF-8, and the file must: those that are
/// not become \u00NN each.
void AppendJson(std::string_view value, std::string* out);
/// `,"key":"value"`, the value escaped.
void AppendJsonField(std::string_view key, std::string_view value, std::string* out);
/// Our UUID of the call, in the form of RFC 4122's version 4.
void AppendUuid(const uint64_t (&id)[2], std::string* out);

std::string_view CallEndName(CallEnd end);                // "caller_hung_up"
std::string_view DirectionName(CallDirection direction);  // "termination"

}  // namespace sbc

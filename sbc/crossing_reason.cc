#include "sbc/crossing_reason.h"

#include <array>
#include <charconv>

#include "core/sip/cursor.h"
#include "core/sip/list_reader.h"
#include "core/sip/small_headers.h"
#include "sbc/header_policy.h"

namespace sbc {
namespace {

// RFC 3326 names the first two, RFC 4411 the third. A protocol is a token, which an address can be.
constexpr std::string_view kProtocols[] = {"SIP", "Q.850", "Preemption"};

std::string_view ProtocolOf(std::string_view name) {
  for (const std::string_view protocol : kProtocols) {
    if (core::sip::EqualsIgnoreCase(name, protocol)) return protocol;
  }
  return {};
}

}  // namespace

ReasonText CrossingReason(std::string_view values) {
  ReasonText text;
  if (IsSmuggling(values)) return text;
  core::sip::ListReader list(values);
  for (std::string_view value; list.Next(&value);) {
    core::sip::Reason reason;
    if (core::sip::ParseReason(value, &reason) != core::sip::ParseError::kOk) continue;
    const std::string_view protocol = ProtocolOf(reason.protocol);
    if (protocol.empty() || reason.cause == 0) continue;
    std::array<char, 10> digits;
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), reason.cause).ptr;
    ReasonText longer = text;
    if ((longer.empty() || longer.Append(", ")) && longer.Append(protocol) &&
        longer.Append(";cause=") &&
        longer.Append({digits.data(), static_cast<size_t>(end - digits.data())})) {
      text = longer;
    }
  }
  return text;
}

}  // namespace sbc

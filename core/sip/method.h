#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace core::sip {

/// The methods we know by name: RFC 3261, 3262 (PRACK), 3311 (UPDATE), 3428 (MESSAGE), 3515
/// (REFER), 3903 (PUBLISH), 6086 (INFO), 6665 (SUBSCRIBE, NOTIFY).
enum class Method : uint8_t {
  kUnknown,  // A method all the same: its text is kept by whoever read it.
  kInvite,
  kAck,
  kBye,
  kCancel,
  kOptions,
  kRegister,
  kPrack,
  kUpdate,
  kInfo,
  kRefer,
  kNotify,
  kSubscribe,
  kMessage,
  kPublish,
};
inline constexpr size_t kMethodCount = static_cast<size_t>(Method::kPublish) + 1;

/// The method of this name; methods are case-sensitive (RFC 3261 §7.1).
Method FindMethod(std::string_view name);

/// The method's name; empty for kUnknown.
std::string_view Name(Method method);

}  // namespace core::sip

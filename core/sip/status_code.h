#pragma once

#include <cstdint>
#include <string_view>

namespace core::sip {

/// The reason phrase that the registry gives to a status code (RFC 3261 §21 and its extensions), or
/// its class's, where the code itself is not known.
std::string_view DefaultReason(uint16_t status_code);

}  // namespace core::sip

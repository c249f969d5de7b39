#pragma once

#include <string_view>

namespace sbc {

/// User-Agent and Server: no version, which would only help who looks for an old one.
inline constexpr std::string_view kProduct = "Ringfence";

}  // namespace sbc

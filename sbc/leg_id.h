#pragma once

#include <cstddef>
#include <cstdint>

namespace sbc {

/// The two legs of a call, named by who began it; also an index.
enum class LegId : uint8_t { kCaller, kCallee };
constexpr LegId Other(LegId leg) { return leg == LegId::kCaller ? LegId::kCallee : LegId::kCaller; }
constexpr size_t Index(LegId leg) { return static_cast<size_t>(leg); }

}  // namespace sbc

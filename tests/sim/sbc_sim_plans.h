#pragma once

#include <cstddef>

#include "tests/sim/dice.h"
#include "tests/support/sim_user_agent.h"

namespace tests {

/// In the BYE of who has had enough: what should have ended the call did not.
inline constexpr char kFallback[] = "X-Fallback: 1\r\n";

/// What one callee does with an INVITE.
SimPlan CalleePlan(Dice* dice);

/// What one caller does; `index` makes the number that it calls this call's alone.
SimPlan CallerPlan(Dice* dice, bool to_trunk, size_t index);

}  // namespace tests

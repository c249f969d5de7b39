#pragma once

#include "core/base/state_table.h"

namespace core::sip {

using core::StateRow;
using core::StateTable;

}  // namespace core::sip

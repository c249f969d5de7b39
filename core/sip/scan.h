#pragma once

#include "core/base/scan.h"

namespace core::sip {

using core::FindEither;

}  // namespace core::sip

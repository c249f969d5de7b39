#pragma once

#include <string_view>

#include "core/base/bounded_text.h"
#include "core/base/instant.h"

namespace loadgen {

/// What play_dtmf says: keys, and how long each is pressed.
///
/// Shape: 1 to kDigitsMax of 0-9 * # A-D; 50 to 2000 ms each, 200 where it is not said (SIPp).
struct DigitList {
  static constexpr size_t kDigitsMax = 64;
  static constexpr core::Duration kDurationDefault = std::chrono::milliseconds(200);

  core::BoundedText<kDigitsMax> digits;
  core::Duration duration = kDurationDefault;
};

/// False where `text` is not "DIGITS[,MILLISECONDS]".
[[nodiscard]] bool ParseDigitList(std::string_view text, DigitList* list);

}  // namespace loadgen

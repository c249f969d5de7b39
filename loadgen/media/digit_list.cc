#include "loadgen/media/digit_list.h"

#include "core/rtp/dtmf.h"
#include "core/sip/cursor.h"
#include "loadgen/text.h"

namespace loadgen {

bool ParseDigitList(std::string_view text, DigitList* list) {
  const size_t comma = text.find(',');
  const std::string_view digits = core::sip::Trim(text.substr(0, comma));
  if (digits.empty() || !list->digits.Assign(digits)) return false;
  for (const char digit : digits) {
    if (!core::rtp::EventOf(digit)) return false;
  }
  list->duration = DigitList::kDurationDefault;
  if (comma == std::string_view::npos) return true;
  uint32_t ms = 0;
  if (!ParseNumber(core::sip::Trim(text.substr(comma + 1)), &ms)) return false;
  list->duration = std::chrono::milliseconds(ms);
  return ms >= 50 && ms <= 2000;
}

}  // namespace loadgen

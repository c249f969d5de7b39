#pragma once

#include <string_view>

#include "sbc/numbering.h"

namespace sbc {

/// A number as records show it, and where it belongs: E.164 where it can be read so, else as it was
/// dialled and of no country.
///
/// Lifetime: `shown` may borrow `user`.
struct RecordParty {
  E164 number;
  std::string_view shown;
  Country country;

  RecordParty(std::string_view user, HomePlan home) : shown(user) {
    if (!NormaliseE164(user, home, &number)) return;
    shown = number.view();
    country = CountryOf(shown);
  }
  RecordParty(const RecordParty&) = delete;
  RecordParty& operator=(const RecordParty&) = delete;
};

}  // namespace sbc

#include "sbc/numbering.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/ascii.h"
#include "core/base/check.h"
#include "sbc/country_codes.h"

namespace sbc {
namespace {

constexpr size_t kDigitsMax = 18;  // 15 of E.164 and an international prefix of three.
constexpr size_t kE164DigitsMin = 7;
constexpr size_t kE164DigitsMax = 15;
constexpr size_t kPrefixDigitsMax = 8;

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// ---- The tables, made when this is compiled ----------------------------------------------------

// Calls visit(word) for each word between spaces.
template <typename Visit>
constexpr void ForEachWord(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    visit(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

constexpr uint32_t ToNumber(std::string_view digits) {
  uint32_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<uint32_t>(c - '0');
  return number;
}

// The country of each area code of +1, by its three digits. A code that is listed twice does not
// compile.
consteval std::array<Country, 1000> MakeAreaTable() {
  std::array<Country, 1000> table = {};
  for (const AreaCodes& row : kNanpAreaCodes) {
    ForEachWord(row.codes, [&](std::string_view code) {
      Country& place = table[ToNumber(code)];
      CHECK(code.size() == 3 && !place.known());
      place = {{row.country[0], row.country[1]}};
    });
  }
  return table;
}
constexpr std::array<Country, 1000> kAreas = MakeAreaTable();

struct Prefix {
  uint8_t size = 0;  // Digits; a longer prefix stands before a shorter one.
  uint32_t number = 0;
  Country country;
};

consteval size_t CountPrefixes() {
  size_t count = 0;
  for (const NumberPrefixes& row : kNumberPrefixes) {
    ForEachWord(row.prefixes, [&](std::string_view) { ++count; });
  }
  return count;
}

constexpr bool Before(const Prefix& a, const Prefix& b) {
  return a.size != b.size ? a.size > b.size : a.number < b.number;
}

consteval std::array<Prefix, CountPrefixes()> MakePrefixTable() {
  std::array<Prefix, CountPrefixes()> table = {};
  size_t count = 0;
  for (const NumberPrefixes& row : kNumberPrefixes) {
    ForEachWord(row.prefixes, [&](std::string_view prefix) {
      table[count++] = {static_cast<uint8_t>(prefix.size()),
                        ToNumber(prefix),
                        {{row.country[0], row.country[1]}}};
    });
  }
  std::sort(table.begin(), table.end(), Before);
  return table;
}
constexpr auto kPrefixes = MakePrefixTable();
static_assert(kPrefixes.front().size <= kPrefixDigitsMax);
static_assert(std::adjacent_find(kPrefixes.begin(), kPrefixes.end(),
                                 [](const Prefix& a, const Prefix& b) { return !Before(a, b); }) ==
                  kPrefixes.end(),
              "a prefix is there twice");

// ---- Reading a user part -----------------------------------------------------------------------

struct Dialled {
  bool plus = false;
  core::BoundedText<kDigitsMax> digits;
};

// telephone-subscriber's digits: the '+' may only come first (RFC 3966 §3), and anything that is no
// digit and no visual separator makes it a name.
bool ReadDialled(std::string_view user, Dialled* dialled) {
  user = user.substr(0, user.find(';'));
  bool first = true;
  for (size_t i = 0; i < user.size(); ++i) {
    char c = user[i];
    if (c == '%') {  // "%2B1618..." is how some stacks write '+'.
      if (i + 2 >= user.size()) return false;
      const int high = core::HexValue(user[i + 1]);
      const int low = core::HexValue(user[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '+' && first) {
      dialled->plus = true;
    } else if (IsDigit(c)) {
      if (!dialled->digits.Append({&c, 1})) return false;
    } else if (c != '-' && c != '.' && c != '(' && c != ')') {
      return false;
    }
    first = false;
  }
  return !dialled->digits.empty();
}

// Takes `prefix` off the front of `*digits`, if it is there.
bool TakePrefix(std::string_view prefix, std::string_view* digits) {
  if (!digits->starts_with(prefix)) return false;
  digits->remove_prefix(prefix.size());
  return true;
}

// NPA-NXX-XXXX: neither area code nor exchange begins with 0 or 1.
bool IsNanpNational(std::string_view digits) {
  return digits.size() == 10 && digits[0] >= '2' && digits[3] >= '2';
}

bool IsE164(std::string_view digits) {
  if (digits.size() < kE164DigitsMin || digits.size() > kE164DigitsMax) return false;
  if (digits[0] == '0') return false;
  return digits[0] != '1' || IsNanpNational(digits.substr(1));
}

}  // namespace

bool Country::Parse(std::string_view text, Country* country) {
  const auto is_letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
  if (text.size() != 2 || !is_letter(text[0]) || !is_letter(text[1])) return false;
  *country = {{static_cast<char>(text[0] & ~0x20), static_cast<char>(text[1] & ~0x20)}};
  return true;
}

bool NormaliseE164(std::string_view user, HomePlan home, E164* number) {
  Dialled dialled;
  if (!ReadDialled(user, &dialled)) return false;
  std::string_view digits = dialled.digits.view();
  const bool international = dialled.plus ||
                             (home == HomePlan::kNanp && TakePrefix("011", &digits)) ||
                             TakePrefix("00", &digits);
  // Ten digits that +1 does not make a number are a mistake, not somebody's country code.
  const bool add_one = !international && home == HomePlan::kNanp && digits.size() == 10;
  if (!international && digits.size() < kBareDigitsMin) return false;
  E164 result;
  if (!result.Append(add_one ? "+1" : "+") || !result.Append(digits)) return false;
  if (!IsE164(std::string_view(result.view()).substr(1))) return false;
  *number = result;
  return true;
}

Country CountryOf(std::string_view e164) {
  if (!e164.starts_with('+')) return {};
  const std::string_view digits = e164.substr(1);
  if (!std::all_of(digits.begin(), digits.end(), IsDigit)) return {};
  if (digits.starts_with('1')) {
    return digits.size() < 4 ? Country{} : kAreas[ToNumber(digits.substr(1, 3))];
  }
  for (size_t size = std::min(digits.size(), kPrefixDigitsMax); size > 0; --size) {
    const Prefix wanted = {static_cast<uint8_t>(size), ToNumber(digits.substr(0, size)), {}};
    const auto found = std::lower_bound(kPrefixes.begin(), kPrefixes.end(), wanted, Before);
    if (found != kPrefixes.end() && !Before(wanted, *found)) return found->country;
  }
  return {};
}

bool HasNumbers(const Country& country) {
  const auto is_it = [&country](const auto& row) { return country.view() == row.country; };
  return std::any_of(std::begin(kNanpAreaCodes), std::end(kNanpAreaCodes), is_it) ||
         std::any_of(std::begin(kNumberPrefixes), std::end(kNumberPrefixes), is_it);
}

EmergencyNumbers EmergencyNumbers::Default() {
  EmergencyNumbers numbers;
  CHECK(numbers.Add("911") && numbers.Add("933"));
  return numbers;
}

bool EmergencyNumbers::Add(std::string_view number) {
  if (size_ == kNumbersMax || number.size() < 2) return false;
  if (!std::all_of(number.begin(), number.end(), IsDigit)) return false;
  if (!numbers_[size_].Assign(number)) return false;
  ++size_;
  return true;
}

bool EmergencyNumbers::Contains(std::string_view user) const {
  Dialled dialled;
  if (!ReadDialled(user, &dialled)) return false;
  const std::string_view digits = dialled.digits.view();
  return std::any_of(numbers_, numbers_ + size_, [digits](const core::BoundedText<8>& number) {
    if (digits == number.view()) return true;
    return digits.starts_with('1') && digits.substr(1) == number.view();
  });
}

}  // namespace sbc

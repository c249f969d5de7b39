#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bounded_text.h"

namespace sbc {

/// An ISO 3166-1 alpha-2 country code, as `CallingRegions` and the call records write it.
///
/// Shape: two capitals; the default value is no country, which no list of regions names.
struct Country {
  char letters[2] = {};

  /// Errors: false, and `*country` untouched, unless `text` is two letters.
  [[nodiscard]] static bool Parse(std::string_view text, Country* country);
  constexpr bool known() const { return letters[0] != '\0'; }
  std::string_view view() const& { return {letters, known() ? 2u : 0u}; }
  std::string_view view() && = delete;
  friend bool operator==(const Country&, const Country&) = default;
};

/// A number of the public telephone network: '+' and 7 to 15 digits (ITU-T E.164; no country's are
/// shorter).
using E164 = core::BoundedText<16>;

/// What a number without an international prefix means where it was dialled.
enum class HomePlan : uint8_t {
  kInternational,  // It is E.164 whose '+' got lost.
  kNanp,           // Ten digits lack +1, and 011 is an international prefix too.
};

/// The E.164 number that the user part of a URI stands for: escapes, visual separators (RFC 3966
/// §5.1.1) and parameters taken off, and an international prefix (+, 00, and 011 under kNanp)
/// turned into '+'. Without a prefix, kNanp reads ten digits as +1 and them; other digits are E.164
/// whose '+' is missing, if they are too many for an extension (kBareDigitsMin).
///
/// Errors: false, and `*number` untouched, for anything that is not such a number: an extension, a
///         name, an emergency number, a +1 number without its ten digits.
inline constexpr size_t kBareDigitsMin = 8;
[[nodiscard]] bool NormaliseE164(std::string_view user, HomePlan home, E164* number);

/// The country that a number belongs to, from ITU country codes and the area codes of those that
/// are shared (+1, +7, +44, +61, ...; sbc/country_codes.h). The table is ours: libphonenumber,
/// which the tests hold it against, allocates on each look-up and brings ICU and protobuf with it.
///
/// Shape:  `e164` as NormaliseE164() leaves it. A look-up allocates nothing.
/// Errors: no country, where the number belongs to none (satellite, universal freephone) or to a
///         code that is not assigned. Who filters by country refuses these.
Country CountryOf(std::string_view e164);
/// Whether CountryOf() can ever say this country.
bool HasNumbers(const Country& country);

/// Numbers that must get through (rule 6): never refused for region, caller ID, rate or load.
///
/// Shape:  a few short numbers, matched as dialled, or with '+', +1 or 1 before them.
/// Errors: Add() is false unless the number is 2 to 8 digits.
class EmergencyNumbers {
 public:
  static constexpr size_t kNumbersMax = 16;

  /// 911, and 933, by which AWS lets the address on file be tested.
  static EmergencyNumbers Default();

  [[nodiscard]] bool Add(std::string_view number);
  bool Contains(std::string_view user) const;
  size_t size() const { return size_; }
  std::string_view number(size_t index) const& { return numbers_[index].view(); }

 private:
  core::BoundedText<8> numbers_[kNumbersMax];
  size_t size_ = 0;
};

}  // namespace sbc

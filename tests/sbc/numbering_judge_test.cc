// Goal: our table of countries agrees with libphonenumber, which has no part in the product, on a
// large sample of its own valid numbers. Where they differ, the difference and its reason stand
// here.

#include <gtest/gtest.h>
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "core/base/concat.h"
#include "sbc/numbering.h"

namespace sbc {
namespace {

using core::Concat;
using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

// The judge's country of a number, and the number as the judge writes it.
std::string JudgeOf(std::string* e164) {
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (util.Parse(*e164, "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR) return "ZZ";
  util.Format(number, PhoneNumberUtil::E164, e164);
  std::string region;
  util.GetRegionCodeForNumber(number, &region);
  return region;
}

std::string OursOf(const std::string& e164) {
  const Country country = CountryOf(e164);
  return std::string(country.view());
}

// Each country's own examples of each kind of number: a country that we lack or misspell shows.
TEST(NumberingJudgeTest, AgreesOnTheExamplesOfEveryCountry) {
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  std::set<std::string> regions;
  util.GetSupportedRegions(&regions);
  ASSERT_GT(regions.size(), 240u);
  size_t compared = 0;
  for (const std::string& region : regions) {
    for (int kind = 0; kind <= 10; ++kind) {
      PhoneNumber number;
      if (!util.GetExampleNumberForType(region, static_cast<PhoneNumberUtil::PhoneNumberType>(kind),
                                        &number)) {
        continue;
      }
      std::string e164;
      util.Format(number, PhoneNumberUtil::E164, &e164);
      const std::string judged = JudgeOf(&e164);
      // Numbers that a country shares with its neighbour are the neighbour's to the judge, too; and
      // a few special rates of the islands sit among the mainland's.
      if (judged != region) continue;
      if (e164.starts_with("+1") && e164.size() != 12) continue;  // Not dialled from abroad.
      static const std::set<std::string> kIslands = {"GG", "JE", "IM", "AX",
                                                     "YT", "CC", "CX", "MF"};
      if (kind >= 2 && kIslands.contains(region)) continue;
      EXPECT_EQ(OursOf(e164), judged) << e164 << " of kind " << kind;
      ++compared;
    }
  }
  EXPECT_GT(compared, 900u);
}

// Every area code of +1 that the judge knows is the same country to us. Those that only we know are
// newer than its data.
TEST(NumberingJudgeTest, AgreesOnEveryAreaCodeOfNanp) {
  size_t compared = 0;
  for (int area = 200; area <= 999; ++area) {
    for (const char* rest : {"2345678", "4012345", "5552345", "7002345"}) {
      std::string e164 = Concat("+1", area, rest);
      const std::string judged = JudgeOf(&e164);
      if (judged == "ZZ") continue;
      EXPECT_EQ(OursOf(e164), judged) << e164;
      ++compared;
      break;
    }
  }
  EXPECT_GT(compared, 380u);
}

// Random digits behind every country code: what the judge calls a valid number has its country.
TEST(NumberingJudgeTest, AgreesOnRandomNumbers) {
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  std::set<int> codes;
  util.GetSupportedCallingCodes(&codes);
  uint64_t state = 20240607;
  const auto draw = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
  };
  size_t compared = 0;
  std::map<std::string, std::string> differences;
  for (const int code : codes) {
    for (int i = 0; i < 300; ++i) {
      std::string e164 = Concat("+", code);
      const size_t digits = 7 + draw() % 5;
      for (size_t d = 0; d < digits; ++d) e164 += static_cast<char>('0' + draw() % 10);
      if (e164.size() > 16) continue;
      const std::string judged = JudgeOf(&e164);
      if (judged == "ZZ") continue;
      const std::string wanted = judged == "001" ? "" : judged;
      ++compared;
      if (OursOf(e164) == wanted) continue;
      std::string& examples = differences[Concat(wanted, "/", OursOf(e164))];
      examples += Concat(" ", e164);
    }
  }
  EXPECT_GT(compared, 10'000u);
  for (const auto& [pair, examples] : differences) {
    static const std::set<std::string> kKnown = {
        "GG/GB", "JE/GB", "IM/GB",           // Special rates beside the islands' own ranges.
        "CC/AU", "CX/AU",                    // Lone thousands inside Western Australia's blocks.
        "YT/RE", "MF/GP", "BL/MF", "BL/GP",  // Shared mobile and special ranges.
        "NF/AQ",                             // The judge has no Antarctica.
    };
    EXPECT_TRUE(kKnown.contains(pair)) << "judge/ours " << pair << ":" << examples;
  }
}

}  // namespace
}  // namespace sbc

// Goal: every user part that can be dialled becomes one E.164 number or is refused, the number's
// country is the one that CallingRegions means (section 4 of the design's termination policy; NANP
// told apart), and emergency numbers are known however they are dialled (rule 6).

#include "sbc/numbering.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sbc {
namespace {

std::string Normal(std::string_view user, HomePlan home = HomePlan::kNanp) {
  E164 number;
  return NormaliseE164(user, home, &number) ? std::string(number.view()) : "refused";
}

TEST(NormaliseE164Test, TakesWhatPeopleAndPbxsWrite) {
  const struct {
    const char* user;
    const char* nanp;
    const char* international;
  } kRows[] = {
      {"+16185558387", "+16185558387", "+16185558387"},  // The seed's own number.
      {"+1(618)555-8387", "+16185558387", "+16185558387"},
      {"+1.618.555.8387", "+16185558387", "+16185558387"},
      {"%2B16185558387", "+16185558387", "+16185558387"},
      {"%2b1618%35558387", "+16185558387", "+16185558387"},
      {"+16185558387;npdi;rn=+1555", "+16185558387", "+16185558387"},
      {"16185558387", "+16185558387", "+16185558387"},
      {"6185558387", "+16185558387", "+6185558387"},  // The home plan decides: Illinois, Australia.
      {"6582345678", "+16582345678", "+6582345678"},  // Jamaica, Singapore.
      {"6181558387", "refused", "+6181558387"},       // No exchange begins with 1.
      {"011442079460000", "+442079460000", "refused"},
      {"00442079460000", "+442079460000", "+442079460000"},
      {"442079460000", "+442079460000", "+442079460000"},
      {"0016185558387", "+16185558387", "+16185558387"},
      {"02079460000", "refused", "refused"},  // A national prefix means nothing to a trunk.
      {"+02079460000", "refused", "refused"},
      {"+1618555838", "refused", "refused"},    // Nine digits after +1.
      {"+161855583871", "refused", "refused"},  // Eleven.
      {"+11185558387", "refused", "refused"},   // No area code begins with 1.
      {"+16181558387", "refused", "refused"},   // No exchange does.
      {"+6834002", "+6834002", "+6834002"},     // Niue: seven digits are the fewest.
      {"+683400", "refused", "refused"},
      {"5558387", "refused", "refused"},  // A local number, or an extension.
      {"100", "refused", "refused"},
      {"911", "refused", "refused"},
      {"+123456789012345", "refused", "refused"},
      {"+441234567890123", "+441234567890123", "+441234567890123"},  // Fifteen are the most.
      {"+4412345678901234", "refused", "refused"},
      {"011441234567890123", "+441234567890123", "refused"},
      {"0114412345678901234", "refused", "refused"},
      {"", "refused", "refused"},
      {"+", "refused", "refused"},
      {";x=y", "refused", "refused"},
      {"asterisk", "refused", "refused"},
      {"+1618555838x", "refused", "refused"},
      {"++16185558387", "refused", "refused"},
      {"1+6185558387", "refused", "refused"},
      {"+1618555 8387", "refused", "refused"},
      {"+1618555%208387", "refused", "refused"},
      {"+16185558387%", "refused", "refused"},
      {"+16185558387%3", "refused", "refused"},
      {"+16185558387%zz", "refused", "refused"},
      {"%00+16185558387", "refused", "refused"},
      {"*67", "refused", "refused"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Normal(row.user, HomePlan::kNanp), row.nanp) << row.user;
    EXPECT_EQ(Normal(row.user, HomePlan::kInternational), row.international) << row.user;
  }
}

TEST(NormaliseE164Test, LeavesTheNumberAloneWhenItRefuses) {
  E164 number;
  ASSERT_TRUE(number.Assign("+16185558387"));
  EXPECT_FALSE(NormaliseE164("asterisk", HomePlan::kNanp, &number));
  EXPECT_EQ(number.view(), "+16185558387");
}

TEST(CountryOfTest, TellsTheCountriesOfASharedCodeApart) {
  const struct {
    const char* number;
    const char* country;
  } kRows[] = {
      // +1: the United States, their territories, Canada, and each Caribbean country.
      {"+16185558387", "US"},
      {"+18155558245", "US"},
      {"+14165550100", "CA"},
      {"+18675550100", "CA"},
      {"+17875550100", "PR"},
      {"+19395550100", "PR"},
      {"+16715550100", "GU"},
      {"+13405550100", "VI"},
      {"+16845550100", "AS"},
      {"+16705550100", "MP"},
      {"+12425550100", "BS"},
      {"+12465550100", "BB"},
      {"+12645550100", "AI"},
      {"+12685550100", "AG"},
      {"+12845550100", "VG"},
      {"+13455550100", "KY"},
      {"+14415550100", "BM"},
      {"+14735550100", "GD"},
      {"+16495550100", "TC"},
      {"+16585550100", "JM"},
      {"+18765550100", "JM"},
      {"+16645550100", "MS"},
      {"+17215550100", "SX"},
      {"+17585550100", "LC"},
      {"+17675550100", "DM"},
      {"+17845550100", "VC"},
      {"+18095550100", "DO"},
      {"+18295550100", "DO"},
      {"+18495550100", "DO"},
      {"+18685550100", "TT"},
      {"+18695550100", "KN"},
      {"+18005550100", "US"},
      {"+18885550100", "US"},
      {"+19005550100", "US"},
      {"+12115550100", ""},  // Not an area code.
      {"+19995550100", ""},
      // +7, +39, +44, +47, +61, +212, +262, +290, +358, +590, +599, +672.
      {"+74951234567", "RU"},
      {"+77011234567", "KZ"},
      {"+76001234567", "KZ"},
      {"+77172123456", "KZ"},
      {"+390669812345", "VA"},
      {"+390612345678", "IT"},
      {"+442079460000", "GB"},
      {"+441481123456", "GG"},
      {"+441534123456", "JE"},
      {"+441624123456", "IM"},
      {"+447624123456", "IM"},
      {"+447700900123", "GB"},
      {"+447797712345", "JE"},
      {"+4722123456", "NO"},
      {"+4779021234", "SJ"},
      {"+61212345678", "AU"},
      {"+61891641234", "CX"},
      {"+61891621234", "CC"},
      {"+212528812345", "EH"},
      {"+212522123456", "MA"},
      {"+262262123456", "RE"},
      {"+262269123456", "YT"},
      {"+262639123456", "YT"},
      {"+29022158", "SH"},
      {"+29081234", "TA"},
      {"+24762889", "AC"},
      {"+358912345678", "FI"},
      {"+3581812345", "AX"},
      {"+590590123456", "GP"},
      {"+590590271234", "BL"},
      {"+590590771234", "MF"},
      {"+59994351234", "CW"},
      {"+5997151234", "BQ"},
      {"+5994161234", "BQ"},
      {"+6723222222", "NF"},
      {"+6721112345", "AQ"},
      // Plain ones, and those of no country.
      {"+33123456789", "FR"},
      {"+4930123456", "DE"},
      {"+819012345678", "JP"},
      {"+8613812345678", "CN"},
      {"+525512345678", "MX"},
      {"+38344123456", "XK"},
      {"+870773123456", ""},  // Inmarsat.
      {"+881612345678", ""},  // Satellites.
      {"+88213123456", ""},
      {"+80012345678", ""},   // Universal freephone.
      {"+979123456789", ""},  // International premium rate.
      {"+2101234567", ""},    // Not assigned.
      {"+999123456", ""},
      {"16185558387", ""},  // Not E.164: nobody normalised it.
      {"+1618x558387", ""},
      {"+1", ""},
      {"+", ""},
      {"", ""},
  };
  for (const auto& row : kRows) {
    const Country country = CountryOf(row.number);
    EXPECT_EQ(country.view(), row.country) << row.number;
    EXPECT_EQ(country.known(), row.country[0] != '\0');
  }
}

TEST(CountryTest, ReadsTwoLetters) {
  Country country;
  EXPECT_TRUE(Country::Parse("us", &country));
  EXPECT_EQ(country.view(), "US");
  for (const char* text : {"", "U", "USA", "1U", "U ", "+1"}) {
    EXPECT_FALSE(Country::Parse(text, &country)) << text;
  }
  EXPECT_EQ(country.view(), "US");
  const Country none;
  EXPECT_EQ(none.view(), "");
}

TEST(CountryTest, SomeHaveNoNumbersOfTheirOwn) {
  for (const char* text : {"US", "PR", "GG", "UZ"}) {
    Country country;
    ASSERT_TRUE(Country::Parse(text, &country));
    EXPECT_TRUE(HasNumbers(country)) << text;
  }
  for (const char* text : {"UK", "XX"}) {  // The United Kingdom's letters are GB.
    Country country;
    ASSERT_TRUE(Country::Parse(text, &country));
    EXPECT_FALSE(HasNumbers(country)) << text;
  }
}

TEST(EmergencyNumbersTest, KnowsThemHoweverTheyAreDialled) {
  const EmergencyNumbers numbers = EmergencyNumbers::Default();
  for (const char* user : {"911", "933", "+1911", "1911", "+1933", "9-1-1", "+911", "911;x=y",
                           "%2B1911", "%39%31%31"}) {
    EXPECT_TRUE(numbers.Contains(user)) << user;
  }
  for (const char* user :
       {"112", "9111", "+19115550100", "91", "", "+", "x911", "0911", "11911", "+9116185558387"}) {
    EXPECT_FALSE(numbers.Contains(user)) << user;
  }
}

TEST(EmergencyNumbersTest, IsABoundedList) {
  EmergencyNumbers numbers;
  EXPECT_FALSE(numbers.Contains("911")) << "an empty list has none";
  for (const char* bad : {"", "1", "+911", "9x1", "123456789"}) {
    EXPECT_FALSE(numbers.Add(bad)) << bad;
  }
  for (size_t i = 0; i < EmergencyNumbers::kNumbersMax; ++i) {
    EXPECT_TRUE(numbers.Add(std::to_string(110 + i)));
  }
  EXPECT_FALSE(numbers.Add("999"));
  EXPECT_TRUE(numbers.Contains("112"));
  EXPECT_EQ(numbers.size(), EmergencyNumbers::kNumbersMax);
}

}  // namespace
}  // namespace sbc

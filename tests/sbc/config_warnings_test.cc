// Goal: what a configuration may say but probably does not mean is told at start, with its place,
// and is not in the way (rules 1, 5 and 12; packet core, rule 11).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "sbc/config.h"

namespace sbc {
namespace {

using core::Concat;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kListeners = R"(
listeners:
  - {side: customer, address: 127.0.0.2}
  - {side: trunk, address: 127.0.0.3, advertise: 203.0.113.10}
)";

Config Read(std::string_view text) {
  absl::StatusOr<Config> config = ParseConfig(text, "tests/corpus/seed/sbc.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  CHECK(config.ok());
  return std::move(*config);
}

struct Row {
  const char* text;
  const char* warning;
};
void ExpectWarning(const Row& row) {
  const Config config = Read(Concat(kListeners, row.text, "\n"));
  EXPECT_THAT(config.warnings, ::testing::Contains(HasSubstr(row.warning))) << row.text;
}

TEST(ConfigWarningsTest, WarnsOfWhatIsProbablyNotMeant) {
  const Row kRows[] = {
      {"connectors: [{id: a, termination: {file: termination.json}}]",  // Rule 5.
       "tests/corpus/seed/termination.json:2: connectors[0].termination.Termination: CpsLimit is "
       "0: no limit of ours, but the trunk's own default quota is 1 call a second"},
      {"connectors: [{id: a, termination: {CallingRegions: [US], CidrAllowedList: "
       "[203.0.112.0/24]}}]",
       "connectors[0].termination.CidrAllowedList[0]: wider than the /27 that AWS takes"},
      {"connectors: [{id: a, termination: {CallingRegions: [UK]}}]",
       "connectors[0].termination.CallingRegions[0]: no numbers of such a country are known"},
      {"connectors: [{id: a, termination: {CpsLimit: 1}}]",
       "connectors[0].termination: CallingRegions names no country: every call towards the trunk "
       "is refused"},
      {"connectors: [{id: a, termination: {CpsLimit: 1}}]",
       "connectors[0]: nobody is allowed to call towards the trunk: CidrAllowedList is empty"},
      {"connectors: [{id: a}]",
       "connectors[0]: no `termination`: calls towards the trunk are refused as disabled"},
      {"connectors: [{id: a}]",
       "connectors[0]: no `origination`: calls from the trunk are refused as disabled"},
      {"connectors: [{id: a, origination: {Routes: []}}]",
       "connectors[0]: no routes: calls from the trunk are refused"},
      {"connectors: [{id: a, routes: [{host: a}, {host: b}, {host: c}, {host: d}, {host: e}, "
       "{host: f}, {host: g}, {host: h}, {host: i}, {host: j}, {host: k}]}]",
       "connectors[0].routes: 11 routes; AWS documents a limit of 10 and of 20"},
      {"connectors: [{id: a, customers: [{cidrs: [0.0.0.0/0]}]}]",
       "connectors[0].customers[0].cidrs[0]: this admits every address there is"},
      {"connectors: [{id: a, termination: {CallingRegions: [US], CidrAllowedList: "
       "[203.0.113.10/32]}}]",
       "connectors[0].termination.CidrAllowedList[0]: 203.0.113.10/32 is our own address: name the "
       "PBXs in `customers`"},
      {"connectors: [{id: a, routes: [{host: \"2001:db8::1\"}]}]",
       "connectors[0].routes[0]: 2001:db8::1 cannot be reached: no listener of side customer has "
       "an "
       "IPv6 address"},
      {"connectors: [{id: a}]\nrejections: {cidr: 403}",
       "rejections.cidr: for sources that may reach us, as routes may; all others get silence"},
      {"connectors: [{id: a, phone_numbers: [\"+16185558387\"]}, {id: b, phone_numbers: "
       "[\"+16185558387\"]}]",
       "connectors[1]: phone_numbers: +16185558387 is another connector's too; calls to it that "
       "name no connector are refused as unknown_number"},
      {"connectors: [{id: a, logging: {EnableMediaMetricLogs: true}}]",
       "connectors[0].logging: EnableMediaMetricLogs has no effect without `media`: RTP does not "
       "pass here"},
      {"connectors: [{id: a, logging: {EnableMediaMetricLogs: true}}]\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
       "connectors[0].logging: has no effect without `logs: {directory}`"},
      {"connectors: [{id: a, logging: {EnableSIPLogs: true}}]",
       "connectors[0].logging: has no effect without `logs: {directory}`"},
      {"connectors: [{id: a, trunk: {media_cidrs: [10.0.0.0/8]}}]",
       "connectors[0].trunk.media_cidrs: has no effect without `media`: RTP does not pass here"},
      {"connectors: [{id: a, trunk: {media_cidrs: [10.0.0.0/8]}}]\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
       "connectors[0].trunk.media_cidrs: has no effect on shared ports, where only its address and "
       "port tell a call's media; `shared: false` for side trunk would let it"},
      {"connectors: [{id: a}]\nlogs: {directory: no/such/folder}",
       "logs.directory: tests/corpus/seed/no/such/folder: No such file or directory; without it "
       "there is no start"},
      {"connectors: [{id: a, dtmf: info}]",
       "connectors[0].dtmf: has no effect without `media`: RTP does not pass here"},
      {"connectors: [{id: a, codecs: [PCMU]}]",
       "connectors[0].codecs: has no effect without `media`: RTP does not pass here"},
      {"connectors: [{id: a, video: relay}]",
       "connectors[0].video: has no effect without `media`: RTP does not pass here"},
      {"connectors: [{id: a, media_timeout: 1s}]",
       "connectors[0].media_timeout: has no effect without `media`: RTP does not pass here"},
      {"connectors: [{id: a, phone_numbers: [\"+16185558387\"], termination: {CpsLimit: 1, "
       "CallingRegions: [US], CidrAllowedList: [10.0.0.0/24], Disabled: false, "
       "DefaultPhoneNumber: \"+16185558388\"}}]",
       "DefaultPhoneNumber +16185558388 is not among phone_numbers, so every call to the trunk is "
       "refused as caller_id"},
      {"connectors: [{id: a}]\nadmin: {address: 0.0.0.0}",
       "admin.address: anyone who reaches this address may read and command; it has no passwords"},
      {"connectors: [{id: a}]\nemergency: {numbers: []}",
       "emergency.numbers: no number is an emergency: all calls can be refused"},
  };
  for (const Row& row : kRows) ExpectWarning(row);
}

// A side wants ports for its calls, and for those that rest after them.
TEST(ConfigWarningsTest, WarnsOfPortsThatDoNotSuffice) {
  const Row kRows[] = {
      {"connectors: [{id: a}]\nmedia: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
       "media: side customer has 500 pairs of IPv4 ports and wants 25000: 20000 calls "
       "(limits.calls) have 20000, and a pair rests 10 s after its call, so at R call attempts a "
       "second 10 x R more rest; R is taken as 500, for calls of 40 s, as limits.calls_per_second "
       "is not set"},
      // What calls have is there, and what rests is not.
      {"connectors: [{id: a}]\nlimits: {calls: 500}\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
       "media: side customer has 500 pairs of IPv4 ports and wants 630: 500 calls "},
      {"connectors: [{id: a}]\nlimits: {calls: 200, calls_per_second: 40}\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999, shared: false}]",
       "media: side trunk has 500 pairs of IPv4 ports and wants 600: 200 calls (limits.calls) have "
       "200, and a pair rests 10 s after its call, so at R call attempts a second 10 x R more "
       "rest; R is 40 (limits.calls_per_second)"},
      // A call has ports of one family, so each family wants enough.
      {"connectors: [{id: a}]\nlimits: {calls: 100}\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: customer, address: \"::1\", ports: 20000-20199}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
       "media: side customer has 100 pairs of IPv6 ports and wants 130: "},
      {"connectors: [{id: a}]\nlimits: {calls: 100}\nnode: {workers: 3}\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20003}]",
       "media: side trunk has fewer pairs of IPv4 ports than node.workers, 3: a worker without one "
       "refuses its calls"},
      // Each worker has a quarter of the ports, and a call's hash picks the worker.
      {"connectors: [{id: a}]\nnode: {workers: 4}\nlimits: {calls: 500}\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
       "media: side customer has 500 pairs of IPv4 ports and wants 810: 500 calls (limits.calls) "
       "on "
       "4 workers, whose parts are uneven, have 680, and a pair rests"},
      {"connectors: [{id: a, video: relay}]\nlimits: {calls: 400}\n"
       "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
       "{side: trunk, address: 127.0.0.3, ports: 20000-20999}]",
       "media: side customer has 500 pairs of IPv4 ports and wants 1000: 400 calls (limits.calls) "
       "with video have 800, and a pair rests 10 s after its call, so at R call attempts a second "
       "20 x R more rest; R is taken as 10, for calls of 40 s, as limits.calls_per_second is not "
       "set"},
  };
  for (const Row& row : kRows) ExpectWarning(row);
}

// Two lists are sound each by itself.
TEST(ConfigWarningsTest, WarnsWhenNoCodecIsOnBothSides) {
  constexpr std::string_view kMedia =
      "media: [{side: customer, address: 127.0.0.2, ports: 20000-39999}, "
      "{side: trunk, address: 127.0.0.3, ports: 20000-39999}]\n";
  constexpr std::string_view kText =
      "connectors[0].codecs: the two sides have no codec in common, and nothing is transcoded: no "
      "call can have voice";
  const std::pair<std::string_view, bool> kRows[] = {
      {"{trunk: [PCMU], customer: [PCMA, G722]}", true},
      {"{trunk: [PCMU], customer: [PCMA, PCMU]}", false},
      {"{trunk: [PCMU]}", false},
      {"[G729]", false},
  };
  for (const auto& [codecs, is_warned] : kRows) {
    const std::vector<std::string> warnings =
        Read(Concat(kListeners, "connectors: [{id: a, codecs: ", codecs, "}]\n", kMedia)).warnings;
    const bool is_there = std::any_of(warnings.begin(), warnings.end(), [&](const auto& each) {
      return each.find(kText) != std::string::npos;
    });
    EXPECT_EQ(is_there, is_warned) << codecs;
  }
}

// What is counted is what a start opens: the whole ranges, whatever the number of calls.
TEST(ConfigWarningsTest, WarnsWhenCallsExceedDescriptors) {
  const struct {
    const char* text;
    rlim_t files;
  } kRows[] = {
      // 32,256 pairs of each side; two listeners; 512 for all else.
      {"limits: {calls: 1000000}\n"
       "media: [{side: customer, address: 127.0.0.4, ports: 1024-65535}, "
       "{side: trunk, address: 127.0.0.6, ports: 1024-65535, shared: false}]",
       129'538},
      // An operator's: a pair of each side's for 5,000 calls, and a quarter more.
      {"limits: {calls: 5000}\n"
       "media: [{side: customer, address: 127.0.0.4, ports: 20000-32499}, "
       "{side: trunk, address: 127.0.0.5, ports: 20000-32499, shared: false}]",
       25'514},
  };
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  for (const auto& row : kRows) {
    const Config config = Read(Concat(kListeners, row.text, "\nconnectors: [{id: a}]\n"));
    const std::string wanted =
        Concat("media: with these ports a start wants ", row.files,
               " descriptors, and the hard limit of open files is ", limit.rlim_max);
    const bool warned = std::any_of(
        config.warnings.begin(), config.warnings.end(),
        [&](const std::string& warning) { return warning.find(wanted) != std::string::npos; });
    EXPECT_EQ(warned, limit.rlim_max < row.files) << row.text;
  }
}

// Several ranges of one side are one supply, and shared ports do not run out.
TEST(ConfigWarningsTest, PortsThatSufficeAreNotWarnedOf) {
  for (const char* text : {
           "limits: {calls: 400}\n"
           "media: [{side: customer, address: 127.0.0.2, ports: 20000-20999}, "
           "{side: trunk, address: 127.0.0.3, ports: 20000-20001}]",
           "limits: {calls: 200, calls_per_second: 30}\n"
           "media: [{side: customer, address: 127.0.0.2, ports: 20000-20499}, "
           "{side: customer, address: 127.0.0.2, ports: 20500-20999}, "
           "{side: trunk, address: 127.0.0.3, ports: 20000-20999, shared: false}]",
       }) {
    const Config config = Read(Concat(kListeners, text, R"(
connectors:
  - id: abc
    termination: {CpsLimit: 1, CallingRegions: [US], CidrAllowedList: [198.51.100.204/32]}
    origination: {Routes: [{Host: 198.51.100.204}]}
)"));
    EXPECT_THAT(config.warnings, IsEmpty()) << text;
  }
}

// What an operator starts from carries the calls that it says.
TEST(ConfigWarningsTest, WhatIsShownHasPortsForItsCalls) {
  const auto read = [](const char* path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  std::string readme = read("README.md");
  readme.erase(0, readme.find("```yaml\n") + 8);
  readme.erase(readme.find("```"));
  // The example shows `media` as a comment, for so many calls.
  std::string example = read("deploy/config/sbc-example.yaml");
  for (const auto& [from, to] :
       {std::pair("# limits: {calls: 20000,", "limits: {calls: 5000,"),
        std::pair("# media:", "media:"),
        std::pair("#   - {side: customer, address", "  - {side: customer, address"),
        std::pair("#   - {side: trunk, address", "  - {side: trunk, address")}) {
    ASSERT_NE(example.find(from), std::string::npos) << from;
    example.replace(example.find(from), std::string_view(from).size(), to);
  }
  for (const std::string& text : {readme, example}) {
    const Config config = Read(text);
    EXPECT_EQ(config.media.size(), 2u) << text;
    EXPECT_EQ(config.limits.calls, 5000u);
    EXPECT_THAT(config.warnings, ::testing::Not(::testing::Contains(HasSubstr(" pairs of "))));
  }
}

TEST(ConfigWarningsTest, ACleanConfigurationHasNoWarnings) {
  const Config config = Read(Concat(kListeners, R"(
connectors:
  - id: abc
    termination: {CpsLimit: 1, CallingRegions: [US], CidrAllowedList: [198.51.100.204/32]}
    origination: {Routes: [{Host: 198.51.100.204}]}
)"));
  EXPECT_THAT(config.warnings, IsEmpty());
}

}  // namespace
}  // namespace sbc

// The command line is SIPp's: names, defaults, units and the remote host anywhere. Each refusal
// names the option, the value and what was wanted.

#include "loadgen/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/concat.h"

namespace loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using namespace std::chrono_literals;

Options Parse(std::vector<const char*> arguments) {
  absl::StatusOr<Options> options = ParseOptions(arguments);
  EXPECT_TRUE(options.ok()) << options.status();
  return options.ok() ? *std::move(options) : Options{};
}
std::string Error(std::vector<const char*> arguments) {
  return std::string(ParseOptions(arguments).status().message());
}

TEST(OptionsTest, Defaults) {
  const Options options = Parse({});
  EXPECT_EQ(options.scenario_name, "uac");
  EXPECT_EQ(options.rate, 10);
  EXPECT_EQ(options.rate_period, 1s);
  EXPECT_EQ(options.calls, 0u);
  EXPECT_EQ(options.service, "service");
  EXPECT_EQ(options.remote_port, 5060);
  EXPECT_EQ(options.stat_interval, 60s);
  EXPECT_EQ(options.users, -1);
  EXPECT_EQ(options.invite_retransmits_max, 5);
  EXPECT_EQ(options.other_retransmits_max, 9);
  EXPECT_TRUE(options.retransmit);
  EXPECT_TRUE(options.behaviors.bye && options.behaviors.abort);
}

TEST(OptionsTest, ASippCommandLine) {
  const Options options = Parse({"-sf",
                                 "a.xml",
                                 "-r",
                                 "2.5",
                                 "-rp",
                                 "2000",
                                 "127.0.0.1:5070",
                                 "-m",
                                 "100",
                                 "-l",
                                 "20",
                                 "-d",
                                 "1500",
                                 "-s",
                                 "alice",
                                 "-i",
                                 "::1",
                                 "-p",
                                 "5080",
                                 "-t",
                                 "u1",
                                 "-inf",
                                 "f.csv",
                                 "-inf",
                                 "g.csv",
                                 "-key",
                                 "a",
                                 "1",
                                 "-key",
                                 "b",
                                 "",
                                 "-set",
                                 "v",
                                 "x",
                                 "-timeout",
                                 "20",
                                 "-timeout_error",
                                 "-trace_stat",
                                 "-fd",
                                 "5",
                                 "-stf",
                                 "s.csv",
                                 "-trace_err",
                                 "-trace_msg",
                                 "-nostdin",
                                 "-bg",
                                 "-aa",
                                 "-rsa",
                                 "[::1]:5090",
                                 "-rate_increase",
                                 "5",
                                 "-rate_max",
                                 "100"});
  EXPECT_EQ(options.scenario_file, "a.xml");
  EXPECT_EQ(options.rate, 2.5);
  EXPECT_EQ(options.rate_period, 2s);
  EXPECT_EQ(options.remote_host, "127.0.0.1");
  EXPECT_EQ(options.remote_port, 5070);
  EXPECT_EQ(options.calls, 100u);
  EXPECT_EQ(options.calls_at_once, 20u);
  EXPECT_EQ(options.call_duration, 1500ms);
  EXPECT_EQ(options.local_ip, "::1");
  EXPECT_EQ(options.local_port, 5080);
  EXPECT_THAT(options.injection_files, ElementsAre("f.csv", "g.csv"));
  EXPECT_THAT(options.keys, ElementsAre(Pair("a", "1"), Pair("b", "")));
  EXPECT_THAT(options.sets, ElementsAre(Pair("v", "x")));
  EXPECT_EQ(options.timeout, 20s);
  EXPECT_TRUE(options.timeout_is_error);
  EXPECT_TRUE(options.trace_stat && options.trace_errors && options.trace_messages);
  EXPECT_EQ(options.stat_interval, 5s);
  EXPECT_EQ(options.stat_file, "s.csv");
  EXPECT_TRUE(options.background && options.auto_answer && !options.reads_keys);
  EXPECT_EQ(options.send_host, "::1");
  EXPECT_EQ(options.send_port, 5090);
  EXPECT_EQ(options.rate_increase, 5);
  EXPECT_EQ(options.rate_max, 100);
}

TEST(OptionsTest, TwoDashesAndOurOwn) {
  const Options options = Parse({"--sn", "uas", "--json", "o.json", "--workers", "2", "--seed", "7",
                                 "--latency_budget", "500"});
  EXPECT_EQ(options.scenario_name, "uas");
  EXPECT_EQ(options.json_file, "o.json");
  EXPECT_EQ(options.workers, 2);
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.latency_budget, 500us);
}

TEST(OptionsTest, Durations) {
  EXPECT_EQ(*ParseDuration("20", 1s), 20s);
  EXPECT_EQ(*ParseDuration("1.5s", 1ms), 1500ms);
  EXPECT_EQ(*ParseDuration("250ms", 1s), 250ms);
  EXPECT_EQ(*ParseDuration("2m", 1ms), 2min);
  EXPECT_EQ(*ParseDuration("1h", 1ms), 1h);
  for (const char* bad : {"", "s", "00:01:00", "-1", "1 d", "1e40", "nan"}) {
    EXPECT_FALSE(ParseDuration(bad, 1s).ok()) << bad;
  }
}

TEST(OptionsTest, Behaviors) {
  const Options some = Parse({"-default_behaviors", "all,-bye,-cseq"});
  EXPECT_FALSE(some.behaviors.bye || some.behaviors.cseq);
  EXPECT_TRUE(some.behaviors.abort && some.behaviors.ping_reply);
  const Options one = Parse({"-default_behaviors", "none,bye"});
  EXPECT_TRUE(one.behaviors.bye);
  EXPECT_FALSE(one.behaviors.abort);
  EXPECT_FALSE(Parse({"-nd"}).behaviors.bye);
}

TEST(OptionsTest, RetransmitsForBoth) {
  const Options options = Parse({"-max_retrans", "3", "-max_invite_retrans", "4"});
  EXPECT_EQ(options.invite_retransmits_max, 4);
  EXPECT_EQ(options.other_retransmits_max, 3);
}

TEST(OptionsTest, SaysWhatIsWrong) {
  EXPECT_EQ(Error({"-foo"}), "-foo: unknown option; wanted one of those that -h lists");
  EXPECT_EQ(Error({"-srtpcheck_debug"}), "-srtpcheck_debug: not supported yet");
  EXPECT_THAT(Error({"-mp", "0"}), HasSubstr("wanted a whole number, 1 to 65535"));
  EXPECT_EQ(Error({"-t", "t1"}), "-t t1: not supported yet; wanted u1");
  EXPECT_THAT(Error({"-t", "x9"}), HasSubstr("unknown transport"));
  EXPECT_EQ(Error({"-ip_field", "1"}), "-ip_field: not supported yet");
  EXPECT_EQ(Error({"-r", "abc"}), "-r abc: wanted a number, 0 to 10000000");
  EXPECT_EQ(Error({"-p", "70000"}), "-p 70000: wanted a whole number, 0 to 65535");
  EXPECT_EQ(Error({"-key", "a"}), "-key: wanted NAME VALUE behind it");
  EXPECT_EQ(Error({"-m", "0"}), "-m 0: wanted a whole number, 1 to 9223372036854775807");
  EXPECT_THAT(Error({"-d", "1x"}), HasSubstr("-d 1x: wanted a time, as in 20, 500ms"));
  EXPECT_THAT(Error({"-rp", "0"}), HasSubstr("above 0"));
  EXPECT_THAT(Error({"a", "b"}), HasSubstr("\"b\": wanted one remote host"));
  EXPECT_THAT(Error({"[::1"}), HasSubstr("wanted a ]"));
  EXPECT_THAT(Error({"h:0"}), HasSubstr("\"h:0\": wanted a whole number, 1 to 65535"));
  EXPECT_THAT(Error({"-default_behaviors", "some"}), HasSubstr("-default_behaviors some: wanted"));
  EXPECT_THAT(Error({"-workers", "0"}), HasSubstr("1 to 256"));
  for (const char* share : {"1.1", "-0.1", "nan", "x"}) {
    EXPECT_EQ(Error({"-audiotolerance", share}),
              core::Concat("-audiotolerance ", share, ": wanted a share, 0.0 to 1.0"));
  }
}

TEST(OptionsTest, WhatDoesNotGoTogether) {
  EXPECT_THAT(Error({"-sf", "a.xml", "-sn", "uas"}), HasSubstr("one of them"));
  EXPECT_THAT(Error({"-oocsf", "a.xml", "-oocsn", "ooc_default"}), HasSubstr("one of them"));
  EXPECT_THAT(Error({"-users", "3", "-l", "3"}), HasSubstr("one of them"));
  EXPECT_THAT(Error({"-infindex", "f.csv", "0"}), HasSubstr("wanted the base name of an -inf"));
  EXPECT_TRUE(
      ParseOptions(std::vector<const char*>{"-inf", "d/f.csv", "-infindex", "f.csv", "0"}).ok());
}

// Scripts give it to every run, those without -timeout too.
TEST(OptionsTest, TimeoutErrorAloneIsNoMistake) {
  EXPECT_TRUE(Parse({"-timeout_error"}).timeout_is_error);
}

// The help lists every option, and asking for it is no mistake whatever else is missing.
TEST(OptionsTest, Help) {
  EXPECT_TRUE(Parse({"-users", "3", "-l", "3", "-h"}).show_help);
  const std::string help = HelpText();
  for (const char* code : {" 0 ", " 1 ", " 97 ", "\n99 ", " 253 ", "254 ", " 255 "}) {
    EXPECT_THAT(help.substr(help.find("Exit codes:")), HasSubstr(code));
  }
  for (const char* name : {"-sf FILE", "-rate_increase RATE", "-key NAME VALUE", "-json FILE"}) {
    EXPECT_THAT(help, HasSubstr(name));
  }
}

}  // namespace
}  // namespace loadgen

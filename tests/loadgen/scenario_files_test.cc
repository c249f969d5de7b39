// The scenarios of this project load, and what they send is what a Voice Connector and a PBX send:
// the two INVITEs are held, line by line, against the two real ones of tests/corpus/seed.
//
// Where public scenarios are at hand ($SIPP_CORPUS), each loads or is refused with its place and a
// reason; the share that loads is printed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>

#include "core/base/concat.h"
#include "loadgen/scenario_loader.h"
#include "loadgen/text.h"
#include "tests/loadgen/template_fixture.h"
#include "tests/support/corpus.h"

namespace loadgen {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Scenario> Read(const std::string& path) {
  absl::StatusOr<std::unique_ptr<Scenario>> scenario = ReadScenario(path, {});
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? *std::move(scenario) : nullptr;
}

void Set(const Scenario& scenario, std::string_view name, std::string_view value,
         TemplateFixture* fixture) {
  const std::optional<VariableId> id = scenario.variables.Find(name);
  if (!id) return;
  const bool global = id->scope == VariableScope::kGlobal;
  VariableStore* store = global ? &fixture->global_store : &fixture->store;
  CHECK(store->SetText(id->index, VariableType::kString, value));
}

// The first INVITE that a scenario sends, with the variables that its first steps set.
std::string FirstInvite(const Scenario& scenario, TemplateFixture* fixture) {
  for (const Step& step : scenario.steps) {
    for (const Action& action : step.actions) {
      const auto* assign = std::get_if<AssignTextAction>(&action.what);
      if (assign == nullptr) continue;
      Set(scenario, scenario.variables.name(assign->assign_to), fixture->Render(assign->value),
          fixture);
    }
    if (const auto* send = std::get_if<SendStep>(&step.what)) {
      Set(scenario, "rtp_port", "6000", fixture);  // What an <ereg> of theirs finds.
      Set(scenario, "rtcp_port", "6001", fixture);
      return fixture->Render(send->message.message);
    }
  }
  return {};
}

/// The names of the header fields, and the lines of the body with their digits and hex as 0.
std::vector<std::string> Shape(std::string_view message) {
  std::vector<std::string> shape;
  bool body = false;
  for (std::string_view line : Split(message, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) body = true;
    std::string kept(body ? line : line.substr(0, line.find_first_of(" :")));
    if (!body) {
      shape.push_back(kept);
      continue;
    }
    std::string plain;
    for (const char c : kept) {
      const bool digit = c >= '0' && c <= '9';
      const bool address = c == '.';
      if (digit || address) {
        if (plain.empty() || plain.back() != '0') plain += '0';
      } else {
        plain += c;
      }
    }
    shape.push_back(plain);
  }
  return shape;
}

TEST(ScenarioFilesTest, AllLoad) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("scenarios")) {
    if (entry.path().extension() != ".xml") continue;
    ++count;
    const auto scenario = Read(entry.path().string());
    ASSERT_NE(scenario, nullptr);
    EXPECT_THAT(scenario->warnings, ::testing::IsEmpty());
    const std::string text = [&] {
      std::ifstream in(entry.path());
      return std::string{std::istreambuf_iterator<char>(in), {}};
    }();
    EXPECT_THAT(text.substr(0, 80), HasSubstr("RFC ")) << entry.path();
  }
  EXPECT_EQ(count, 36u);
}

TEST(ScenarioFilesTest, ConnectorsInviteHasTheRealOnesShape) {
  TemplateFixture fixture;
  const auto scenario = Read("scenarios/connector-inbound.xml");
  const std::string invite = FirstInvite(*scenario, &fixture);
  EXPECT_EQ(Shape(invite), Shape(ReadCorpus("seed/inbound-invite.sip"))) << invite;
  for (const char* line : {
           "INVITE sip:+16185558387@192.0.2.1:5060;transport=UDP SIP/2.0\r\n",
           "Record-Route: <sip:192.0.2.9:5070;lr;ftag=9eXmFya94711H3;did=c71.2ee3;nat=yes>\r\n",
           "Via: SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;branch=z9hG4bK",
           "From: <sip:+18155558245@10.0.58.47:5060>;tag=9eXmFya94711H3\r\n",
           "To: <sip:+16185558387@192.0.2.1:5060>;transport=UDP\r\n",
           "CSeq: 52215685 INVITE\r\n",
           "Contact: <sip:10.0.58.47:5060;alias=10.0.58.47~5060~1>\r\n",
           "X-VoiceConnector-ID: dr3rbaar376u5r4ntcnlq4\r\n",
       }) {
    EXPECT_THAT(invite, HasSubstr(line));
  }
}

TEST(ScenarioFilesTest, PbxsInviteHasTheRealOnesShape) {
  TemplateFixture fixture;
  const auto scenario = Read("scenarios/pbx-outbound.xml");
  const std::string invite = FirstInvite(*scenario, &fixture);
  EXPECT_EQ(Shape(invite), Shape(ReadCorpus("seed/outbound-invite.sip"))) << invite;
  EXPECT_THAT(
      invite,
      HasSubstr("INVITE sip:+18155558245@dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws SIP/2.0"));
  EXPECT_THAT(invite, HasSubstr("From: <sip:+16185558387@10.0.0.141>;tag="));
  EXPECT_THAT(invite, HasSubstr("Contact: <sip:asterisk@192.0.2.9:5070>\r\n"));
}

TEST(ScenarioFilesTest, PublicScenariosLoadOrSayWhyNot) {
  const char* const folder = std::getenv("SIPP_CORPUS");
  const std::filesystem::path root = folder != nullptr ? folder : "../shared/sipp-corpus";
  if (!std::filesystem::is_directory(root)) GTEST_SKIP() << root << " is not there";
  size_t loaded = 0;
  size_t later = 0;
  size_t command_line = 0;
  size_t without_media = 0;
  size_t refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".xml") continue;
    const auto scenario = ReadScenario(entry.path().string(), {});
    if (scenario.ok()) {
      ++loaded;
      continue;
    }
    const std::string message(scenario.status().message());
    EXPECT_TRUE(message.starts_with(entry.path().string() + ":")) << message;
    EXPECT_THAT(message, ::testing::AnyOf(HasSubstr("wanted"), HasSubstr("not supported yet")));
    if (scenario.status().code() == absl::StatusCode::kUnimplemented) {
      ++later;
    } else if (message.find("wanted a media file") != std::string::npos) {
      ++without_media;
    } else if (message.find(" -key ") != std::string::npos ||
               message.find("-inf") != std::string::npos) {
      ++command_line;
    } else {
      ++refused;
      std::cout << message << "\n";
    }
  }
  std::cout << loaded << " public scenarios load, " << command_line << " want a -key or an -inf, "
            << without_media << " name a media file that is not there, " << later
            << " use what is not supported yet, " << refused << " are refused\n";
  EXPECT_GT(loaded, 4 * refused);
}

}  // namespace
}  // namespace loadgen

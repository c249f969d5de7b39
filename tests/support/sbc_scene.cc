#include "tests/support/sbc_scene.h"

#include <gtest/gtest.h>

namespace tests {

namespace {

SimUserAgent::Options Pbx(const char* address, const char* name) {
  SimUserAgent::Options options;
  options.address = address;
  options.name = name;
  return options;
}

SimUserAgent::Options Connector() {
  SimUserAgent::Options options;
  options.address = "127.0.0.9:5060";
  options.sbc = "127.0.0.3:5060";
  options.name = "trunk";
  options.connector = true;
  return options;
}

std::string HeadOf(const std::string& text) { return text.substr(0, text.find("\r\n\r\n")); }

// A tag or a branch of a few characters would be found by accident.
void Add(const std::string& secret, std::set<std::string>* secrets) {
  if (secret.size() >= 5) secrets->insert(secret);
}

void ExpectHides(const SimUserAgent& reader, const std::set<std::string>& secrets) {
  for (const SimUserAgent::Entry& entry : reader.log()) {
    if (entry.sent) continue;
    const std::string head = HeadOf(entry.text);
    for (const std::string& secret : secrets) {
      ASSERT_EQ(head.find(secret), std::string::npos)
          << reader.name() << " was shown \"" << secret << "\":\n"
          << entry.text;
    }
  }
}

}  // namespace

SbcScene::SbcScene(const Options& options)
    : network(options.seed),
      simulation(&network),
      pbx(Pbx("127.0.0.4:5060", "pbxone"), &network, &simulation),
      pbx2(Pbx("127.0.0.5:5060", "pbxtwo"), &network, &simulation),
      pbx3(Pbx("127.0.0.6:5060", "pbxthree"), &network, &simulation),
      trunk(Connector(), &network, &simulation) {
  SbcWorld::Options world_options;
  world_options.yaml = Yaml(options);
  world_options.workers = options.workers;
  world_options.seed = options.seed;
  world_options.meter = options.meter;
  world = std::make_unique<SbcWorld>(world_options, &network, &simulation);
  Run(std::chrono::milliseconds(1));
}

SbcScene::~SbcScene() {
  if (testing::Test::HasFailure()) PrintTrace({&pbx, &pbx2, &pbx3, &trunk});
}

std::string SbcScene::Yaml(const Options& options) {
  return "node: {name: sbc-1, workers: " + std::to_string(options.workers) +
         "}\n"
         "limits: {" +
         options.limits +
         "}\n"
         "listeners:\n"
         "  - {side: customer, address: 127.0.0.2, port: 5060}\n"
         "  - {side: trunk, address: 127.0.0.3, port: 5060}\n" +
         options.listeners +
         "connectors:\n"
         "  - id: dr3rbaar376u5r4ntcnlq4\n"
         "    trunk: {" +
         options.trunk + "}\n    termination: {Termination: {" + options.termination +
         "}}\n    origination: {Origination: {Routes: [" + options.routes + "]}}\n" +
         options.connector + "failover: {" + options.failover + "}\n" + options.global;
}

size_t SbcScene::Outbound(SimPlan plan) {
  const size_t call = pbx.Place(std::move(plan));
  Run(std::chrono::seconds(1));
  return call;
}

size_t SbcScene::Inbound(SimPlan plan) {
  std::swap(plan.number, plan.caller);
  const size_t call = trunk.Place(std::move(plan));
  Run(std::chrono::seconds(1));
  return call;
}

sbc::B2buaCounters SbcScene::counters() {
  sbc::B2buaCounters sum;
  for (size_t i = 0; i < world->workers(); ++i) {
    const sbc::B2buaCounters one = world->worker(i).CurrentSnapshot().calls;
    sum.invites += one.invites;
    sum.calls_started += one.calls_started;
    sum.calls_answered += one.calls_answered;
    sum.attempts += one.attempts;
    sum.failovers += one.failovers;
    sum.orphan_answers += one.orphan_answers;
    sum.glare += one.glare;
    sum.forks_shared += one.forks_shared;
    sum.invites_timed_out += one.invites_timed_out;
    sum.session_refreshes += one.session_refreshes;
    sum.session_expiries += one.session_expiries;
    sum.media_timeouts += one.media_timeouts;
    sum.digits_taken += one.digits_taken;
    sum.digits_refused += one.digits_refused;
    sum.digits_told += one.digits_told;
    sum.digits_failed += one.digits_failed;
    sum.digits_lost += one.digits_lost;
    sum.emergency_calls += one.emergency_calls;
    sum.off_route += one.off_route;
    sum.unwritable += one.unwritable;
    for (size_t c = 0; c < sbc::kRejectionCauseCount; ++c) sum.refused[c] += one.refused[c];
  }
  return sum;
}

std::set<std::string> SecretsOf(const SimUserAgent& agent) {
  std::set<std::string> secrets;
  for (const SimUserAgent::Entry& entry : agent.log()) {
    SimMessage message;
    if (!SimMessage::Parse(entry.text, &message)) continue;
    Add(message.call_id(), &secrets);
    Add(message.Tag("From"), &secrets);
    Add(message.Tag("To"), &secrets);
    for (const std::string& via : message.All("Via")) Add(ParameterOf(via, "branch"), &secrets);
    for (const char* name : {"User-Agent", "Server", "Contact", "Record-Route", "Route"}) {
      const std::string product = message.Get(name);
      if (product.find("ingfence") == std::string::npos) Add(product, &secrets);
    }
  }
  return secrets;
}

void SbcScene::ExpectTopologyHidden() {
  std::set<std::string> inside = SecretsOf(pbx);
  inside.merge(SecretsOf(pbx2));
  inside.merge(SecretsOf(pbx3));
  // The names in full: 127.0.0.4 would be found in 127.0.0.40, of which there is none here.
  for (const char* address : {"127.0.0.2", "127.0.0.4", "127.0.0.5", "127.0.0.6", "10.0.0.141",
                              "asterisk", "pbxone", "pbxtwo", "pbxthree"}) {
    inside.insert(address);
  }
  std::set<std::string> outside = SecretsOf(trunk);
  for (const char* address : {"127.0.0.3", "127.0.0.9", "10.0.58.47", "trunktag", "trunkagent",
                              "trunkcall", "trunkftag", "2ee3"}) {
    outside.insert(address);
  }
  for (const SimUserAgent* reader : {&pbx, &pbx2, &pbx3}) ExpectHides(*reader, outside);
  ExpectHides(trunk, inside);
}

void SbcScene::ExpectClean() {
  Run(std::chrono::minutes(10));
  EXPECT_EQ(world->calls(), 0u);
  EXPECT_EQ(world->places(), 0u);
  EXPECT_EQ(world->transactions(), 0u);
  EXPECT_EQ(world->packets(), 0u);
  EXPECT_EQ(world->timers(), 0u);
  size_t open = 0;
  for (const SimUserAgent* agent : {&pbx, &pbx2, &pbx3, &trunk}) open += agent->OpenDialogs();
  EXPECT_EQ(open, 0u);
  ExpectTopologyHidden();
}

}  // namespace tests

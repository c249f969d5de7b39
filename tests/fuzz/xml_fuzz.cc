// Whatever the repairer takes is repaired for good: repairing it again changes nothing. Whatever
// the loader takes, it takes again from the repaired text, as the same steps; and each message of
// it renders into a buffer of its exact size, and into nothing smaller. Then it is played for some
// turns, by a generator of its own, against a peer that says what the scenario waits for.

#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "loadgen/scenario_loader.h"
#include "loadgen/xml_repair.h"
#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

namespace {

using loadgen::RenderContext;
using loadgen::Scenario;
using loadgen::SendStep;

constexpr size_t kRenderMax = 1 << 20;
constexpr size_t kTurnsMax = 32;  // Each of at most ScenarioPlayer::kStepsPerWalkMax steps.
constexpr size_t kWordMax = 64;   // A method longer than that is not said.
constexpr std::string_view kCallId = "1-4711@10.0.0.1";  // Of the client's first call.

/// Values for everything that a message may ask for.
struct World {
  loadgen::RunValues run;
  std::vector<loadgen::VariableValue> values[loadgen::kVariableScopeCount];
  std::vector<char> text = std::vector<char>(64);
  loadgen::VariableStore stores[loadgen::kVariableScopeCount];
  core::sip::Message last;
  RenderContext context;

  explicit World(const Scenario& scenario) {
    for (size_t i = 0; i < loadgen::kVariableScopeCount; ++i) {
      values[i].resize(scenario.variables.count(static_cast<loadgen::VariableScope>(i)));
      stores[i] = loadgen::VariableStore(values[i], text);
      context.variables[i] = &stores[i];
    }
    CHECK(last.Index("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\n"
                     "From: <sip:d@e>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: f\r\nCSeq: 7 OPTIONS\r\n"
                     "Content-Length: 0\r\n\r\n") == core::sip::ParseError::kOk);
    run.remote_ip = run.local_ip = run.media_ip = "192.0.2.1";
    context.run = &run;
    context.last = &last;
  }
};

std::vector<std::string> RenderAll(const Scenario& scenario) {
  World world(scenario);
  std::vector<std::string> messages;
  std::string large(kRenderMax, '\0');
  for (const loadgen::Step& step : scenario.steps) {
    const auto* send = std::get_if<SendStep>(&step.what);
    if (send == nullptr) continue;
    const size_t size = send->message.Render(world.context, large);
    if (size == 0) continue;  // Larger than a megabyte.
    // Heap blocks of the exact size, so that AddressSanitizer sees the first byte past the end.
    const auto exact = std::make_unique<char[]>(size);
    CHECK(send->message.Render(world.context, {exact.get(), size}) == size);
    CHECK(std::memcmp(exact.get(), large.data(), size) == 0);
    messages.emplace_back(exact.get(), size);
    const auto small = std::make_unique<char[]>(size - 1);
    CHECK(send->message.Render(world.context, {small.get(), size - 1}) <= size - 1);
  }
  return messages;
}

std::string Response(uint16_t status_code, std::string_view method) {
  return core::Concat("SIP/2.0 ", status_code == 0 ? 200 : status_code,
                      " X\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-1\r\n",
                      "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nContact: <sip:c@d>\r\n",
                      "Call-ID: ", kCallId, "\r\nCSeq: 1 ", method, "\r\n\r\n");
}

// As the scenario of the run, or as that of calls nobody asked for.
void Play(const std::string& xml, const Scenario& scenario, bool out_of_call) {
  const bool server = scenario.role() == Scenario::Role::kServer;
  tests::LoadWorld world;
  const core::Endpoint at = server && !out_of_call ? world.server() : world.client();
  tests::LoadNode& node = world.Add({.scenario = out_of_call ? "uac" : xml,
                                     .out_of_call = out_of_call ? xml : "",
                                     .options = tests::LoadWorld::OptionsOf({"-m", "2", "-l", "2"}),
                                     .local = at,
                                     .remote = world.server()});
  tests::ScriptedPeer& peer = world.AddPeer(tests::LoadWorld::At("10.0.0.3:5060"));
  std::string_view method = "INVITE";
  for (size_t turn = 0; turn < kTurnsMax; ++turn) {
    const loadgen::Step& step = scenario.steps[turn % scenario.steps.size()];
    if (const auto* send = std::get_if<SendStep>(&step.what)) {
      if (!send->message.is_response()) method = send->message.method;
    }
    const auto* recv = std::get_if<loadgen::RecvStep>(&step.what);
    if (recv != nullptr && method.size() <= kWordMax && recv->request.size() <= kWordMax) {
      const std::string_view call_id = server ? "1@peer" : kCallId;
      peer.Send(at, recv->is_response ? Response(recv->response, method)
                                      : tests::Request(recv->request, call_id, 1));
    }
    peer.Turn();
    world.network().clock().AdvanceTo(world.now() + std::chrono::milliseconds(700));
    world.network().DeliverDue();
    node.Turn();
  }
  node.io()->FlushAndWait(world.now());  // What the last turn sent is the node's until it has gone.
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  const std::string_view text(exact.get(), size);
  const absl::StatusOr<loadgen::RepairedXml> repaired = loadgen::RepairXml(text, "fuzz.xml");
  const auto first = loadgen::LoadScenario(text, "fuzz.xml", {});
  if (!repaired.ok()) {
    CHECK(!first.ok() && !first.status().message().empty());
    return 0;
  }
  CHECK(loadgen::RepairXml(repaired->text, "fuzz.xml")->text == repaired->text);
  const auto second = loadgen::LoadScenario(repaired->text, "fuzz.xml", {});
  CHECK(first.ok() == second.ok());
  if (!first.ok()) {
    CHECK(first.status() == second.status());  // The same place too: lines have not moved.
    return 0;
  }
  CHECK((*first)->steps.size() == (*second)->steps.size());
  CHECK(RenderAll(**first) == RenderAll(**second));
  for (const bool out_of_call : {false, true}) Play(std::string(text), **first, out_of_call);
  return 0;
}

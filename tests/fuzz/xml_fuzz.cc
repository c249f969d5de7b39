// Whatever the repairer takes is repaired for good: repairing it again changes nothing. Whatever
// the loader takes, it takes again from the repaired text, as the same steps; and each message of
// it renders into a buffer of its exact size, and into nothing smaller.

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "loadgen/scenario_loader.h"
#include "loadgen/xml_repair.h"

namespace {

using loadgen::RenderContext;
using loadgen::Scenario;
using loadgen::SendStep;

constexpr size_t kRenderMax = 1 << 20;

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
  return 0;
}

#include "loadgen/template.h"

#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "loadgen/builtin_scenarios.h"
#include "loadgen/scenario_loader.h"
#include "tests/loadgen/template_fixture.h"
#include "tests/support/corpus.h"

// What it costs the generator to write one message. Run from the root of the project.

namespace loadgen {
namespace {

// The n-th message that a scenario sends.
const SendTemplate& NthSend(const Scenario& scenario, size_t n) {
  for (const Step& step : scenario.steps) {
    const auto* send = std::get_if<SendStep>(&step.what);
    if (send != nullptr && n-- == 0) return send->message;
  }
  CHECK(false);
}

void Render(benchmark::State& state, const Scenario& scenario, size_t n) {
  TemplateFixture fixture;
  const std::string invite = ReadCorpus("seed/inbound-invite.sip");
  fixture.Receive(invite);
  const SendTemplate& send = NthSend(scenario, n);
  std::array<char, 4096> out;
  size_t size = 0;
  for (auto _ : state) {
    size = send.Render(fixture.context, out);
    benchmark::DoNotOptimize(out);
    benchmark::ClobberMemory();
  }
  CHECK(size != 0);
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
}

std::unique_ptr<Scenario> Builtin(std::string_view name) {
  auto scenario = LoadScenario(*FindBuiltinScenario(name), name, {});
  CHECK(scenario.ok());
  return *std::move(scenario);
}

// The built-in uac's INVITE with SDP: addresses, numbers and [len].
void BM_RenderInvite(benchmark::State& state) { Render(state, *Builtin("uac"), 0); }
BENCHMARK(BM_RenderInvite);

// The built-in uas's 200 to the trunk's own INVITE: six header fields of the last message.
void BM_RenderAnswer(benchmark::State& state) { Render(state, *Builtin("uas"), 1); }
BENCHMARK(BM_RenderAnswer);

// A whole scenario file, as at start.
void BM_LoadScenario(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Builtin("uac"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_LoadScenario);

}  // namespace
}  // namespace loadgen

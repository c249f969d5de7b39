// What the control thread pays for the end of a call: its line and its CDR, as text.

#include <benchmark/benchmark.h>

#include <string>

#include "sbc/control/call_log.h"
#include "sbc/control/cdr.h"

namespace sbc {
namespace {

CallRecord Record() {
  CallRecord record;
  record.direction = CallDirection::kOrigination;
  record.end = CallEnd::kCalleeHungUp;
  record.status_code = 200;
  record.connector_id.AssignTruncated("dr3rbaar376u5r4ntcnlq4");
  record.started = {1565399620'000000};
  record.ringing = {1565399621'000000};
  record.answered = {1565399625'250000};
  record.ended = {1565399629'250000};
  record.caller.AssignTruncated("+15105551234");
  record.caller_sent.AssignTruncated("+15105551234");
  record.called.AssignTruncated("+15105551212");
  record.source.AssignTruncated("3.80.16.5:5060");
  record.caller_call_id.AssignTruncated("0ab7c1d2-4f5e-123b-9a8c-02a1b2c3d4e5");
  record.callee_call_id.AssignTruncated("0123456789abcdef0123456789abcdef");
  RouteTrace::Step step;
  step.event = RouteEvent::kAnswered;
  step.status_code = 200;
  step.endpoint = {core::IpAddress::FromV4(0x0a000005), 5060};
  (void)record.routes.steps.PushBack(step);
  return record;
}

void BM_CallLine(benchmark::State& state) {
  const CallReport report{.call = Record(), .media = {}};
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendCallLine(report, &out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_CallLine);

void BM_Cdr(benchmark::State& state) {
  Config config;
  config.connectors.resize(1);
  config.connectors[0].id = "dr3rbaar376u5r4ntcnlq4";
  CdrWriter writer;
  writer.Configure(config);
  const CallRecord record = Record();
  std::string out;
  for (auto _ : state) {
    out.clear();
    writer.Append(record, &out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Cdr);

}  // namespace
}  // namespace sbc

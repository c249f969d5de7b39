#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/concat.h"
#include "core/base/out_of_memory.h"
#include "core/time/clock.h"
#include "loadgen/builtin_scenarios.h"
#include "loadgen/load_run.h"
#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/signals.h"

namespace loadgen {
namespace {

int Fail(const absl::Status& status, int code) {
  const std::string message(status.message());
  (void)std::fprintf(stderr, "ringfence-load: %s\n", message.c_str());
  return code;
}

int Print(std::string_view text) {
  (void)std::printf("%.*s", static_cast<int>(text.size()), text.data());
  return kExitNothingRun;
}

int DumpScenario(const std::string& name) {
  const std::optional<std::string_view> xml = FindBuiltinScenario(name);
  if (xml) return Print(*xml);
  return Fail(absl::NotFoundError(
                  core::Concat("-sd ", name, ": wanted one of the built-in scenarios; see -h")),
              kExitFatal);
}

int Main(int argc, char** argv) {
  const std::vector<const char*> arguments(argv + 1, argv + argc);
  absl::StatusOr<Options> options = ParseOptions(arguments);
  if (!options.ok()) return Fail(options.status(), kExitFatal);
  if (options->show_help) return Print(HelpText());
  if (options->show_version) return Print("ringfence-load " RINGFENCE_VERSION "\n");
  if (!options->dump_scenario.empty()) return DumpScenario(options->dump_scenario);

  core::KernelClock clock;
  LoadRun run(&*options, &clock);
  if (const absl::Status status = run.Prepare(); !status.ok()) return Fail(status, kExitFatal);
  if (options->background) {
    // What can be wrong with the files has been said; from here on nobody is there to read.
    const pid_t child = fork();
    if (child < 0) return Fail(absl::InternalError("-bg: cannot fork"), kExitFatal);
    if (child > 0) return Print(core::Concat("Background mode - PID=[", child, "]\n"));
    (void)setsid();  // A child leads no group yet, so it always can.
  }
  CatchSignals();
  if (const absl::Status status = run.Open(); !status.ok()) return Fail(status, kExitNoSocket);
  if (const absl::Status status = run.Start(); !status.ok()) return Fail(status, kExitFatal);
  return run.Run();
}

}  // namespace
}  // namespace loadgen

int main(int argc, char** argv) {
  core::ExitWhenOutOfMemory(loadgen::kOutOfMemory);
  return loadgen::Main(argc, argv);
}

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/concat.h"
#include "core/base/out_of_memory.h"
#include "core/net/uring_setup.h"
#include "core/time/clock.h"
#include "sbc/config.h"
#include "sbc/control/control.h"
#include "sbc/control/signals.h"
#include "sbc/control/standard_error.h"
#include "sbc/media/media_ports.h"
#include "sbc/product.h"

namespace sbc {
namespace {

constexpr char kUsage[] =
    "usage: ringfence-sbc --config FILE [--check-config]\n"
    "\n"
    "  --config FILE    the configuration (YAML)\n"
    "  --check-config   says what is wrong with it, or what would run, and starts nothing; what "
    "this\n"
    "                   machine lacks for it (a folder, a limit) is a warning\n"
    "  --version        prints the version\n"
    "  --help           prints this\n"
    "\n"
    "SIGTERM ends the calls that are left after drain_timeout, a second one at once. SIGHUP reads\n"
    "the configuration again and opens the log files anew.\n";

struct Arguments {
  std::string config;
  bool check_config = false;
  bool version = false;
  bool help = false;
};

// Nothing, after saying why, when the command line cannot be understood.
std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      arguments.help = true;
    } else if (word == "--version") {
      arguments.version = true;
    } else if (word == "--check-config") {
      arguments.check_config = true;
    } else if (word == "--config" && i + 1 < argc) {
      arguments.config = argv[++i];
    } else if (word.substr(0, 9) == "--config=") {
      arguments.config = word.substr(9);
    } else {
      const bool alone = word == "--config";
      (void)std::fprintf(stderr, "ringfence-sbc: %s: %s; see --help\n", argv[i],
                         alone ? "a FILE is missing behind it" : "not understood");
      return std::nullopt;
    }
  }
  if (arguments.config.empty() && !arguments.help && !arguments.version) {
    (void)std::fprintf(stderr, "ringfence-sbc: --config FILE is missing; see --help\n");
    return std::nullopt;
  }
  return arguments;
}

int Fail(const absl::Status& status) {
  const std::string message(status.message());
  (void)std::fprintf(stderr, "ringfence-sbc: %s\n", message.c_str());
  return 1;
}

// 0, or 1 where nobody will read it: the disk is full, the pipe is closed.
int Print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!written) (void)std::fputs("ringfence-sbc: standard output cannot be written\n", stderr);
  return written ? 0 : 1;
}

int Main(int argc, char** argv) {
  const std::optional<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments) return 1;
  if (arguments->help) return Print(kUsage);
  if (arguments->version) {
    return Print(core::Concat(kProduct, " ", RINGFENCE_VERSION, "\n"));
  }
  auto config = ReadConfig(arguments->config);
  if (!config.ok()) {
    const std::string errors(config.status().message());
    (void)std::fprintf(stderr, "%s\n", errors.c_str());
    return 1;
  }
  if (arguments->check_config) return Print(DescribeConfig(*config));
  if (const absl::Status files = core::net::ReserveFiles(FilesWanted(*config)); !files.ok()) {
    return Fail(files);
  }
  Signals signals;
  core::KernelClock clock;
  StandardError log;
  Control control({.config = std::move(*config),
                   .version = RINGFENCE_VERSION,
                   .clock = &clock,
                   .log = &log,
                   .signals = &signals});
  if (const absl::Status status = control.Start(); !status.ok()) return Fail(status);
  control.Run();
  return 0;
}

}  // namespace
}  // namespace sbc

int main(int argc, char** argv) {
  core::ExitWhenOutOfMemory(
      {.program = "ringfence-sbc", .advice = "lower limits.calls and limits.transactions"});
  return sbc::Main(argc, argv);
}

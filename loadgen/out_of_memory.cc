#include "loadgen/out_of_memory.h"

#include <unistd.h>

#include <new>
#include <string_view>

#include "loadgen/report.h"

namespace loadgen {
namespace {

// Nothing here may allocate.
void Exit() {
  constexpr std::string_view kText =
      "ringfence-load: out of memory: lower -l and --media_calls, or give the machine more\n";
  (void)!write(STDERR_FILENO, kText.data(), kText.size());
  _exit(kExitFatal);
}

}  // namespace

void ExitWhenOutOfMemory() { std::set_new_handler(&Exit); }

}  // namespace loadgen

#include "core/base/out_of_memory.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace core {
namespace {

const char* program_name = "";

void Say(const char* text) { (void)!write(STDERR_FILENO, text, std::strlen(text)); }

// Nothing here may allocate.
void Exit() {
  Say(program_name);
  Say(": out of memory: lower limits.calls and limits.transactions, or give the machine more\n");
  _exit(1);
}

}  // namespace

void ExitWhenOutOfMemory(const char* program) {
  program_name = program;
  std::set_new_handler(&Exit);
}

void OutOfMemory() {
  if (const std::new_handler handler = std::get_new_handler()) handler();
  std::abort();  // Without a handler, or with one that returns: there is nothing to go on with.
}

}  // namespace core

#include "core/base/out_of_memory.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace core {
namespace {

OutOfMemoryAnswer the_answer = {"", ""};

void Say(const char* text) { (void)!write(STDERR_FILENO, text, std::strlen(text)); }

// Nothing here may allocate.
void Exit() {
  Say(the_answer.program);
  Say(": out of memory: ");
  Say(the_answer.advice);
  Say(", or give the machine more\n");
  _exit(the_answer.exit_code);
}

}  // namespace

void ExitWhenOutOfMemory(const OutOfMemoryAnswer& answer) {
  the_answer = answer;
  std::set_new_handler(&Exit);
}

void OutOfMemory() {
  if (const std::new_handler handler = std::get_new_handler()) handler();
  std::abort();  // Without a handler, or with one that returns: there is nothing to go on with.
}

}  // namespace core

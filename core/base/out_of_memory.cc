#include "core/base/out_of_memory.h"

#include <cxxabi.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <typeinfo>

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

// A thread that the system refuses comes as an exception, and perhaps in a library's own thread.
void Terminate() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) std::abort();  // No exception: a fault of ours, which wants a core file.
  Say(the_answer.program);
  Say(": the system refuses something, a thread most likely (ulimit -u, ulimit -v): ");
  Say(type->name());
  Say("\n");
  _exit(the_answer.exit_code);
}

}  // namespace

void ExitWhenOutOfMemory(const OutOfMemoryAnswer& answer) {
  the_answer = answer;
  std::set_new_handler(&Exit);
  std::set_terminate(&Terminate);
}

void OutOfMemory() {
  if (const std::new_handler handler = std::get_new_handler()) handler();
  std::abort();  // Without a handler, or with one that returns: there is nothing to go on with.
}

}  // namespace core

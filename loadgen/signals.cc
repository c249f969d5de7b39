#include "loadgen/signals.h"

#include <csignal>
#include <initializer_list>

#include "core/base/check.h"

namespace loadgen {
namespace {

volatile std::sig_atomic_t drains = 0;
volatile std::sig_atomic_t ends = 0;
volatile std::sig_atomic_t reports = 0;

extern "C" void OnSignal(int number) {
  if (number == SIGTERM) {
    ends = 1;
  } else if (number == SIGUSR2) {
    reports = 1;
  } else {
    drains = drains + 1;
  }
}

}  // namespace

void CatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  for (const int number : {SIGUSR1, SIGUSR2, SIGINT, SIGTERM}) {
    CHECK(sigaction(number, &action, nullptr) == 0);
  }
  // A reader of ours that went away, or a file at the size that it may have, is that write's error.
  for (const int of_a_write : {SIGPIPE, SIGXFSZ}) (void)std::signal(of_a_write, SIG_IGN);
}

Asked AskedBySignal() {
  if (ends != 0 || drains > 1) return Asked::kEnd;
  return drains == 1 ? Asked::kDrain : Asked::kNothing;
}

bool TakeReportSignal() {
  const bool asked = reports != 0;
  reports = 0;
  return asked;
}

}  // namespace loadgen

#include "loadgen/keyboard.h"

#include <unistd.h>

namespace loadgen {
namespace {

// Else reading it, or setting it up, would stop us (SIGTTIN, SIGTTOU).
bool IsInForeground() { return tcgetpgrp(STDIN_FILENO) == getpgrp(); }

}  // namespace

Key KeyOf(char character) {
  switch (character) {
    case '+':
      return Key::kFaster;
    case '*':
      return Key::kMuchFaster;
    case '-':
      return Key::kSlower;
    case '/':
      return Key::kMuchSlower;
    case 'p':
      return Key::kPause;
    case 'q':
      return Key::kQuit;
    case 'Q':
      return Key::kQuitNow;
    default:
      return Key::kNone;
  }
}

bool Keyboard::Open() {
  if (open_) return true;
  if (!IsInForeground() || tcgetattr(STDIN_FILENO, &before_) != 0) return false;
  termios keys = before_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C stays a signal.
  keys.c_cc[VMIN] = 0;  // read() returns at once, with what there is.
  keys.c_cc[VTIME] = 0;
  open_ = tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
  return open_;
}

void Keyboard::Close() {
  if (!open_) return;
  open_ = false;
  if (IsInForeground()) (void)tcsetattr(STDIN_FILENO, TCSANOW, &before_);  // It may be gone.
}

Key Keyboard::Read() {
  char character = 0;
  while (open_ && IsInForeground() && read(STDIN_FILENO, &character, 1) == 1) {
    const Key key = KeyOf(character);
    if (key != Key::kNone) return key;
  }
  return Key::kNone;
}

}  // namespace loadgen

#pragma once

#include <termios.h>

#include <cstdint>

namespace loadgen {

/// What a person at the terminal asks for: SIPp's keys.
enum class Key : uint8_t {
  kNone,
  kFaster,      // +  one call a period more
  kMuchFaster,  // *  ten more
  kSlower,      // -  one fewer
  kMuchSlower,  // /  ten fewer
  kPause,       // p  no new calls, until it is pressed again
  kQuit,        // q  lets the calls that are open come to their end; a second one does not wait
  kQuitNow,     // Q  does not wait
};
Key KeyOf(char character);

/// Standard input as single keys, where it is a terminal and we are what runs in front of it.
///
/// Lifetime: the terminal is as it was once this is gone, or Close() was called.
class Keyboard {
 public:
  Keyboard() = default;
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;
  ~Keyboard() { Close(); }

  /// False where there is no such terminal: then Read() has nothing to say.
  bool Open();
  void Close();
  /// The next key that was pressed, without waiting for one. Keys without a meaning are skipped.
  Key Read();

 private:
  bool open_ = false;
  termios before_{};
};

}  // namespace loadgen

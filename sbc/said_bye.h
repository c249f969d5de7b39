#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sbc {

/// The dialogs that were said BYE to without their call: a 2xx that comes again needs its ACK only.
///
/// Shape:  kPlaces dialogs, each by a keyed hash of its INVITE's branch and its To tag. Nothing
///         expires, as no branch comes again: what has the same place pushes out what was there,
///         and the worst that comes of it is one more BYE, which is told 481.
/// Thread: one worker's.
class SaidBye {
 public:
  static constexpr size_t kPlaces = 1024;  // Late answers come for 32 s, and few calls have any.

  bool Has(uint64_t dialog) const { return places_[dialog % kPlaces] == dialog; }
  void Add(uint64_t dialog) { places_[dialog % kPlaces] = dialog; }

 private:
  std::array<uint64_t, kPlaces> places_{};
};

}  // namespace sbc

#pragma once

#include <sys/random.h>

#include <bit>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/siphash.h"

namespace core {

/// Chance, as an argument: everything that draws is given one of these.
///
/// Shape:  64 bits a draw: a counter enciphered by a keyed hash, so that draws which a peer has
/// seen
///         (tags, branches) do not tell the next ones (rule 22 of the SBC's rules).
/// Thread: one worker's.
class Random {
 public:
  /// The same draws for the same seed: tests and simulation only.
  explicit Random(uint64_t seed) : key_{seed, ~seed * 0x9e3779b97f4a7c15u} {}

  /// Keyed from the kernel: what production uses.
  static Random FromKernel() {
    Random random(0);
    CHECK(getrandom(random.key_.data(), sizeof(random.key_), 0) == sizeof(random.key_));
    return random;
  }

  uint64_t Next() {
    ++counter_;
    return SipHash(key_, {reinterpret_cast<const char*>(&counter_), sizeof(counter_)});
  }

  /// Evenly in [0, bound). The bias of the multiplication is below 2^-32 for bounds under 2^32.
  uint64_t Below(uint64_t bound) {
    CHECK(bound > 0);
    __extension__ using Wide = unsigned __int128;  // Both compilers have it; ISO C++ does not.
    return static_cast<uint64_t>((Wide{Next()} * bound) >> 64);
  }

  /// Evenly in [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  /// True `probability` of the time.
  bool Chance(double probability) { return Fraction() < probability; }

  HashKey NextKey() { return {Next(), Next()}; }

 private:
  HashKey key_;
  uint64_t counter_ = 0;
};

}  // namespace core

#pragma once

#include <cstdint>

#include "core/base/random.h"

namespace loadgen {

/// What <pause> and <sample> draw from.
///
/// Shape: two parameters, whose meaning depends on the kind: fixed (value, -), uniform (min, max),
///        normal and lognormal (mean, standard deviation; of the logarithm for lognormal),
///        exponential (mean, -), weibull (lambda, k), pareto (k, x_m).
struct Distribution {
  enum class Kind : uint8_t {
    kFixed,
    kUniform,
    kNormal,
    kLognormal,
    kExponential,
    kWeibull,
    kPareto,
  };
  Kind kind = Kind::kFixed;
  double first = 0;
  double second = 0;

  double Sample(core::Random* random) const;
  /// A value that 99 of 100 draws stay below: what SIPp's sanity check looks at.
  double Percentile99() const;
  friend bool operator==(const Distribution&, const Distribution&) = default;
};

}  // namespace loadgen

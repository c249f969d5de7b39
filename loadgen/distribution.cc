#include "loadgen/distribution.h"

#include <cmath>
#include <numbers>

namespace loadgen {
namespace {

// The value below which a share `p` of the draws falls, for the kinds that have it in closed form.
double Quantile(const Distribution& d, double p) {
  switch (d.kind) {
    case Distribution::Kind::kUniform:
      return d.first + p * (d.second - d.first);
    case Distribution::Kind::kExponential:
      return -d.first * std::log1p(-p);
    case Distribution::Kind::kWeibull:
      return d.first * std::pow(-std::log1p(-p), 1 / d.second);
    case Distribution::Kind::kPareto:
      return d.second * std::pow(1 - p, -1 / d.first);
    default:
      return d.first;
  }
}

// Standard normal, by Box and Muller. The first draw is in (0, 1], so that its logarithm exists.
double StandardNormal(core::Random* random) {
  const double radius = std::sqrt(-2 * std::log(1 - random->Fraction()));
  return radius * std::cos(2 * std::numbers::pi * random->Fraction());
}

constexpr double kNormal99 = 2.3263478740408408;

}  // namespace

double Distribution::Sample(core::Random* random) const {
  if (kind == Kind::kFixed) return first;
  if (kind == Kind::kNormal) return first + second * StandardNormal(random);
  if (kind == Kind::kLognormal) return std::exp(first + second * StandardNormal(random));
  return Quantile(*this, random->Fraction());
}

double Distribution::Percentile99() const {
  if (kind == Kind::kNormal) return first + second * kNormal99;
  if (kind == Kind::kLognormal) return std::exp(first + second * kNormal99);
  return Quantile(*this, 0.99);
}

}  // namespace loadgen

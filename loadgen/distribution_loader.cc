#include <algorithm>
#include <iterator>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/action_loader.h"

namespace loadgen {
namespace {

struct Row {
  const char* name;
  Distribution::Kind kind;
  const char* first;
  const char* second;    // Null: it has one parameter.
  bool second_positive;  // The second parameter, or the only one, divides: it must be above 0.
};

constexpr Row kRows[] = {
    {"fixed", Distribution::Kind::kFixed, "value", nullptr, false},
    {"uniform", Distribution::Kind::kUniform, "min", "max", false},
    {"normal", Distribution::Kind::kNormal, "mean", "stdev", false},
    {"lognormal", Distribution::Kind::kLognormal, "mean", "stdev", false},
    {"exponential", Distribution::Kind::kExponential, "mean", nullptr, false},
    {"weibull", Distribution::Kind::kWeibull, "lambda", "k", true},
    {"pareto", Distribution::Kind::kPareto, "k", "x_m", true},
};
constexpr const char* kLater[] = {"gamma", "gpareto", "negbin"};

// The name that stands for it: in a pause of an old scenario as an attribute of its own.
std::optional<std::string_view> FindName(const ElementReader& in, bool is_pause) {
  if (in.Has("distribution")) return in.Text("distribution");
  if (!is_pause) return std::nullopt;
  for (const Row& row : kRows) {
    if (in.Has(row.name)) return row.name;
  }
  for (const char* name : kLater) {
    if (in.Has(name)) return name;
  }
  if (in.Has("min") && in.Has("max")) return "uniform";
  return std::nullopt;
}

absl::Status ReadParameter(const ElementReader& in, const char* name, double* out) {
  std::string_view text;
  RETURN_IF_ERROR(in.RequiredText(name, &text));
  return in.Number(name, out);
}

}  // namespace

absl::Status LoadDistribution(const ElementReader& in, bool is_pause, Distribution* out,
                              bool* found) {
  const std::optional<std::string_view> name = FindName(in, is_pause);
  *found = name.has_value();
  if (!name) return absl::OkStatus();
  if (std::find(std::begin(kLater), std::end(kLater), *name) != std::end(kLater)) {
    return in.NotYet(core::Concat("distribution=\"", *name, "\""));
  }
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                [&](const Row& candidate) { return candidate.name == *name; });
  if (row == std::end(kRows)) {
    return in.Error(core::Concat("distribution=\"", *name,
                                 "\": unknown; wanted fixed, uniform, normal, lognormal, "
                                 "exponential, weibull or pareto"));
  }
  out->kind = row->kind;
  RETURN_IF_ERROR(ReadParameter(in, row->first, &out->first));
  if (row->second != nullptr) RETURN_IF_ERROR(ReadParameter(in, row->second, &out->second));
  if (row->second_positive && (out->first <= 0 || out->second <= 0)) {
    return in.Error(core::Concat(row->first, " and ", row->second, ": wanted both above 0"));
  }
  if (row->kind == Distribution::Kind::kUniform && out->first > out->second) {
    return in.Error("min and max: wanted min at most max");
  }
  return absl::OkStatus();
}

}  // namespace loadgen

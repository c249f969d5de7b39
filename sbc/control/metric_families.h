#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prometheus/metric_family.h"

namespace sbc {

/// Metric families by the names that WriteMetrics() gives them, one after another.
///
/// Use: `out->Counter("ringfence_failovers_total", "Further attempts.").Add(3)`.
class MetricFamilies {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  /// One family, while it is being filled: a temporary of one statement or one loop.
  class Family {
   public:
    explicit Family(prometheus::MetricFamily* family) : family_(family) {}
    template <typename T>
    Family& Add(T value, Labels labels = {}) {
      prometheus::ClientMetric metric;
      metric.label = std::move(labels);
      metric.counter.value = static_cast<double>(value);
      metric.gauge.value = static_cast<double>(value);
      family_->metric.push_back(std::move(metric));
      return *this;
    }
    void Add(prometheus::ClientMetric::Histogram histogram, Labels labels) {
      prometheus::ClientMetric metric;
      metric.label = std::move(labels);
      metric.histogram = std::move(histogram);
      family_->metric.push_back(std::move(metric));
    }

   private:
    prometheus::MetricFamily* family_;
  };

  // The family is valid until the next one begins.
  Family Counter(std::string_view name, std::string_view help) {
    return Begin(name, help, prometheus::MetricType::Counter);
  }
  Family Gauge(std::string_view name, std::string_view help) {
    return Begin(name, help, prometheus::MetricType::Gauge);
  }
  Family Histogram(std::string_view name, std::string_view help) {
    return Begin(name, help, prometheus::MetricType::Histogram);
  }

  /// As text.
  std::string Write() const;

 private:
  Family Begin(std::string_view name, std::string_view help, prometheus::MetricType type) {
    families_.push_back({std::string(name), std::string(help), type, {}});
    return Family(&families_.back());
  }

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace sbc

// Goal: /metrics is what Prometheus reads, says what the workers and the records say, and has no
// label that a peer could multiply (design section 5).

#include "sbc/control/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sbc/control/node_status.h"
#include "tests/sbc/control/record_bed.h"

namespace sbc {
namespace {

using ::testing::HasSubstr;

// Reads the exposition format's lines: `name{label="value",...} number` by series, and checks that
// each family was announced by HELP and TYPE once, before its series.
std::map<std::string, double> Read(const std::string& text) {
  std::map<std::string, double> series;
  std::set<std::string> types;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# TYPE ", 0) == 0) {
      EXPECT_TRUE(types.insert(line.substr(7, line.find(' ', 7) - 7)).second) << line;
    }
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.rfind(' ');
    std::string name = line.substr(0, line.find_first_of("{ "));
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      const bool ends =
          name.size() > suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
      if (ends && types.count(name) == 0) name.resize(name.size() - suffix.size());
    }
    EXPECT_EQ(types.count(name), 1u) << line;
    EXPECT_TRUE(series.emplace(line.substr(0, space), std::stod(line.substr(space))).second)
        << "twice: " << line;
  }
  return series;
}

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() : workers_(2) {
    for (const char* name : {"pbx-a.example", "pbx-b.example", "trunk.example"}) {
      HostSpec host;
      host.connector_id = kRecordConnector;
      host.name = name;
      EXPECT_TRUE(registry_.Host(host).ok());
    }
  }

  MetricsSources Sources() {
    MetricsSources sources;
    sources.node = "sbc-1";
    sources.workers = workers_;
    sources.calls = &calls_;
    sources.media = &media_;
    sources.registry = &registry_;
    sources.control.ready = true;
    return sources;
  }

  std::vector<WorkerSnapshot> workers_;
  CallStatistics calls_;
  MediaStatistics media_;
  HostRegistry registry_{16};
};

TEST_F(MetricsTest, LogsThatWereNotReopenedAreNamed) {
  MetricsSources sources = Sources();
  auto series = Read(WriteMetrics(sources));
  for (const char* kind : {"call_line", "cdr", "media", "sip"}) {
    const std::string name = "ringfence_logs_not_reopened{kind=\"" + std::string(kind) + "\"}";
    ASSERT_EQ(series.count(name), 1u) << kind;
    EXPECT_EQ(series[name], 0) << kind;
  }
  sources.control.cdrs_behind = true;
  series = Read(WriteMetrics(sources));
  EXPECT_EQ(series["ringfence_logs_not_reopened{kind=\"cdr\"}"], 1);
  EXPECT_EQ(series["ringfence_logs_not_reopened{kind=\"sip\"}"], 0);
}

TEST_F(MetricsTest, WorkersAreSummed) {
  workers_[0].calls.invites = 5;
  workers_[1].calls.invites = 7;
  workers_[1].calls.refused[static_cast<size_t>(RejectionCause::kCps)] = 3;
  workers_[0].calls_now = 2;
  workers_[0].queue_drops = 11;
  workers_[1].io.send_dropped = 13;
  workers_[0].worker.records_lost = 17;
  workers_[1].calls.final_responses[4] = 19;
  auto series = Read(WriteMetrics(Sources()));
  EXPECT_EQ(series["ringfence_invites_total"], 12);
  EXPECT_EQ(series["ringfence_calls_refused_total{cause=\"cps\"}"], 3);
  EXPECT_EQ(series["ringfence_calls_refused_total{cause=\"unknown_number\"}"], 0);
  EXPECT_EQ(series["ringfence_calls_refused_total{cause=\"protocol\"}"], 0);
  EXPECT_EQ(series["ringfence_calls"], 2);
  EXPECT_EQ(series["ringfence_queue_drops_total"], 11);
  EXPECT_EQ(series["ringfence_io_events_total{event=\"send_dropped\"}"], 13);
  EXPECT_EQ(series["ringfence_mailbox_events_total{event=\"record_lost\"}"], 17);
  EXPECT_EQ(series["ringfence_final_responses_total{class=\"4xx\"}"], 19);
  EXPECT_EQ(series["ringfence_workers"], 2);
  EXPECT_EQ(series["ringfence_ready"], 1);
  EXPECT_EQ(series["ringfence_info{node=\"sbc-1\"}"], 1);
}

TEST_F(MetricsTest, RecordsCountByConnectorAndRoute) {
  calls_.OnCall(InboundRecord(), registry_);
  CallRecord out = InboundRecord();
  out.direction = CallDirection::kTermination;
  out.end = CallEnd::kFailed;
  out.answered = {};
  out.routes = {};
  AddStep(2, "192.0.2.1:5060", RouteEvent::kNoAnswer, 0, 4000, &out);
  out.routes.skipped_own = 0b101;
  out.routes.skipped_down = 0b010;
  calls_.OnCall(out, registry_);
  auto series = Read(WriteMetrics(Sources()));
  const std::string connector = "connector=\"" + std::string(kRecordConnector) + "\"";
  EXPECT_EQ(series["ringfence_calls_ended_total{" + connector +
                   ",direction=\"origination\",end=\"callee_hung_up\"}"],
            1);
  EXPECT_EQ(series["ringfence_calls_ended_total{" + connector +
                   ",direction=\"termination\",end=\"failed\"}"],
            1);
  EXPECT_EQ(series["ringfence_route_attempts_total{" + connector +
                   ",side=\"customer\",route=\"pbx-a.example:5060\",result=\"failed_code\"}"],
            1);
  EXPECT_EQ(series["ringfence_route_attempts_total{" + connector +
                   ",side=\"customer\",route=\"pbx-b.example:5060\",result=\"answered\"}"],
            1);
  EXPECT_EQ(series["ringfence_route_attempts_total{" + connector +
                   ",side=\"trunk\",route=\"trunk.example:5060\",result=\"no_answer\"}"],
            1);
  // InboundRecord() has skips of its own.
  const RouteTrace skips = InboundRecord().routes;
  EXPECT_EQ(series["ringfence_routes_skipped_total{reason=\"own_address\"}"],
            2 + std::popcount(skips.skipped_own));
  EXPECT_EQ(series["ringfence_routes_skipped_total{reason=\"down\"}"],
            1 + std::popcount(skips.skipped_down));
  // The answered one took 5.25 s to set up; the failed one is in no bucket.
  const std::string setup = "ringfence_call_setup_seconds_";
  EXPECT_EQ(series[setup + "bucket{direction=\"origination\",le=\"5\"}"], 0);
  EXPECT_EQ(series[setup + "bucket{direction=\"origination\",le=\"10\"}"], 1);
  EXPECT_EQ(series[setup + "bucket{direction=\"origination\",le=\"+Inf\"}"], 1);
  EXPECT_NEAR(series[setup + "sum{direction=\"origination\"}"], 5.2505, 1e-9);
  EXPECT_EQ(series[setup + "count{direction=\"termination\"}"], 0);
}

// Each way in which a call or an attempt can end has a name and a place.
TEST_F(MetricsTest, EveryEndIsCounted) {
  for (size_t i = 0; i < std::max(kCallEndCount, kRouteEventCount); ++i) {
    CallRecord record = InboundRecord();
    record.end = static_cast<CallEnd>(i % kCallEndCount);
    record.routes = {};
    AddStep(0, "192.0.2.1:5060", static_cast<RouteEvent>(i % kRouteEventCount), 0, 5, &record);
    calls_.OnCall(record, registry_);
  }
  const auto series = Read(WriteMetrics(Sources()));
  std::set<std::string> ends;
  std::set<std::string> results;
  for (const auto& [name, value] : series) {
    for (const auto& [label, seen] :
         {std::pair(std::string("end=\""), &ends), std::pair(std::string("result=\""), &results)}) {
      const size_t at = name.find(label);
      if (at == std::string::npos || value == 0) continue;
      seen->insert(name.substr(at, name.find('"', at + label.size()) - at));
    }
  }
  EXPECT_EQ(ends.size(), kCallEndCount);
  EXPECT_EQ(results.size(), kRouteEventCount);
  EXPECT_FALSE(ends.contains("end=\"unknown"));
  EXPECT_FALSE(results.contains("result=\"unknown"));
}

// A call that ends after a reload moved its routes, or took them away, counts for the hosts that it
// tried: they are named by their number, which no reload changes.
TEST_F(MetricsTest, AttemptsCountForTheHostThatWasTried) {
  CallRecord record = InboundRecord();
  record.routes = {};
  AddStep(0, "192.0.2.1:5060", RouteEvent::kAnswered, 200, 5, &record);
  record.routes.steps.back().host = 1;  // The first route of its file, the second host.
  calls_.OnCall(record, registry_);
  record.routes.steps.back().host = 99;  // Nobody knows it.
  calls_.OnCall(record, registry_);
  const std::string connector(kRecordConnector);
  for (const char* route : {"pbx-b.example:5060", "other"}) {
    const CallStatistics::RouteKey key = {connector, Side::kCustomer, route};
    ASSERT_EQ(calls_.attempts().count(key), 1u) << route;
    EXPECT_EQ(calls_.attempts().at(key)[static_cast<size_t>(RouteEvent::kAnswered)], 1u);
  }
  EXPECT_EQ(calls_.attempts().size(), 2u);
}

// Each minute of a leg is a value of its histograms; what is not known is none.
TEST_F(MetricsTest, MediaByConnectorDirectionRouteAndLeg) {
  CallReport report = InboundReport();
  media_.OnReport(report, false, registry_);
  report.media.legs[0].lately.stream.packets = report.media.legs[0].lately.stream.expected;
  report.media.legs[0].round_trip.reset();
  media_.OnReport(report, true, registry_);
  media_.OnReport({.call = InboundRecord(), .media = {}}, true, registry_);  // It had no media.
  auto series = Read(WriteMetrics(Sources()));
  const std::string route = "connector=\"" + std::string(kRecordConnector) +
                            "\",direction=\"origination\",route=\"pbx-b.example:5060\",side=\"";
  const std::string trunk = route + "trunk\"";
  const std::string pbx = route + "customer\"";
  const auto value = [&](const std::string& name, const std::string& labels) {
    return series.at("ringfence_media_" + name + "{" + labels + "}");
  };
  EXPECT_EQ(value("streams_total", trunk), 1);
  EXPECT_EQ(value("leg_packets_total", trunk + ",flow=\"received\""), 1000);
  EXPECT_EQ(value("leg_packets_total", trunk + ",flow=\"sent\""), 980);
  EXPECT_EQ(value("leg_packets_total", trunk + ",flow=\"expected\""), 7006);
  EXPECT_EQ(value("lost_packets_total", trunk + ",flow=\"received\""), 5);
  EXPECT_EQ(value("lost_packets_total", trunk + ",flow=\"sent\""), 6);
  EXPECT_EQ(value("loss_ratio_bucket", trunk + ",le=\"0\""), 1);
  EXPECT_EQ(value("loss_ratio_bucket", trunk + ",le=\"0.005\""), 2);
  EXPECT_EQ(value("jitter_seconds_count", trunk), 2);
  EXPECT_NEAR(value("jitter_seconds_sum", trunk), 0.00025, 1e-9);
  EXPECT_EQ(value("round_trip_seconds_bucket", trunk + ",le=\"0.02\""), 1);
  EXPECT_EQ(value("round_trip_seconds_count", trunk), 1);
  EXPECT_EQ(value("mos_count", trunk + ",kind=\"listening\""), 2);
  EXPECT_EQ(value("mos_count", trunk + ",kind=\"conversation\""), 1);
  EXPECT_EQ(value("streams_total", pbx), 1);
  EXPECT_EQ(value("round_trip_seconds_count", pbx), 0);
  EXPECT_EQ(value("jitter_seconds_count", pbx), 0);
  EXPECT_EQ(value("mos_count", pbx + ",kind=\"listening\""), 0);  // Opus.
}

// However many connectors come and go, and whatever callers say, the series are bounded.
TEST_F(MetricsTest, SeriesAreBounded) {
  for (size_t i = 0; i < 3 * CallStatistics::kSeriesMax; ++i) {
    CallRecord record = InboundRecord();
    record.connector_id.AssignTruncated("c" + std::to_string(i));
    record.caller.AssignTruncated(std::to_string(i));
    record.source.AssignTruncated(std::to_string(i));
    calls_.OnCall(record, registry_);
    CallReport report = InboundReport();
    report.call = record;
    media_.OnReport(report, true, registry_);
  }
  EXPECT_EQ(calls_.calls().size(), CallStatistics::kSeriesMax + 1);
  EXPECT_EQ(media_.legs().size(), MediaStatistics::kSeriesMax + 1);
  EXPECT_EQ(calls_.attempts().size(), CallStatistics::kSeriesMax + 1);
  EXPECT_LT(Read(WriteMetrics(Sources())).size(),
            8 * CallStatistics::kSeriesMax + 90 * MediaStatistics::kSeriesMax);
}

// One host twice, once by SRV, may lead to one address: a series that stands twice would make a
// scraper refuse the whole page.
TEST_F(MetricsTest, AnAddressOfTwoHostsOfOneNameIsOneSeries) {
  HostSpec again = registry_.hosts().at(0);
  again.srv = !again.srv;
  const auto host = registry_.Host(again);
  ASSERT_TRUE(host.ok());
  workers_[0].route_state_count = workers_[1].route_state_count = 1;
  workers_[0].route_states[0] = {0, true, 200, EndpointOf("192.0.2.1:5060")};
  workers_[1].route_states[0] = {*host, false, 503, EndpointOf("192.0.2.1:5060")};
  const std::string page = WriteMetrics(Sources());
  const size_t first = page.find("\nringfence_route_up{");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(page.find("\nringfence_route_up{", first + 1), std::string::npos);
}

TEST_F(MetricsTest, RouteHealthIsAGauge) {
  workers_[1].route_state_count = 2;
  workers_[1].route_states[0] = {0, true, 200, EndpointOf("192.0.2.1:5060")};
  workers_[1].route_states[1] = {0, false, 503, EndpointOf("192.0.2.2:5060")};
  auto series = Read(WriteMetrics(Sources()));
  const std::string labels = "ringfence_route_up{connector=\"" + std::string(kRecordConnector) +
                             "\",side=\"customer\",host=\"pbx-a.example\",address=\"";
  EXPECT_EQ(series.at(labels + "192.0.2.1:5060\"}"), 1);
  EXPECT_EQ(series.at(labels + "192.0.2.2:5060\"}"), 0);

  const auto status = nlohmann::json::parse(
      WriteNodeStatus(Sources(), "1.2.3", std::chrono::minutes(2)), nullptr, false);
  EXPECT_EQ(status["version"], "1.2.3");
  EXPECT_EQ(status["uptime_seconds"], 120);
  EXPECT_EQ(status["routes"][1]["address"], "192.0.2.2:5060");
  EXPECT_EQ(status["routes"][1]["up"], false);
  EXPECT_EQ(status["routes"][1]["last_options_status"], 503);
}

}  // namespace
}  // namespace sbc

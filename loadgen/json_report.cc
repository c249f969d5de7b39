#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "core/base/concat.h"
#include "loadgen/report.h"

namespace loadgen {
namespace {

using core::Histogram;
using Json = nlohmann::ordered_json;

double Seconds(core::Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

Json PercentilesOf(const Histogram& us) {
  Json json = {{"count", us.count()}, {"min", us.min()}, {"mean", us.mean()}};
  for (const auto& [name, percent] :
       {std::pair("p50", 50.0), std::pair("p90", 90.0), std::pair("p95", 95.0),
        std::pair("p99", 99.0), std::pair("p99_9", 99.9), std::pair("p99_99", 99.99)}) {
    json[name] = us.Percentile(percent);
  }
  json["max"] = us.max();
  return json;
}

// Of these the low ones are bad.
Json MosOf(const Histogram& milli) {
  Json json = {{"count", milli.count()}, {"min", milli.min()}, {"mean", milli.mean()}};
  for (const auto& [name, percent] : {std::pair("p1", 1.0), std::pair("p5", 5.0),
                                      std::pair("p10", 10.0), std::pair("p50", 50.0)}) {
    json[name] = milli.Percentile(percent);
  }
  json["max"] = milli.max();
  return json;
}

// What nobody knew is null, and not 0.
Json OfKnown(const Histogram& values, Json (*write)(const Histogram&)) {
  return values.count() > 0 ? write(values) : Json(nullptr);
}

Json CallsOf(const Statistics& statistics) {
  const CallCounts& counts = statistics.counts;
  Json failures = Json::object();
  for (size_t i = 1; i < kFailureCount; ++i) {
    failures[std::string(Name(static_cast<Failure>(i)))] = counts.failures[i];
  }
  return {{"created", counts.created()},  {"incoming", counts.incoming},
          {"outgoing", counts.outgoing},  {"successful", counts.successful},
          {"failed", counts.failed},      {"failures", failures},
          {"open_peak", statistics.peak}, {"retransmissions", counts.retransmits},
          {"warnings", counts.warnings}};
}

Json StepsOf(const Scenario& scenario, const Statistics& statistics) {
  Json steps = Json::array();
  for (size_t i = 0; i < statistics.steps.size(); ++i) {
    const StepCounts& counts = statistics.steps[i];
    steps.push_back({{"index", i},
                     {"name", StepName(scenario.steps[i])},
                     {"messages", counts.messages},
                     {"retransmissions", counts.retransmits},
                     {"timeouts", counts.timeouts},
                     {"unexpected", counts.unexpected},
                     {"lost", counts.lost}});
  }
  return steps;
}

Json LatenciesOf(const Scenario& scenario, const Statistics& statistics) {
  Json times = Json::object();
  for (size_t i = 0; i < statistics.response_times.size(); ++i) {
    const DurationStatistics& time = statistics.response_times[i];
    times[scenario.rtds[i]] = {{"from_planned_us", PercentilesOf(time.planned_us)},
                               {"from_sent_us", PercentilesOf(time.actual_us)}};
  }
  return times;
}

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json IdentityOf(const CallIdentity& call) {
  return call.run == 0 ? Json(nullptr) : Json(core::Concat(call.run, "-", call.call));
}

Json MarksOf(const MediaRecord& record) {
  if (!record.marks) return nullptr;
  const MarkRecord& marks = *record.marks;
  return {{"own", IdentityOf(marks.own)},
          {"peer", IdentityOf(marks.peer)},
          {"mutual", marks.is_mutual},
          {"sent", marks.sent},
          {"unmarked_sent", marks.unmarked_sent},
          {"expected", marks.expected},
          {"lost", marks.lost},
          {"unmarked", marks.unmarked}};
}

Json RecordsOf(std::span<const MediaRecord> records) {
  Json calls = Json::array();
  for (const MediaRecord& record : records) {
    calls.push_back({{"call", record.number},
                     {"call_id", record.call_id.view()},
                     {"sent", record.sent},
                     {"echoed", record.echoed},
                     {"received", record.received},
                     {"foreign", record.foreign},
                     {"bytes", record.bytes},
                     {"expected", record.expected},
                     {"lost", record.lost},
                     {"late", record.late},
                     {"duplicates", record.duplicates},
                     {"reordered", record.reordered},
                     {"misrouted", record.misrouted},
                     {"ssrc_changes", record.ssrc_changes},
                     {"payload_switches", record.payload_switches},
                     {"digits", record.digits.view()},
                     {"jitter_us", OrNull(record.jitter_us)},
                     {"gap_us", OrNull(record.gap_us)},
                     {"round_trip_us", OrNull(record.round_trip_us)},
                     {"marks", MarksOf(record)},
                     {"mos", OrNull(record.mos)},
                     {"mos_cq", OrNull(record.mos_conversation)}});
  }
  return calls;
}

Json LossRatioOf(const MediaStatistics& media) {
  if (media.expected == 0) return nullptr;
  return static_cast<double>(media.lost) / static_cast<double>(media.expected);
}

Json MediaOf(const RunSummary& summary) {
  const MediaStatistics& media = summary.worker->media()->statistics();
  return {{"calls", media.calls},
          {"silent_calls", media.silent_calls},
          {"not_opened_without_port", media.no_port},
          {"sent",
           {{"packets", media.packets_sent},
            {"bytes", media.bytes_sent},
            {"echoed", media.echoed},
            {"without_address", media.unsent},
            {"skipped", media.frames_skipped},
            {"without_memory", media.sends_dry},
            {"late_us", OfKnown(media.send_late_us, PercentilesOf)}}},
          {"received",
           {{"packets", media.packets_received},
            {"bytes", media.bytes_received},
            {"streams", media.streams},
            {"expected", media.expected},
            {"lost", media.lost},
            {"loss_ratio", LossRatioOf(media)},
            {"late", media.late},
            {"duplicates", media.duplicates},
            {"reordered", media.reordered},
            {"rtcp", media.rtcp_received},
            {"not_rtp", media.not_rtp},
            {"strays", media.strays},
            {"unannounced", media.unannounced},
            {"foreign", media.foreign},
            {"digits", media.digits_received},
            {"pattern_matched", media.pattern_matched},
            {"pattern_differed", media.pattern_differed},
            {"pattern_calls_failed", media.pattern_calls_failed},
            {"queue_drops", summary.media_queue_drops}}},
          {"rtcp",
           {{"sent", media.rtcp_sent},
            {"without_memory", media.rtcp_unsent},
            {"received", media.rtcp_received},
            {"malformed", media.rtcp_malformed},
            {"foreign", media.rtcp_foreign},
            {"strays", media.rtcp_strays}}},
          {"marks",
           {{"sent", media.marked_sent},
            {"unmarked_sent", media.unmarked_sent},
            {"mutual_calls", media.mark_mutual_calls},
            {"received", media.marked},
            {"unmarked", media.unmarked},
            {"lost", media.mark_lost},
            {"late", media.mark_late},
            {"duplicates", media.mark_duplicates},
            {"misrouted", media.misrouted},
            {"of_former_call", media.mark_former},
            {"other_clock", media.other_clock},
            {"one_way_us", OfKnown(media.one_way_us, PercentilesOf)},
            {"round_trip_us", OfKnown(media.round_trip_us, PercentilesOf)}}},
          {"call_loss_ppm", OfKnown(media.loss_ppm, PercentilesOf)},
          {"call_jitter_us", OfKnown(media.jitter_us, PercentilesOf)},
          {"call_gap_us", OfKnown(media.gap_us, PercentilesOf)},
          {"call_round_trip_us", OfKnown(media.rtcp_round_trip_us, PercentilesOf)},
          {"call_mos_milli", OfKnown(media.mos_milli, MosOf)},
          {"call_mos_cq_milli", OfKnown(media.mos_conversation_milli, MosOf)},
          {"calls_without_mos", media.unjudged},
          {"per_call_left_out", media.records_left_out},
          {"per_call", RecordsOf(summary.worker->media()->records())}};
}

Json LimitsOf(const RunSummary& summary) {
  const GeneratorLimits limits = JudgeLimits(summary);
  const LoadWorker& worker = *summary.worker;
  return {{"limited", limits.limited()},
          {"reasons", limits.reasons},
          {"start_lag_us", PercentilesOf(worker.statistics().start_lag_us)},
          {"late_start_share", limits.late_share},
          {"receive_lag_us", PercentilesOf(worker.counts().receive_lag_us)},
          {"late_receive_share", limits.late_receive_share},
          {"socket_queue_drops", summary.queue_drops},
          {"send_dropped", summary.io.send_dropped},
          {"receive_starved", summary.io.starved},
          {"no_room", worker.counts().calls_dry},
          {"no_memory", worker.store_dry()}};
}

std::string_view NameOf(RunEnd end) {
  switch (end) {
    case RunEnd::kDone:
      return "done";
    case RunEnd::kStopped:
      return "stopped";
    case RunEnd::kTimeout:
      return "timeout";
    case RunEnd::kTimeoutError:
      return "timeout_error";
    case RunEnd::kStopNow:
      return "stop_now";
    case RunEnd::kFatal:
      return "fatal";
  }
  return "";
}

}  // namespace

std::string WriteJsonReport(const RunSummary& summary) {
  const LoadWorker& worker = *summary.worker;
  const Statistics& statistics = worker.statistics();
  const RunCounts& counts = worker.counts();
  const double elapsed = Seconds(summary.elapsed);
  const double created = static_cast<double>(statistics.counts.created());
  const double cpu = Seconds(summary.user_cpu + summary.system_cpu);
  const int64_t users = std::max<int64_t>(summary.options->users, 0);
  const bool has_rate = !worker.is_server() && summary.options->users < 0;
  Json json = {{"scenario", summary.scenario->name},
               {"role", worker.is_server() ? "server" : "client"},
               {"local", summary.local},
               {"remote", summary.remote},
               {"started_unix_us", summary.started.unix_us},
               {"elapsed_s", elapsed},
               {"end", NameOf(summary.end)},
               {"exit_code", ExitCodeOf(summary)},
               {"why", WhyOf(summary)},
               {"calls", CallsOf(statistics)},
               {"rate",
                {{"asked_per_s", has_rate ? worker.rate().calls_per_second() : 0},
                 {"users", users},
                 {"achieved_per_s", elapsed > 0 ? created / elapsed : 0},
                 {"planned", counts.planned},
                 {"not_opened_because_of_limit", counts.not_opened}}},
               {"response_times", LatenciesOf(*summary.scenario, statistics)},
               {"call_length_us", PercentilesOf(statistics.call_length.actual_us)},
               {"steps", StepsOf(*summary.scenario, statistics)},
               {"messages",
                {{"out_of_call", counts.out_of_call},
                 {"dead_call", counts.dead_call},
                 {"not_sip", counts.not_sip},
                 {"auto_answered", counts.auto_answered + statistics.counts.auto_answered},
                 {"icmp_errors", counts.icmp_errors},
                 {"received", summary.io.received},
                 {"sent", summary.io.sent}}},
               {"could_not_write", summary.file_losses},
               {"generator", LimitsOf(summary)},
               {"cpu",
                {{"user_s", Seconds(summary.user_cpu)},
                 {"system_s", Seconds(summary.system_cpu)},
                 {"us_per_call", created > 0 ? cpu * 1e6 / created : 0}}}};
  Json counters = Json::object();
  for (size_t i = 0; i < statistics.counters.size(); ++i) {
    counters[summary.scenario->counters[i]] = statistics.counters[i];
  }
  json["counters"] = counters;
  if (worker.media() != nullptr) json["media"] = MediaOf(summary);
  if (const Statistics* ooc = worker.out_of_call_statistics()) json["out_of_call"] = CallsOf(*ooc);
  // A peer's Call-ID, a scenario's name: bytes of others, which need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace loadgen

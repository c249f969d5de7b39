#include "loadgen/report.h"

#include <algorithm>
#include <cstdio>

#include "core/base/concat.h"
#include "loadgen/media/media_report.h"

namespace loadgen {
namespace {

using core::Histogram;

constexpr double kPercentiles[] = {50, 90, 95, 99, 99.9};

double Seconds(core::Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

double PerSecond(uint64_t count, core::Duration elapsed) {
  return elapsed <= core::Duration{0} ? 0 : static_cast<double>(count) / Seconds(elapsed);
}

// A number with as many decimals as a reader wants.
std::string Number(double value, int decimals) {
  char text[64];
  (void)std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

std::string Milliseconds(int64_t us) { return Number(static_cast<double>(us) / 1000, 2); }

std::string Padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

void AppendLine(std::string_view name, std::string_view value, std::string* out) {
  *out += core::Concat("  ", Padded(std::string(name), 26), value, "\n");
}

std::string PercentileText(const Histogram& us) {
  std::string text;
  for (const double percent : kPercentiles) {
    text += core::Concat("p", Number(percent, percent == 99.9 ? 1 : 0), " ",
                         Milliseconds(us.Percentile(percent)), "  ");
  }
  return core::Concat(text, "max ", Milliseconds(us.max()), " ms");
}

// With -users there is no rate: who has ended calls again.
std::string AskedFor(const RunSummary& summary) {
  const int64_t users = summary.options->users;
  if (users >= 0) return core::Concat(users, " users");
  return core::Concat(Number(summary.worker->rate().calls_per_second(), 1), "/s asked");
}

double LateShare(const Histogram& us) {
  if (us.count() == 0) return 0;
  const int64_t limit = GeneratorLimits::kLagMax / std::chrono::microseconds(1);
  return 1 - static_cast<double>(us.CountUpTo(limit)) / static_cast<double>(us.count());
}

void AppendLatencies(const RunSummary& summary, std::string* out) {
  const Statistics& statistics = summary.worker->statistics();
  for (size_t i = 0; i < statistics.response_times.size(); ++i) {
    const DurationStatistics& time = statistics.response_times[i];
    if (time.actual_us.count() == 0) continue;
    const std::string name = core::Concat("response time ", summary.scenario->rtds[i]);
    AppendLine(core::Concat(name, ", planned"), PercentileText(time.planned_us), out);
    AppendLine(core::Concat(name, ", sent"), PercentileText(time.actual_us), out);
  }
  if (statistics.call_length.actual_us.count() > 0) {
    AppendLine("call length", PercentileText(statistics.call_length.actual_us), out);
  }
}

void AppendFailures(const CallCounts& counts, std::string* out) {
  for (size_t i = 1; i < kFailureCount; ++i) {
    if (counts.failures[i] == 0) continue;
    AppendLine(core::Concat("  ", Name(static_cast<Failure>(i))), core::Concat(counts.failures[i]),
               out);
  }
}

void AppendSteps(const RunSummary& summary, std::string* out) {
  *out += "\n  step                      messages  again  timeouts  unexpected  lost\n";
  const std::vector<StepCounts>& steps = summary.worker->statistics().steps;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = summary.scenario->steps[i];
    if (step.hidden || std::holds_alternative<NopStep>(step.what)) continue;
    char line[128];
    (void)std::snprintf(line, sizeof(line), "  %-24s %9llu %6llu %9llu %11llu %5llu\n",
                        core::Concat(i, " ", StepName(step)).c_str(),
                        static_cast<unsigned long long>(steps[i].messages),
                        static_cast<unsigned long long>(steps[i].retransmits),
                        static_cast<unsigned long long>(steps[i].timeouts),
                        static_cast<unsigned long long>(steps[i].unexpected),
                        static_cast<unsigned long long>(steps[i].lost));
    *out += line;
  }
}

void AddMediaLimits(const RunSummary& summary, GeneratorLimits* limits) {
  const MediaStatistics& media = summary.worker->media()->statistics();
  const auto add = [limits](auto... pieces) { limits->reasons.push_back(core::Concat(pieces...)); };
  limits->late_packet_share = LateShare(media.send_late_us);
  if (limits->late_packet_share > GeneratorLimits::kLateShareMax) {
    add(Number(limits->late_packet_share * 100, 1),
        "% of the audio packets left more than 10 ms late (p99 ",
        Milliseconds(media.send_late_us.Percentile(99)), " ms)");
  }
  if (media.frames_skipped + media.sends_dry > 0) {
    add(media.frames_skipped + media.sends_dry, " audio packets were not sent: we were too slow");
  }
  if (summary.media_queue_drops > 0) {
    add(summary.media_queue_drops, " audio packets were dropped at our sockets: a queue was full");
  }
}

}  // namespace

std::string StepName(const Step& step) {
  if (const auto* send = std::get_if<SendStep>(&step.what)) {
    return core::Concat("send ", send->message.is_response()
                                     ? core::Concat(send->message.status_code)
                                     : send->message.method);
  }
  if (const auto* recv = std::get_if<RecvStep>(&step.what)) {
    if (recv->pattern) return core::Concat("recv ", recv->pattern->pattern());
    return core::Concat("recv ", recv->is_response ? core::Concat(recv->response) : recv->request);
  }
  if (const auto* pause = std::get_if<PauseStep>(&step.what)) {
    return pause->is_timewait ? "timewait" : "pause";
  }
  return "nop";
}

int ExitCodeOf(RunEnd end, const CallCounts& counts, uint64_t no_pattern) {
  if (end == RunEnd::kStopNow) return kExitInternal;
  if (end == RunEnd::kTimeoutError || end == RunEnd::kFatal) return kExitFatal;
  // What a signal cut off is not judged, here and in SIPp.
  if (no_pattern > 0 && end != RunEnd::kStopped) return kExitNoPattern;
  if (counts.failed > 0) return kExitCallsFailed;
  if (end == RunEnd::kTimeout && counts.successful == 0) return kExitInternal;
  return kExitOk;
}

int ExitCodeOf(RunEnd end, const LoadWorker& worker) {
  const MediaEngine* media = worker.media();
  return ExitCodeOf(end, worker.statistics().counts,
                    media == nullptr ? 0 : media->statistics().pattern_calls_failed);
}

int ExitCodeOf(const RunSummary& summary) {
  const int code = ExitCodeOf(summary.end, *summary.worker);
  return code == kExitOk && summary.results_lost ? int{kExitFatal} : code;
}

std::string WhyOf(const RunSummary& summary) {
  if (summary.end == RunEnd::kFatal) {
    std::string why = summary.worker->requests().why_fatal;
    // An <error> may quote a peer, whose bytes are not the terminal's to obey.
    std::replace_if(
        why.begin(), why.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    return why;
  }
  if (summary.end == RunEnd::kTimeoutError) return "the run did not end before -timeout";
  if (ExitCodeOf(summary) == kExitFatal) return "the statistics file is not whole";
  return {};
}

GeneratorLimits JudgeLimits(const RunSummary& summary) {
  GeneratorLimits limits;
  const LoadWorker& worker = *summary.worker;
  const RunCounts& counts = worker.counts();
  const Histogram& start = worker.statistics().start_lag_us;
  limits.late_share = LateShare(start);
  limits.late_receive_share = LateShare(counts.receive_lag_us);
  const auto add = [&limits](auto... pieces) { limits.reasons.push_back(core::Concat(pieces...)); };
  if (limits.late_share > GeneratorLimits::kLateShareMax) {
    add(Number(limits.late_share * 100, 1), "% of the calls began more than 10 ms late (p99 ",
        Milliseconds(start.Percentile(99)), " ms, max ", Milliseconds(start.max()), " ms)");
  }
  if (limits.late_receive_share > GeneratorLimits::kLateShareMax) {
    add(Number(limits.late_receive_share * 100, 1),
        "% of the messages waited more than 10 ms in our socket (p99 ",
        Milliseconds(counts.receive_lag_us.Percentile(99)), " ms)");
  }
  if (summary.queue_drops > 0) {
    add(summary.queue_drops, " datagrams were dropped at our socket, whose queue was full");
  }
  if (worker.media() != nullptr) AddMediaLimits(summary, &limits);
  if (summary.io.send_dropped > 0) {
    add(summary.io.send_dropped, " datagrams were not sent: our send buffer was full");
  }
  if (counts.calls_dry > 0) add(counts.calls_dry, " calls or messages found no room here");
  if (worker.store_dry() > 0) add(worker.store_dry(), " messages found no memory here");
  return limits;
}

std::string WriteReport(const RunSummary& summary) {
  const LoadWorker& worker = *summary.worker;
  const Statistics& statistics = worker.statistics();
  const CallCounts& counts = statistics.counts;
  const RunCounts& run = worker.counts();
  std::string out = core::Concat("\n", summary.scenario->name, " on ", summary.local);
  if (!summary.remote.empty()) out += core::Concat(", to ", summary.remote);
  out += "\n";
  AppendLine("time", core::Concat(Number(Seconds(summary.elapsed), 3), " s"), &out);
  AppendLine(
      "calls",
      core::Concat(counts.created(), " (", Number(PerSecond(counts.created(), summary.elapsed), 1),
                   "/s), at once ", statistics.peak),
      &out);
  if (!worker.is_server()) {
    AppendLine("planned",
               core::Concat(run.planned, " (", AskedFor(summary), "), ", run.not_opened,
                            " not opened because of -l"),
               &out);
  }
  AppendLine("successful", core::Concat(counts.successful), &out);
  AppendLine("failed", core::Concat(counts.failed), &out);
  AppendFailures(counts, &out);
  AppendLine("retransmissions", core::Concat(counts.retransmits), &out);
  if (run.dead_call > 0) AppendLine("after their call", core::Concat(run.dead_call), &out);
  if (run.out_of_call > 0) AppendLine("of no call", core::Concat(run.out_of_call), &out);
  const Statistics* ooc = worker.out_of_call_statistics();
  const uint64_t answered =
      counts.auto_answered + run.auto_answered + (ooc == nullptr ? 0 : ooc->counts.auto_answered);
  if (answered > 0) AppendLine("answered by default", core::Concat(answered), &out);
  if (run.icmp_errors > 0) AppendLine("unreachable (ICMP)", core::Concat(run.icmp_errors), &out);
  AppendLatencies(summary, &out);
  AppendSteps(summary, &out);

  out += "\n";
  if (worker.media() != nullptr) {
    out += core::Concat(WriteMediaReport(worker.media()->statistics()), "\n");
  }
  if (!worker.is_server()) {
    AppendLine("start lag", PercentileText(statistics.start_lag_us), &out);
  }
  AppendLine("receive lag", PercentileText(run.receive_lag_us), &out);
  const double cpu_us = Seconds(summary.user_cpu + summary.system_cpu) * 1e6;
  AppendLine("CPU",
             core::Concat(Number(Seconds(summary.user_cpu), 2), " s user, ",
                          Number(Seconds(summary.system_cpu), 2), " s system, ",
                          counts.created() == 0
                              ? std::string("-")
                              : Number(cpu_us / static_cast<double>(counts.created()), 1),
                          " us a call"),
             &out);
  for (const std::string& loss : summary.file_losses) AppendLine("could not write", loss, &out);
  const std::string why = WhyOf(summary);
  if (!why.empty()) AppendLine("exit code", core::Concat(ExitCodeOf(summary), ": ", why), &out);
  const GeneratorLimits limits = JudgeLimits(summary);
  AppendLine("generator limited", limits.limited() ? "yes" : "no", &out);
  for (const std::string& reason : limits.reasons) out += core::Concat("    ", reason, "\n");
  return out;
}

std::string WriteProgress(const LoadWorker& worker, uint64_t calls_before,
                          core::Duration interval) {
  const Statistics& statistics = worker.statistics();
  const CallCounts& counts = statistics.counts;
  return core::Concat(Number(Seconds(worker.now() - worker.started()), 0), " s: ", counts.created(),
                      " calls (", Number(PerSecond(counts.created() - calls_before, interval), 1),
                      "/s), ", statistics.current, " open, ", counts.successful, " ok, ",
                      counts.failed, " failed, ", counts.retransmits, " retransmissions",
                      worker.phase() == LoadWorker::Phase::kDraining ? ", draining"
                      : worker.paused()                              ? ", paused"
                                                                     : "");
}

}  // namespace loadgen

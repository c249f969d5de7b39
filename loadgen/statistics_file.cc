#include "loadgen/statistics_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <span>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/sip/text_writer.h"
#include "loadgen/time_text.h"

namespace loadgen {
namespace {

using core::Duration;

// SIPp's failure columns, in its order; what we cannot fail by is kNone.
constexpr std::pair<std::string_view, Failure> kFailureColumns[] = {
    {"CannotSendMessage", Failure::kCannotSendMessage},
    {"MaxUDPRetrans", Failure::kMaxUdpRetransmits},
    {"TcpConnect", Failure::kNone},
    {"TcpClosed", Failure::kNone},
    {"UnexpectedMessage", Failure::kUnexpectedMessage},
    {"CallRejected", Failure::kCallRejected},
    {"CmdNotSent", Failure::kNone},
    {"RegexpDoesntMatch", Failure::kRegexpDoesntMatch},
    {"RegexpShouldntMatch", Failure::kRegexpShouldntMatch},
    {"RegexpHdrNotFound", Failure::kRegexpHeaderNotFound},
    {"OutboundCongestion", Failure::kNone},
    {"TimeoutOnRecv", Failure::kTimeoutOnRecv},
    {"TimeoutOnSend", Failure::kNone},
    {"TestDoesntMatch", Failure::kTestDoesntMatch},
    {"TestShouldntMatch", Failure::kTestShouldntMatch},
    {"StrcmpDoesntMatch", Failure::kStrcmpDoesntMatch},
    {"StrcmpShouldntMatch", Failure::kStrcmpShouldntMatch},
};

// Behind SIPp's own, where calls have audio.
constexpr std::pair<std::string_view, uint64_t MediaStatistics::*> kMediaColumns[] = {
    {"AudioCalls", &MediaStatistics::calls},
    {"AudioSilentCalls", &MediaStatistics::silent_calls},
    {"AudioStreams", &MediaStatistics::streams},
    {"AudioPacketsSent", &MediaStatistics::packets_sent},
    {"AudioPacketsReceived", &MediaStatistics::packets_received},
    {"AudioPacketsExpected", &MediaStatistics::expected},
    {"AudioPacketsLost", &MediaStatistics::lost},
    {"AudioPacketsLate", &MediaStatistics::late},
    {"AudioPacketsDuplicated", &MediaStatistics::duplicates},
    {"AudioPacketsMisrouted", &MediaStatistics::misrouted},
};

constexpr double kPercents[] = {50, 95, 99};
constexpr double kMosPercents[] = {50, 5, 1};

std::string Wall(core::WallTime wall, int32_t utc_offset_s) {
  char memory[128];
  core::sip::TextWriter out(memory);
  WriteWallTime(wall, utc_offset_s, &out);
  return std::string(out.text());
}

std::string Format(const char* format, auto... values) {
  char text[64];
  (void)std::snprintf(text, sizeof(text), format, values...);
  return text;
}

// 00:01:30, and 00:01:30:123456 where SIPp has microseconds.
std::string Clock(int64_t us, bool with_microseconds) {
  const long long seconds = us / 1'000'000;
  std::string text =
      Format("%02lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (!with_microseconds) return text;
  return text + Format(":%06lld", static_cast<long long>(us % 1'000'000));
}

std::string Elapsed(Duration duration) {
  return Clock(duration / std::chrono::microseconds(1), false);
}

std::string Milliseconds(double ms) { return Clock(static_cast<int64_t>(ms * 1000), true); }

std::string Rate(uint64_t calls, Duration elapsed) {
  const double seconds = static_cast<double>(elapsed.count()) / 1e9;
  return Format("%g", seconds > 0 ? static_cast<double>(calls) / seconds : 0.0);
}

std::string Thousandths(int64_t value) { return Format("%.3f", static_cast<double>(value) / 1000); }

std::string PercentOfMillionths(int64_t value) {
  return Format("%.4f", static_cast<double>(value) / 1e4);
}

class Columns {
 public:
  void Add(std::string_view value) {
    text_ += value;
    text_ += ';';
  }
  void Add(uint64_t period, uint64_t all) {
    Add(core::Concat(period));
    Add(core::Concat(all));
  }
  void AddBoth(std::string_view name) {
    Add(core::Concat(name, "(P)"));
    Add(core::Concat(name, "(C)"));
  }
  void Add(const Moments& period, const Moments& all) {
    Add(Milliseconds(period.mean()));
    Add(Milliseconds(all.mean()));
    Add(Milliseconds(period.deviation()));
    Add(Milliseconds(all.deviation()));
  }
  void AddBorders(std::string_view name, const std::vector<uint32_t>& borders) {
    if (borders.empty()) return;
    Add(name);
    for (const uint32_t border : borders) Add(core::Concat(name, "_<", border));
    Add(core::Concat(name, "_>=", borders.back()));
  }
  void AddRepartition(const std::vector<uint64_t>& counts) {
    if (counts.empty()) return;
    Add("");
    for (const uint64_t count : counts) Add(core::Concat(count));
  }
  std::string Take() { return text_ + "\n"; }

 private:
  std::string text_;
};

// What nobody knew is empty, and not 0.
void AddKnown(const core::Histogram& values, std::span<const double> percents,
              std::string (*write)(int64_t), Columns* out) {
  for (const double percent : percents) {
    out->Add(values.count() == 0 ? std::string() : write(values.Percentile(percent)));
  }
}

}  // namespace

StatisticsFile::StatisticsFile(const Scenario* scenario, const LoadWorker* worker,
                               int32_t utc_offset_s)
    : scenario_(*scenario), worker_(*worker), utc_offset_s_(utc_offset_s), start_(Take()) {
  last_ = start_;
}

absl::Status StatisticsFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, core::Concat("-stf ", path));
  close(fd);
  RETURN_IF_ERROR(file_.Open(path));
  file_.Write(Header());
  return absl::OkStatus();
}

StatisticsFile::Snapshot StatisticsFile::Take() const {
  const Statistics& statistics = worker_.statistics();
  Snapshot snapshot{
      .calls = statistics.counts,
      .out_of_call = worker_.counts().out_of_call,
      .dead_call = worker_.counts().dead_call,
      .auto_answered = statistics.counts.auto_answered + worker_.counts().auto_answered,
      .response_times = {},
      .call_length = statistics.call_length.moments,
      .counters = statistics.counters,
      .media = {},
      .at = worker_.now(),
      .wall = worker_.wall()};
  for (const DurationStatistics& time : statistics.response_times) {
    snapshot.response_times.push_back(time.moments);
  }
  if (worker_.media() != nullptr) {
    for (const auto& column : kMediaColumns) {
      snapshot.media.push_back(worker_.media()->statistics().*column.second);
    }
  }
  return snapshot;
}

std::string StatisticsFile::Header() const {
  Columns out;
  for (const char* name : {"StartTime", "LastResetTime", "CurrentTime", "ElapsedTime(P)",
                           "ElapsedTime(C)", "TargetRate", "CallRate(P)", "CallRate(C)"}) {
    out.Add(name);
  }
  out.AddBoth("IncomingCall");
  out.AddBoth("OutgoingCall");
  out.Add("TotalCallCreated");
  out.Add("CurrentCall");
  out.AddBoth("SuccessfulCall");
  out.AddBoth("FailedCall");
  for (const auto& column : kFailureColumns) out.AddBoth(core::Concat("Failed", column.first));
  for (const char* name : {"OutOfCallMsgs", "DeadCallMsgs", "Retransmissions", "AutoAnswered",
                           "Warnings", "FatalErrors", "WatchdogMajor", "WatchdogMinor"}) {
    out.AddBoth(name);
  }
  for (const std::string& name : scenario_.rtds) {
    out.AddBoth(core::Concat("ResponseTime", name));
    out.AddBoth(core::Concat("ResponseTime", name, "StDev"));
  }
  out.AddBoth("CallLength");
  out.AddBoth("CallLengthStDev");
  for (const std::string& name : scenario_.counters) out.AddBoth(name);
  for (const std::string& name : scenario_.rtds) {
    out.AddBorders(core::Concat("ResponseTimeRepartition", name),
                   scenario_.response_time_borders_ms);
  }
  out.AddBorders("CallLengthRepartition", scenario_.call_length_borders_ms);
  if (worker_.media() == nullptr) return out.Take();
  for (const auto& column : kMediaColumns) out.AddBoth(column.first);
  for (const char* name : {"AudioSendLateMs", "AudioJitterMs"}) {
    for (const double percent : kPercents) out.Add(Format("%s_p%g", name, percent));
  }
  for (const double percent : kMosPercents) out.Add(Format("AudioMos_p%g", percent));
  for (const char* name : {"AudioLossPercent", "AudioGapMs", "AudioRoundTripMs"}) {
    for (const double percent : kPercents) out.Add(Format("%s_p%g", name, percent));
  }
  for (const double percent : kMosPercents) out.Add(Format("AudioMosCq_p%g", percent));
  return out.Take();
}

std::string StatisticsFile::Line(const Snapshot& now) const {
  const Statistics& statistics = worker_.statistics();
  const Duration all = now.at - start_.at;
  const Duration period = now.at - last_.at;
  Columns out;
  out.Add(Wall(start_.wall, utc_offset_s_));
  out.Add(Wall(last_.wall, utc_offset_s_));
  out.Add(Wall(now.wall, utc_offset_s_));
  out.Add(Elapsed(period));
  out.Add(Elapsed(all));
  // Of users SIPp tells how many there are.
  const double rate =
      worker_.users() >= 0 ? static_cast<double>(worker_.users()) : worker_.rate().rate();
  out.Add(worker_.is_server() ? std::string("0") : Format("%g", rate));
  out.Add(Rate(now.calls.created() - last_.calls.created(), period));
  out.Add(Rate(now.calls.created(), all));
  out.Add(now.calls.incoming - last_.calls.incoming, now.calls.incoming);
  out.Add(now.calls.outgoing - last_.calls.outgoing, now.calls.outgoing);
  out.Add(core::Concat(now.calls.created()));
  out.Add(core::Concat(statistics.current));
  out.Add(now.calls.successful - last_.calls.successful, now.calls.successful);
  out.Add(now.calls.failed - last_.calls.failed, now.calls.failed);
  for (const auto& column : kFailureColumns) {
    const auto i = static_cast<size_t>(column.second);
    out.Add(now.calls.failures[i] - last_.calls.failures[i], now.calls.failures[i]);
  }
  out.Add(now.out_of_call - last_.out_of_call, now.out_of_call);
  out.Add(now.dead_call - last_.dead_call, now.dead_call);
  out.Add(now.calls.retransmits - last_.calls.retransmits, now.calls.retransmits);
  out.Add(now.auto_answered - last_.auto_answered, now.auto_answered);
  out.Add(now.calls.warnings - last_.calls.warnings, now.calls.warnings);
  for (int i = 0; i < 3; ++i) out.Add(0, 0);  // Fatal errors end the run; there is no watchdog.
  for (size_t i = 0; i < now.response_times.size(); ++i) {
    out.Add(now.response_times[i] - last_.response_times[i], now.response_times[i]);
  }
  out.Add(now.call_length - last_.call_length, now.call_length);
  for (size_t i = 0; i < now.counters.size(); ++i) {
    out.Add(now.counters[i] - last_.counters[i], now.counters[i]);
  }
  for (const DurationStatistics& time : statistics.response_times) {
    out.AddRepartition(time.repartition);
  }
  out.AddRepartition(statistics.call_length.repartition);
  if (worker_.media() == nullptr) return out.Take();
  for (size_t i = 0; i < now.media.size(); ++i) {
    out.Add(now.media[i] - last_.media[i], now.media[i]);
  }
  const MediaStatistics& media = worker_.media()->statistics();
  AddKnown(media.send_late_us, kPercents, Thousandths, &out);
  AddKnown(media.jitter_us, kPercents, Thousandths, &out);
  AddKnown(media.mos_milli, kMosPercents, Thousandths, &out);
  AddKnown(media.loss_ppm, kPercents, PercentOfMillionths, &out);
  AddKnown(media.gap_us, kPercents, Thousandths, &out);
  AddKnown(media.rtcp_round_trip_us, kPercents, Thousandths, &out);
  AddKnown(media.mos_conversation_milli, kMosPercents, Thousandths, &out);
  return out.Take();
}

void StatisticsFile::WriteLine() {
  const Snapshot now = Take();
  file_.Write(Line(now));
  last_ = now;
}

}  // namespace loadgen

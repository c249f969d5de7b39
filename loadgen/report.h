#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/base/out_of_memory.h"
#include "core/net/packet_io.h"
#include "loadgen/load_worker.h"
#include "loadgen/options.h"
#include "loadgen/scenario.h"

namespace loadgen {

/// SIPp's exit codes.
enum ExitCode : int {
  kExitOk = 0,           // All calls succeeded.
  kExitCallsFailed = 1,  // At least one did not.
  kExitInternal = 97,    // Stopped (-timeout, stop_now) without a successful call.
  kExitNothingRun = 99,  // -h, -v, -sd, and the parent of -bg.
  kExitFatal = 255,      // Wrong from the start, or a file of results that could not be written.
  kExitNoSocket = 254,
  kExitNoPattern = 253,  // What "apattern" sent did not come back: MediaEngine::PatternFailed().
};

/// What it needs it has at the start, so that is wrong with the run, and no call has failed.
inline constexpr core::OutOfMemoryAnswer kOutOfMemory = {
    .program = "ringfence-load", .advice = "lower -l and --media_calls", .exit_code = kExitFatal};

/// How the run came to its end.
enum class RunEnd : uint8_t {
  kDone,          // All calls were made, or a signal or stop_gracefully let them end.
  kStopped,       // A signal that would not wait.
  kTimeout,       // -timeout
  kTimeoutError,  // -timeout with -timeout_error
  kStopNow,       // exec int_cmd="stop_now"
  kFatal,         // <error>, or files that do not fit
};

/// `no_pattern`: so many calls were without the pattern that they sent. It says more than that
/// calls failed, and less than that the run did (SIPp).
int ExitCodeOf(RunEnd end, const CallCounts& counts, uint64_t no_pattern);
int ExitCodeOf(RunEnd end, const LoadWorker& worker);  // Of a run that lost no results.

/// Everything that a report is made of.
struct RunSummary {
  const Options* options = nullptr;
  const Scenario* scenario = nullptr;
  const LoadWorker* worker = nullptr;
  RunEnd end = RunEnd::kDone;
  std::string local;   // host:port
  std::string remote;  // Empty in a server.
  core::Duration elapsed{0};
  core::WallTime started;
  core::Duration user_cpu{0};
  core::Duration system_cpu{0};
  core::net::IoCounters io;
  uint64_t queue_drops = 0;
  uint64_t media_queue_drops = 0;
  std::vector<std::string> file_losses;  // "3 lines of FILE": the disk is full.
  // Some of them were of the statistics file. Traces are not results: what they lost is in the
  // report, and a run of days is not failed for it.
  bool results_lost = false;
};
int ExitCodeOf(const RunSummary& summary);
/// Why the exit code is 255, in words; empty where it is another one.
std::string WhyOf(const RunSummary& summary);

/// Why the figures say something about the generator rather than about its target.
///
/// A call that began more than kLagMax after its planned instant, or a message that waited as long
/// in our socket, was late by our own doing; more than one in a hundred, or any datagram that was
/// lost here, and the generator was the limit.
struct GeneratorLimits {
  static constexpr core::Duration kLagMax = std::chrono::milliseconds(10);
  static constexpr double kLateShareMax = 0.01;

  bool limited() const { return !reasons.empty(); }
  double late_share = 0;          // Of the calls.
  double late_receive_share = 0;  // Of the messages.
  double late_packet_share = 0;   // Of the audio packets sent.
  std::vector<std::string> reasons;
};
GeneratorLimits JudgeLimits(const RunSummary& summary);

/// "send INVITE", "recv 180", "pause".
std::string StepName(const Step& step);

/// For people.
std::string WriteReport(const RunSummary& summary);
/// For machines: one JSON object.
std::string WriteJsonReport(const RunSummary& summary);

/// One line about a run that goes on.
std::string WriteProgress(const LoadWorker& worker, uint64_t calls_before, core::Duration interval);

}  // namespace loadgen

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"
#include "loadgen/injection_file.h"
#include "loadgen/keyboard.h"
#include "loadgen/load_worker.h"
#include "loadgen/media/media_record_file.h"
#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/scenario.h"
#include "loadgen/statistics_file.h"
#include "loadgen/trace.h"

namespace loadgen {

/// One run of the generator, from the command line's meaning to the report.
///
/// Errors: Prepare() says what is wrong with a file, a name or an option; Open() that there is no
///         socket; Start() which file cannot be written.
/// Thread: one.
class LoadRun {
 public:
  /// `options` and `clock` outlive the run.
  LoadRun(const Options* options, core::Clock* clock);
  ~LoadRun();
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  /// Reads scenarios and files, resolves names.
  absl::Status Prepare();
  /// Opens the socket.
  absl::Status Open();
  /// Opens the files, whose names have this process in them, and makes the worker.
  absl::Status Start();
  /// Makes the calls, until all are done or somebody wants it to end; writes the files and the
  /// report. Returns SIPp's exit code.
  int Run();

 private:
  absl::Status ReadInjections();
  absl::Status ReadScenarios();
  absl::Status ReadAddresses();
  absl::Status CheckGlobals() const;
  absl::Status SetGlobals();
  absl::Status OpenFiles();
  std::string FileName(const std::string& given, std::string_view suffix) const;
  void Look();
  void LookAtSignals();
  void LookAtKeys();
  void LookAtTimeout();
  void LetCallsEnd(std::string_view how_to_end_now);
  void EndCalls();
  void ShowProgress();
  RunSummary Summarize() const;
  bool WriteReports(const RunSummary& summary) const;
  std::vector<std::string> FileLosses() const;

  const Options& options_;
  core::Clock* clock_;
  core::Random random_;
  InjectionFiles injections_;
  std::unique_ptr<Scenario> scenario_;
  std::unique_ptr<Scenario> out_of_call_;
  std::string scenario_name_;  // For the names of files.

  core::Endpoint remote_;  // Of the command line; port 0: none.
  core::Endpoint target_;  // Where datagrams go.
  core::Endpoint bind_;
  std::string remote_ip_;
  std::string local_ip_;
  std::string media_ip_;
  core::IpAddress media_address_;  // Of -mi.
  std::string auth_username_;
  RunValues values_;

  core::FileLogSink messages_;
  core::FileLogSink errors_;
  Trace trace_;
  std::unique_ptr<core::net::UringIo> io_;
  core::SocketId socket_;
  std::unique_ptr<LoadWorker> worker_;
  std::optional<MediaRecordFile> media_file_;
  std::optional<StatisticsFile> statistics_file_;

  Keyboard keyboard_;
  RunEnd end_ = RunEnd::kDone;
  bool shows_progress_ = false;
  core::Instant looked_{};
  core::Instant shown_{};
  core::Instant written_{};
  uint64_t shown_calls_ = 0;
};

}  // namespace loadgen

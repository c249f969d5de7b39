#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/instant.h"
#include "core/base/log.h"
#include "loadgen/load_worker.h"
#include "loadgen/scenario.h"
#include "loadgen/statistics.h"

namespace loadgen {

/// -trace_stat: SIPp's statistics file, its columns in its order.
///
/// A column ends in (P) for the period since the last line, or (C) for the whole run. What we have
/// no such thing for (TCP, commands, watchdogs) is there, and 0.
///
/// Lifetime: borrows the scenario and the worker.
/// Errors:   Open() says why the file cannot be written.
class StatisticsFile {
 public:
  StatisticsFile(const Scenario* scenario, const LoadWorker* worker, int32_t utc_offset_s);

  absl::Status Open(const std::string& path);
  /// One more line: after each -fd, and at the end.
  void WriteLine();
  /// Lines that the system refused: the disk is full.
  uint64_t lost() const { return file_.lost(); }

 private:
  struct Snapshot {
    CallCounts calls;
    uint64_t out_of_call = 0;
    uint64_t dead_call = 0;
    uint64_t auto_answered = 0;
    std::vector<Moments> response_times;
    Moments call_length;
    std::vector<uint64_t> counters;
    std::vector<uint64_t> media;  // As kMediaColumns, where calls have audio.
    core::Instant at;
    core::WallTime wall;
  };

  Snapshot Take() const;
  std::string Header() const;
  std::string Line(const Snapshot& now) const;

  const Scenario& scenario_;
  const LoadWorker& worker_;
  int32_t utc_offset_s_;
  core::FileLogSink file_;
  Snapshot start_;
  Snapshot last_;
};

}  // namespace loadgen

#include "loadgen/media/media_record_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/buffer/text_writer.h"

namespace loadgen {
namespace {

class Line {
 public:
  void Add(uint64_t number) {
    out_.AppendNumber(number);
    out_.Append(';');
  }
  void AddName(std::string_view name) {
    for (const char character : name) {
      const bool is_plain = character > ' ' && character != ';' && character != '"';
      out_.Append(is_plain ? character : '_');
    }
    out_.Append(';');
  }
  void AddThousandths(const std::optional<int64_t>& value) {
    if (value) AppendThousandths(*value);
    out_.Append(';');
  }
  void AddThousandths(const std::optional<double>& value) {
    if (value) AppendThousandths(std::lround(*value * 1000));
    out_.Append(';');
  }
  void Add(const CallIdentity& call) {
    if (call.run != 0) {
      out_.AppendNumber(call.run);
      out_.Append('-');
      out_.AppendNumber(call.call);
    }
    out_.Append(';');
  }
  void AddNothing(int columns) {
    for (int i = 0; i < columns; ++i) out_.Append(';');
  }
  std::string_view End() {
    out_.Append('\n');
    return out_.text();
  }

 private:
  void AppendThousandths(int64_t value) {
    const auto count = static_cast<uint64_t>(value < 0 ? 0 : value);
    out_.AppendNumber(count / 1000);
    const uint64_t rest = count % 1000;
    const char digits[] = {'.', static_cast<char>('0' + rest / 100),
                           static_cast<char>('0' + rest / 10 % 10),
                           static_cast<char>('0' + rest % 10)};
    out_.Append({digits, sizeof(digits)});
  }

  char memory_[1024];  // 29 columns of at most 20 characters, a Call-ID and digits.
  core::TextWriter out_{memory_};
};

}  // namespace

std::string_view MediaRecordFile::Header() {
  return "EndUnixMs;Call;CallId;PacketsSent;PacketsReceived;PacketsExpected;PacketsLost;"
         "PacketsLate;PacketsDuplicated;PacketsMisrouted;LossPercent;JitterMs;GapMs;RoundTripMs;"
         "Mos;MosCq;MarkOwn;MarkPeer;MarkMutual;MarksSent;UnmarkedSent;MarksExpected;MarksLost;"
         "Unmarked;PacketsEchoed;PacketsForeign;BytesReceived;PacketsReordered;SsrcChanges;"
         "PayloadSwitches;Digits;\n";
}

absl::Status MediaRecordFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, core::Concat("-media_file ", path));
  close(fd);
  RETURN_IF_ERROR(file_.Open(path));
  file_.Write(Header());
  return absl::OkStatus();
}

void MediaRecordFile::Write(const MediaRecord& record, core::WallTime wall) {
  Line line;
  line.Add(static_cast<uint64_t>(wall.unix_us / 1000));
  line.Add(record.number);
  line.AddName(record.call_id.view());
  line.Add(record.sent);
  line.Add(record.received);
  line.Add(record.expected);
  line.Add(record.lost);
  line.Add(record.late);
  line.Add(record.duplicates);
  line.Add(record.misrouted);
  std::optional<double> loss;
  if (record.expected > 0) loss = 100.0 * record.lost / record.expected;
  line.AddThousandths(loss);
  line.AddThousandths(record.jitter_us);
  line.AddThousandths(record.gap_us);
  line.AddThousandths(record.round_trip_us);
  line.AddThousandths(record.mos);
  line.AddThousandths(record.mos_conversation);
  if (record.marks) {
    line.Add(record.marks->own);
    line.Add(record.marks->peer);
    line.Add(record.marks->is_mutual ? 1 : 0);
    line.Add(record.marks->sent);
    line.Add(record.marks->unmarked_sent);
    line.Add(record.marks->expected);
    line.Add(record.marks->lost);
    line.Add(record.marks->unmarked);
  } else {
    line.AddNothing(8);
  }
  line.Add(record.echoed);
  line.Add(record.foreign);
  line.Add(record.bytes);
  line.Add(record.reordered);
  line.Add(record.ssrc_changes);
  line.Add(record.payload_switches);
  line.AddName(record.digits.view());
  file_.Write(line.End());
}

}  // namespace loadgen

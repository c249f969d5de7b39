#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/instant.h"

namespace loadgen {

/// What to do by itself where the scenario says nothing (-default_behaviors).
struct DefaultBehaviors {
  bool bye = true;         // BYE or CANCEL a call that is given up.
  bool abort = true;       // Give a call up at an unexpected message.
  bool ping_reply = true;  // 200 to a PING.
  bool cseq = true;        // Give a call up at an ACK whose CSeq is not the INVITE's.
};

/// The command line: SIPp's names, meanings and defaults, and four options of ours.
///
/// Shape:  `--opt` is `-opt`; times take ms, s, m or h; the remote host[:port] stands anywhere,
///         once. An option that may be repeated says so in the help.
/// Errors: ParseOptions() names the option, the value and what was wanted. What SIPp knows and we
///         do not is "not supported yet".
struct Options {
  using Words = std::map<std::string, std::string, std::less<>>;
  static constexpr int kWorkersMax = 256;

  // Which scenario.
  std::string scenario_file;          // -sf
  std::string scenario_name = "uac";  // -sn
  std::string dump_scenario;          // -sd
  std::string out_of_call_file;       // -oocsf
  std::string out_of_call_name;       // -oocsn

  // Addresses.
  std::string remote_host;  // The one word that is no option; empty in a server.
  uint16_t remote_port = 5060;
  std::string send_host;  // -rsa; empty: the remote host.
  uint16_t send_port = 5060;
  std::string local_ip;             // -i; empty: the address of the default route.
  uint16_t local_port = 0;          // -p; 0: any.
  std::string media_ip;             // -mi; empty: the local one.
  uint16_t media_port = 6000;       // -mp, -min_rtp_port
  uint16_t media_port_max = 65535;  // -max_rtp_port
  uint64_t media_calls = 0;         // --media_calls; 0: -l's, or what -l would be.
  uint8_t rtp_payload_type = 8;     // -rtp_payload
  bool media_marks = false;         // --media_marks
  bool rtcp = true;                 // Not with -no_rtcp.
  bool rtp_echo = false;            // -rtp_echo
  /// Each call has ports of its own and is measured, though its scenario names nothing that needs
  /// them: what comes to [media_port] is not read otherwise, as few calls of SIPp's have audio.
  bool wants_media() const { return rtp_echo || media_marks || trace_media || media_calls != 0; }
  double audio_tolerance = 1;  // -audiotolerance
  int buffer_bytes = 0;        // -buff_size; 0: as large as the kernel allows.

  // Calls and their pace.
  double rate = 10;                                      // -r, calls a period.
  core::Duration rate_period = std::chrono::seconds(1);  // -rp
  double rate_increase = 0;                              // -rate_increase
  core::Duration rate_interval{0};                       // -rate_interval; 0: -fd's.
  double rate_max = 0;                                   // -rate_max; 0: none.
  bool rate_max_quits = true;                            // Not with -no_rate_quit.
  uint64_t calls = 0;                                    // -m; 0: no end.
  uint64_t calls_at_once = 0;                            // -l; 0: 3 * rate * duration.
  int64_t users = -1;                                    // -users; -1: open loop.
  core::Duration call_duration{0};                       // -d

  // What a call says.
  std::string service = "service";                                // -s
  std::string auth_username;                                      // -au; empty: -s's.
  std::string auth_password = "password";                         // -ap
  std::string auth_uri;                                           // -auth_uri
  uint32_t base_cseq = 1;                                         // -base_cseq
  std::string call_id_format = "%u-%p@%s";                        // -cid_str
  std::vector<std::string> injection_files;                       // -inf
  std::vector<std::pair<std::string, size_t>> injection_indexes;  // -infindex
  Words keys;                                                     // -key
  Words sets;                                                     // -set

  // Timers.
  core::Duration timeout{0};                    // -timeout; 0: none.
  bool timeout_is_error = false;                // -timeout_error
  core::Duration recv_timeout{0};               // -recv_timeout; 0: none.
  core::Duration t2 = std::chrono::seconds(4);  // -T2
  int invite_retransmits_max = 5;               // -max_invite_retrans, -max_retrans
  int other_retransmits_max = 9;  // -max_non_invite_retrans, -max_retrans. SIPp's help says 7.
  bool retransmit = true;         // Not with -nr.
  DefaultBehaviors behaviors;     // -default_behaviors, -nd
  bool auto_answer = false;       // -aa

  // Files and screen.
  bool trace_stat = false;                                  // -trace_stat
  std::string stat_file;                                    // -stf
  core::Duration stat_interval = std::chrono::seconds(60);  // -fd
  bool trace_media = false;                                 // -trace_media
  std::string media_file;                                   // -media_file
  bool trace_errors = false;                                // -trace_err
  std::string error_file;                                   // -error_file
  bool trace_messages = false;                              // -trace_msg
  std::string message_file;                                 // -message_file
  bool reads_keys = true;                                   // Not with -nostdin.
  bool background = false;                                  // -bg
  bool show_help = false;                                   // -h
  bool show_version = false;                                // -v

  // Ours.
  std::string json_file;                                           // --json
  int workers = 1;                                                 // --workers
  std::optional<uint64_t> seed;                                    // --seed
  core::Duration latency_budget = std::chrono::microseconds(200);  // --latency_budget
};

absl::StatusOr<Options> ParseOptions(std::span<const char* const> arguments);

/// What -h prints.
std::string HelpText();

/// A number and a unit (ms, s, m or h; without one, `unit`), as in "20", "1.5s", "500ms".
absl::StatusOr<core::Duration> ParseDuration(std::string_view text, core::Duration unit);

}  // namespace loadgen

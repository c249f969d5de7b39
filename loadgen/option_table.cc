#include "loadgen/option_table.h"

#include <algorithm>
#include <iterator>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/text.h"

namespace loadgen {
namespace {

using Values = std::span<const std::string_view>;
constexpr core::Duration kMillisecond = std::chrono::milliseconds(1);
constexpr core::Duration kSecond = std::chrono::seconds(1);

template <typename T>
absl::Status ReadWhole(std::string_view text, T min, T max, T* out) {
  T number = 0;
  if (!ParseNumber(text, &number) || number < min || number > max) {
    return absl::InvalidArgumentError(core::Concat("wanted a whole number, ", min, " to ", max));
  }
  *out = number;
  return absl::OkStatus();
}

absl::Status ReadPort(std::string_view text, uint16_t* out) {
  uint32_t port = 0;
  RETURN_IF_ERROR(ReadWhole<uint32_t>(text, 0, 65535, &port));
  *out = static_cast<uint16_t>(port);
  return absl::OkStatus();
}

absl::Status ReadRate(std::string_view text, double* out) {
  constexpr int kRateMax = 10'000'000;
  double number = 0;
  if (!ParseNumber(text, &number) || !(number >= 0) || number > kRateMax) {
    return absl::InvalidArgumentError(core::Concat("wanted a number, 0 to ", kRateMax));
  }
  *out = number;
  return absl::OkStatus();
}

absl::Status ReadShare(std::string_view text, double* out) {
  double number = 0;
  if (!ParseNumber(text, &number) || !(number >= 0) || number > 1) {
    return absl::InvalidArgumentError("wanted a share, 0.0 to 1.0");
  }
  *out = number;
  return absl::OkStatus();
}

absl::Status ReadTime(std::string_view text, core::Duration unit, core::Duration* out) {
  const absl::StatusOr<core::Duration> duration = ParseDuration(text, unit);
  RETURN_IF_ERROR(duration.status());
  *out = *duration;
  return absl::OkStatus();
}

// A path, a name or a text: anything that is not empty.
absl::Status ReadText(std::string_view text, std::string* out) {
  if (text.empty()) return absl::InvalidArgumentError("wanted something that is not empty");
  *out = std::string(text);
  return absl::OkStatus();
}

// The form of most flags: a member that they set.
template <bool Options::*kMember, bool kValue = true>
absl::Status SetFlag(Values, Options* options) {
  options->*kMember = kValue;
  return absl::OkStatus();
}
template <std::string Options::*kMember>
absl::Status SetText(Values values, Options* options) {
  return ReadText(values[0], &(options->*kMember));
}
template <core::Duration Options::*kMember>
absl::Status SetMilliseconds(Values values, Options* options) {
  return ReadTime(values[0], kMillisecond, &(options->*kMember));
}
template <core::Duration Options::*kMember>
absl::Status SetSeconds(Values values, Options* options) {
  return ReadTime(values[0], kSecond, &(options->*kMember));
}

absl::Status SetTransport(Values values, Options*) {
  if (values[0] == "u1") return absl::OkStatus();
  constexpr std::string_view kLater[] = {"un", "ui", "t1", "tn", "l1",
                                         "ln", "s1", "sn", "c1", "cn"};
  if (std::find(std::begin(kLater), std::end(kLater), values[0]) != std::end(kLater)) {
    return absl::UnimplementedError("not supported yet; wanted u1");
  }
  return absl::InvalidArgumentError("unknown transport; wanted u1");
}

absl::Status SetWord(Values values, Options::Words* words) {
  if (values[0].empty()) return absl::InvalidArgumentError("wanted a name that is not empty");
  words->insert_or_assign(std::string(values[0]), std::string(values[1]));
  return absl::OkStatus();
}

absl::Status SetBehaviors(Values values, Options* options) {
  DefaultBehaviors behaviors = options->behaviors;
  for (std::string_view word : Split(values[0], ',')) {
    const bool on = !word.starts_with('-');
    if (!on) word.remove_prefix(1);
    if (word == "all") {
      behaviors = {on, on, on, on};
    } else if (word == "none") {
      behaviors = {!on, !on, !on, !on};
    } else if (word == "bye") {
      behaviors.bye = on;
    } else if (word == "abortunexp") {
      behaviors.abort = on;
    } else if (word == "pingreply") {
      behaviors.ping_reply = on;
    } else if (word == "cseq") {
      behaviors.cseq = on;
    } else {
      return absl::InvalidArgumentError(
          "wanted a list of all, none, bye, abortunexp, pingreply and cseq, a - before what is "
          "off");
    }
  }
  options->behaviors = behaviors;
  return absl::OkStatus();
}

absl::Status AddIndex(Values values, Options* options) {
  uint32_t field = 0;
  RETURN_IF_ERROR(ReadWhole<uint32_t>(values[1], 0, 1000, &field));
  options->injection_indexes.emplace_back(std::string(values[0]), field);
  return absl::OkStatus();
}

absl::Status SetRetransmits(Values values, Options* options) {
  RETURN_IF_ERROR(ReadWhole(values[0], 0, 1000, &options->invite_retransmits_max));
  options->other_retransmits_max = options->invite_retransmits_max;
  return absl::OkStatus();
}

absl::Status SetSeed(Values values, Options* options) {
  uint64_t seed = 0;
  RETURN_IF_ERROR(ReadWhole<uint64_t>(values[0], 0, UINT64_MAX, &seed));
  options->seed = seed;
  return absl::OkStatus();
}

// Never 0: the kernel's choice for one socket is no range for many.
absl::Status SetMediaPort(Values values, Options* options) {
  return ReadWhole<uint16_t>(values[0], 1, 65535, &options->media_port);
}

absl::Status Ignore(Values, Options*) { return absl::OkStatus(); }

constexpr OptionRow kScenarioRows[] = {
    {"sf", "FILE", "The scenario", SetText<&Options::scenario_file>},
    {"sn", "NAME", "A built-in scenario: uac, uas, regexp, branchc, branchs",
     SetText<&Options::scenario_name>},
    {"sd", "NAME", "Prints a built-in scenario", SetText<&Options::dump_scenario>},
    {"oocsf", "FILE", "The scenario of messages that belong to no call",
     SetText<&Options::out_of_call_file>},
    {"oocsn", "NAME", "The same, built in: ooc_default", SetText<&Options::out_of_call_name>},
    {"inf", "FILE", "Values for the calls, [field0] and so on; may be repeated",
     [](Values v, Options* o) { return ReadText(v[0], &o->injection_files.emplace_back()); }},
    {"infindex", "FILE FIELD", "Makes a file of -inf searchable by a field; may be repeated",
     AddIndex},
    {"key", "NAME VALUE", "What the keyword [NAME] expands to; may be repeated",
     [](Values v, Options* o) { return SetWord(v, &o->keys); }},
    {"set", "NAME VALUE", "The value of a global variable; may be repeated",
     [](Values v, Options* o) { return SetWord(v, &o->sets); }},
    {"s", "TEXT", "[service], the called user (service)", SetText<&Options::service>},
    {"au", "TEXT", "The user name for challenges (-s's)", SetText<&Options::auth_username>},
    {"ap", "TEXT", "The password for challenges (password)", SetText<&Options::auth_password>},
    {"auth_uri", "URI", "The digest's uri (remote_ip:remote_port)", SetText<&Options::auth_uri>},
    {"base_cseq", "NUMBER", "Where [cseq] starts (1)",
     [](Values v, Options* o) { return ReadWhole<uint32_t>(v[0], 0, INT32_MAX, &o->base_cseq); }},
    {"cid_str", "FORMAT", "Call-IDs: %u call, %p process, %s address, %% (%u-%p@%s)",
     SetText<&Options::call_id_format>},
};

constexpr OptionRow kPaceRows[] = {
    {"r", "RATE", "Calls in each period (10)",
     [](Values v, Options* o) { return ReadRate(v[0], &o->rate); }},
    {"rp", "TIME", "The period; ms (1s)",
     [](Values v, Options* o) {
       RETURN_IF_ERROR(ReadTime(v[0], kMillisecond, &o->rate_period));
       if (o->rate_period > core::Duration{0}) return absl::OkStatus();
       return absl::InvalidArgumentError("wanted a time above 0");
     }},
    {"rate_increase", "RATE", "What -r grows by in each interval",
     [](Values v, Options* o) { return ReadRate(v[0], &o->rate_increase); }},
    {"rate_interval", "TIME", "That interval; s (-fd's)", SetSeconds<&Options::rate_interval>},
    {"rate_max", "RATE", "Where it stops growing, and the run ends",
     [](Values v, Options* o) { return ReadRate(v[0], &o->rate_max); }},
    {"no_rate_quit", "", "The run goes on at -rate_max", SetFlag<&Options::rate_max_quits, false>},
    {"m", "CALLS", "Ends after so many calls",
     [](Values v, Options* o) { return ReadWhole<uint64_t>(v[0], 1, INT64_MAX, &o->calls); }},
    {"l", "CALLS", "Calls at once, at most (3 * rate * duration)",
     [](Values v, Options* o) {
       return ReadWhole<uint64_t>(v[0], 1, 1u << 24, &o->calls_at_once);
     }},
    {"users", "CALLS", "Keeps so many calls open instead of a rate",
     [](Values v, Options* o) { return ReadWhole<int64_t>(v[0], 0, 1 << 24, &o->users); }},
    {"d", "TIME", "How long a <pause/> lasts; ms (0)", SetMilliseconds<&Options::call_duration>},
};

constexpr OptionRow kNetworkRows[] = {
    {"t", "TRANSPORT", "u1: UDP, one socket", SetTransport},
    {"i", "ADDRESS", "The local address", SetText<&Options::local_ip>},
    {"p", "PORT", "The local port (any)",
     [](Values v, Options* o) { return ReadPort(v[0], &o->local_port); }},
    {"bind_local", "", "Taken for SIPp's sake: -i always binds", Ignore},
    {"mi", "ADDRESS", "[media_ip] (the local address)", SetText<&Options::media_ip>},
    {"mp", "PORT", "[media_port] (6000)", SetMediaPort},
    {"min_rtp_port", "PORT", "The same", SetMediaPort},
    {"max_rtp_port", "PORT", "The last port of calls with audio, four for each (65535)",
     [](Values v, Options* o) { return ReadPort(v[0], &o->media_port_max); }},
    {"media_calls", "CALLS", "How many calls have ports for audio (-l, or 1000 in a server)",
     [](Values v, Options* o) { return ReadWhole<uint64_t>(v[0], 1, 16384, &o->media_calls); }},
    {"media_marks", "", "Audio carries marks that prove loss, order, latency and whose it is",
     SetFlag<&Options::media_marks>},
    {"no_rtcp", "", "No RTCP is sent, and what comes is not read", SetFlag<&Options::rtcp, false>},
    {"rtp_payload", "NUMBER", "The payload type of an rtp_stream that does not say it (8)",
     [](Values v, Options* o) { return ReadWhole<uint8_t>(v[0], 0, 127, &o->rtp_payload_type); }},
    {"audiotolerance", "SHARE", "Of an apattern, what must not come back for exit code 253 (1.0)",
     [](Values v, Options* o) { return ReadShare(v[0], &o->audio_tolerance); }},
    {"rtp_echo", "", "Sends RTP back to where it came from", SetFlag<&Options::rtp_echo>},
    {"rsa", "HOST[:PORT]", "Sends there instead of to the remote host",
     [](Values v, Options* o) { return ParseHostPort(v[0], &o->send_host, &o->send_port); }},
    {"buff_size", "BYTES", "The sockets' buffers",
     [](Values v, Options* o) { return ReadWhole(v[0], 1, 1 << 30, &o->buffer_bytes); }},
    {"aa", "", "Answers INFO, NOTIFY, OPTIONS and UPDATE with 200", SetFlag<&Options::auto_answer>},
    {"default_behaviors", "LIST", "all, none, bye, abortunexp, pingreply, cseq; -bye is without",
     SetBehaviors},
    {"nd", "", "None of them",
     [](Values, Options* o) {
       o->behaviors = {false, false, false, false};
       return absl::OkStatus();
     }},
};

constexpr OptionRow kTimerRows[] = {
    {"timeout", "TIME", "No new calls from then on, and an end once those open are over; s",
     SetSeconds<&Options::timeout>},
    {"timeout_error", "", "-timeout ends the run at once, and is a failure",
     SetFlag<&Options::timeout_is_error>},
    {"recv_timeout", "TIME", "How long a <recv> waits; ms",
     SetMilliseconds<&Options::recv_timeout>},
    {"T2", "TIME", "The longest gap between retransmissions, but of INVITE; ms (4s)",
     SetMilliseconds<&Options::t2>},
    {"max_retrans", "NUMBER", "Retransmissions before a call is given up", SetRetransmits},
    {"max_invite_retrans", "NUMBER", "The same, of an INVITE (5)",
     [](Values v, Options* o) { return ReadWhole(v[0], 0, 1000, &o->invite_retransmits_max); }},
    {"max_non_invite_retrans", "NUMBER", "The same, of any other (9)",
     [](Values v, Options* o) { return ReadWhole(v[0], 0, 1000, &o->other_retransmits_max); }},
    {"nr", "", "No retransmissions", SetFlag<&Options::retransmit, false>},
};

constexpr OptionRow kOutputRows[] = {
    {"trace_stat", "", "Statistics as CSV", SetFlag<&Options::trace_stat>},
    {"stf", "FILE", "The file of -trace_stat (SCENARIO_PID_.csv)", SetText<&Options::stat_file>},
    {"fd", "TIME", "How often it gets a line; s (60s)",
     [](Values v, Options* o) {
       RETURN_IF_ERROR(ReadTime(v[0], kSecond, &o->stat_interval));
       if (o->stat_interval > core::Duration{0}) return absl::OkStatus();
       return absl::InvalidArgumentError("wanted a time above 0");
     }},
    {"trace_media", "", "The audio of each call as CSV, a line when it ends",
     SetFlag<&Options::trace_media>},
    {"media_file", "FILE", "The file of -trace_media (SCENARIO_PID_media.csv)",
     SetText<&Options::media_file>},
    {"trace_err", "", "Unexpected messages and errors", SetFlag<&Options::trace_errors>},
    {"error_file", "FILE", "The file of -trace_err", SetText<&Options::error_file>},
    {"trace_msg", "", "Every message", SetFlag<&Options::trace_messages>},
    {"message_file", "FILE", "The file of -trace_msg", SetText<&Options::message_file>},
    {"nostdin", "", "No keys are read where stdin is a terminal",
     SetFlag<&Options::reads_keys, false>},
    {"bg", "", "In the background", SetFlag<&Options::background>},
    {"v", "", "Prints the version", SetFlag<&Options::show_version>},
    {"h", "", "Prints this", SetFlag<&Options::show_help>},
    {"help", "", "Prints this", SetFlag<&Options::show_help>},
    {"json", "FILE", "The summary as JSON", SetText<&Options::json_file>},
    {"workers", "NUMBER", "Threads (1)",
     [](Values v, Options* o) { return ReadWhole(v[0], 1, Options::kWorkersMax, &o->workers); }},
    {"seed", "NUMBER", "Makes chance come out the same again", SetSeed},
    {"latency_budget", "TIME", "How long a packet may wait for others; us (200us)",
     [](Values v, Options* o) {
       return ReadTime(v[0], std::chrono::microseconds(1), &o->latency_budget);
     }},
};

constexpr std::string_view kLater[] = {"3pcc",
                                       "assocmaxret",
                                       "bind_to_device",
                                       "calldebug_file",
                                       "calldebug_overwrite",
                                       "callid_slash_ign",
                                       "ci",
                                       "cid_type",
                                       "cp",
                                       "deadcall_wait",
                                       "dynamicMax",
                                       "dynamicStart",
                                       "dynamicStep",
                                       "error_overwrite",
                                       "f",
                                       "gracefulclose",
                                       "heartbeat",
                                       "ip_field",
                                       "log_file",
                                       "log_overwrite",
                                       "lost",
                                       "master",
                                       "max_log_size",
                                       "max_reconnect",
                                       "max_recv_loops",
                                       "max_sched_loops",
                                       "max_socket",
                                       "mb",
                                       "message_overwrite",
                                       "multihome",
                                       "pathmaxret",
                                       "pause_msg_ign",
                                       "periodic_rtd",
                                       "plugin",
                                       "pmtu",
                                       "random_base_ssrc",
                                       "rate_scale",
                                       "reconnect_close",
                                       "reconnect_sleep",
                                       "rfc3339",
                                       "ringbuffer_files",
                                       "ringbuffer_size",
                                       "rtcheck",
                                       "rtp_buffsize",
                                       "rtp_threadtasks",
                                       "rtpcheck_debug",
                                       "rtt_freq",
                                       "rxinf",
                                       "rxrn",
                                       "rxsf",
                                       "rxsn",
                                       "screen_file",
                                       "screen_overwrite",
                                       "send_timeout",
                                       "sendbuffer_warn",
                                       "shortmessage_file",
                                       "shortmessage_overwrite",
                                       "skip_rlimit",
                                       "slave",
                                       "slave_cfg",
                                       "sleep",
                                       "srtpcheck_debug",
                                       "stat_delimiter",
                                       "tdmmap",
                                       "timer_resol",
                                       "tls_ca",
                                       "tls_cert",
                                       "tls_crl",
                                       "tls_key",
                                       "tls_version",
                                       "trace_calldebug",
                                       "trace_counts",
                                       "trace_error_codes",
                                       "trace_logs",
                                       "trace_rtt",
                                       "trace_screen",
                                       "trace_shortmsg",
                                       "videotolerance",
                                       "watchdog_interval",
                                       "watchdog_major_maxtriggers",
                                       "watchdog_major_threshold",
                                       "watchdog_minor_maxtriggers",
                                       "watchdog_minor_threshold",
                                       "watchdog_reset"};

}  // namespace

std::span<const OptionRow> OptionTable() {
  static const auto* const table = [] {
    auto* rows = new std::vector<OptionRow>;  // Never freed: it lives as long as the program.
    const auto add = [rows](std::span<const OptionRow> more) {
      rows->insert(rows->end(), more.begin(), more.end());
    };
    add(kScenarioRows);
    add(kPaceRows);
    add(kNetworkRows);
    add(kTimerRows);
    add(kOutputRows);
    return rows;
  }();
  return *table;
}

bool IsOptionOfLater(std::string_view name) {
  return std::find(std::begin(kLater), std::end(kLater), name) != std::end(kLater);
}

absl::Status ParseHostPort(std::string_view text, std::string* host, uint16_t* port) {
  std::string_view name = text;
  std::string_view digits;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return absl::InvalidArgumentError("wanted a ]");
    name = text.substr(1, close - 1);
    digits = text.substr(close + 1);
    if (!digits.empty() && digits.front() != ':') {
      return absl::InvalidArgumentError("wanted a : and a port behind the ]");
    }
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    name = text.substr(0, text.find(':'));
    digits = text.substr(name.size());
  }
  if (name.empty()) return absl::InvalidArgumentError("wanted a host name or an address");
  uint32_t number = *port;
  if (!digits.empty()) RETURN_IF_ERROR(ReadWhole<uint32_t>(digits.substr(1), 1, 65535, &number));
  *host = std::string(name);
  *port = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

}  // namespace loadgen

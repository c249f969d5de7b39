#pragma once

#include "absl/status/status.h"
#include "loadgen/action.h"
#include "loadgen/element_reader.h"

namespace loadgen {

/// The forms of <exec> that are media: rtp_stream, play_pcap_audio, play_dtmf and rtp_echo. Files
/// are read here, once. `found` is whether the element has one of them.
///
/// Errors: file, line, construct, and what was wanted; what SIPp knows and we do not (video, SRTP,
///         a file name that is only known in the call) is "not supported yet".
absl::Status LoadMediaExec(const ElementReader& in, Action* action, bool* found);

/// <rtp_echo value="0|1">: all calls.
absl::Status LoadEchoAll(const ElementReader& in, Action* action);

}  // namespace loadgen

#pragma once

#include <cstdint>
#include <string_view>

#include "core/sip/message.h"
#include "core/sip/text_writer.h"
#include "loadgen/render_context.h"

namespace loadgen {

// The messages that the generator makes by itself, where a scenario has none (SIPp's default
// messages).

/// What -aa answers.
bool IsAutoAnswered(core::sip::Method method);

/// 200 to a request.
void WriteDefaultOk(const core::sip::Message& request, const RunValues* run,
                    core::sip::TextWriter* out);

/// ACK, CANCEL or BYE that ends what the client's call began.
struct DefaultRequest {
  core::sip::Method method = core::sip::Method::kUnknown;
  const core::sip::Message* last = nullptr;  // The last message received.
  std::string_view call_id;                  // Where `last` has none.
  std::string_view routes;                   // Of rrs.
  std::string_view target;                   // Of rrs; empty: the URI of To, as SIPp has it.
  const RunValues* run = nullptr;
  uint32_t cseq = 0;  // Of the call's last request.
};

/// ACK to a refusal and CANCEL are of the INVITE's own transaction: its Via and number (RFC 3261
/// §9.1, §17.1.1.3). ACK to a 2xx and BYE are new, and go the dialog's way (§12.2.1.1).
void WriteDefaultRequest(const DefaultRequest& request, core::sip::TextWriter* out);

}  // namespace loadgen

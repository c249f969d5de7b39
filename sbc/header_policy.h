#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/sip/header_id.h"
#include "core/sip/message.h"
#include "core/sip/message_writer.h"
#include "sbc/policy.h"

namespace sbc {

/// What becomes of a header field on its way to the other side (rule 16).
enum class HeaderAction : uint8_t {
  kPass,       // Its value crosses, unfolded, under its canonical name.
  kDrop,       // It ends here. `headers.pass` can let it through.
  kRewrite,    // We read it, and write one of our own that says the same without the other side.
  kOwn,        // It belongs to a leg or a hop: we make it from our own state, whatever came.
  kEmergency,  // As kPass in an emergency call (rule 6), else as kDrop.
  kUntouched,  // As kPass where From and To name the same numbers as before, else it never passes.
};
std::string_view HeaderActionName(HeaderAction action);  // "pass"

/// One row of the written policy.
struct HeaderRule {
  core::sip::HeaderId id;
  HeaderAction to_trunk_request;
  HeaderAction to_trunk_response;
  HeaderAction to_customer_request;
  HeaderAction to_customer_response;
  std::string_view why;
};

/// The row of a known header field. One we do not know by name is dropped.
const HeaderRule& RuleOf(core::sip::HeaderId id);
HeaderAction ActionOf(core::sip::HeaderId id, Side towards, bool is_request);

/// What `headers.pass` may not name, and the reader refuses: what no setting lets across.
bool IsNeverPassed(core::sip::HeaderId id);

/// A value, or a reason phrase, that may not go on: CR or LF that is no fold, or another control
/// character but a tab, which RFC 3261 has in neither and a terminal obeys (rule 16).
bool IsSmuggling(std::string_view value);

/// What a message's fields are judged by, beside their names.
struct Crossing {
  Side towards = Side::kTrunk;
  bool is_emergency = false;  // Geolocation crosses with an emergency call only (rule 6).
  /// From and To name the same telephone numbers on both sides, so that a signature over them
  /// holds: only then does Identity pass (RFC 8224 section 8.3).
  bool parties_untouched = false;
};

/// Writes those fields of `in` that pass, in their order; one that holds control characters does
/// not, whatever the table says. Everything else in the outgoing message is the caller's to write;
/// Max-Forwards too.
void CopyPassing(const core::sip::Message& in, const Crossing& crossing, const Policy& policy,
                 core::sip::MessageWriter* out);

/// The body with its type, where it has one that may go on; else none.
void CopyBody(const core::sip::Message& in, core::sip::MessageWriter* out);

/// The whole table in Markdown: what sbc/HEADERS.md holds, and a test compares.
std::string HeaderPolicyMarkdown();

}  // namespace sbc

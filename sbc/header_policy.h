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
  kPass,     // Its value crosses, unfolded, under its canonical name.
  kDrop,     // It ends here. `headers.pass` can let it through.
  kRewrite,  // We read it, and write one of our own that says the same without the other side.
  kOwn,      // It belongs to a leg or a hop: we make it from our own state, whatever came.
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

/// What `headers.pass` may not name: fields that are rewritten or our own anywhere.
bool IsNeverPassed(core::sip::HeaderId id);

/// A value, or a reason phrase, that may not go on: CR or LF that is no fold, or NUL (rule 16).
bool IsSmuggling(std::string_view value);

struct PassResult {
  uint16_t passed = 0;
  uint16_t dropped = 0;
  uint16_t refused = 0;  // Held CR, LF or NUL: dropped, whatever the table says.
};

/// Writes those fields of `in` that pass towards `towards`, in their order. Everything else in the
/// outgoing message is the caller's to write; Max-Forwards too.
///
/// `parties_untouched`: From and To say on the other side what they said here, so that a signature
/// over them holds: only then does Identity pass (RFC 8224).
PassResult CopyPassing(const core::sip::Message& in, Side towards, const Policy& policy,
                       bool parties_untouched, core::sip::MessageWriter* out);

/// The whole table in Markdown: what sbc/HEADERS.md holds, and a test compares.
std::string HeaderPolicyMarkdown();

}  // namespace sbc

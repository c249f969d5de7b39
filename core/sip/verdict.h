#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/sip/message.h"

namespace core::sip {

/// What to do with a message before anyone looks at its meaning.
///
/// Shape:    kProcess: go on. kAnswer: a request to answer with `status_code` and `reason` (an ACK
/// is
///           dropped instead: it is never answered). kDrop: nothing may be answered.
/// Lifetime: `reason` is a constant.
struct [[nodiscard]] Verdict {
  enum class Action : uint8_t { kProcess, kAnswer, kDrop };
  Action action = Action::kProcess;
  uint16_t status_code = 0;
  std::string_view reason;

  bool ok() const { return action == Action::kProcess; }
};

/// Judges the form of an indexed message (also one that Index() refused) as a UAS or UAC must:
/// framing (§18.3), version (505), the six mandatory fields (§8.1.1; Max-Forwards may be absent, as
/// in RFC 2543), repeated single fields, scalars in range, CSeq's method, a readable Request-URI
/// (400) of a scheme we know (416), an unknown method (501), the size of the header (513). A
/// response of bad form, or with more than one Via (§8.1.3.3), is dropped.
Verdict Judge(const Message& message);

/// What a user agent can do, for JudgeAbilities(). An empty list is not judged, except option_tags.
struct Abilities {
  std::span<const std::string_view> option_tags;  // What we may be Required to support.
  std::span<const std::string_view>
      media_types;  // "type/subtype" of bodies that we read and write.
};

/// Whether its body has to be decoded before it can be read (§20.12).
bool IsEncoded(const Message& message);

/// Judges a well-formed request against what we can do (§8.2.2.3, §8.2.3): 420 (say which with
/// WriteUnsupportedTags()), 415 for a body's type or encoding, 406 where an INVITE accepts nothing
/// that we write.
Verdict JudgeAbilities(const Message& request, const Abilities& abilities);

/// Appends the Required option tags that are not in `supported`, as a comma list: the
/// Unsupported field of a 420. Ends before the first that finds no room, so each is whole.
void WriteUnsupportedTags(const Message& request, std::span<const std::string_view> supported,
                          TextWriter* out);

}  // namespace core::sip

#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadgen {

/// Scenario files as they are found, made well-formed for an XML parser. SIPp's own readers took
/// much that XML does not, and about one public scenario in seven relies on it. Repaired are:
///
///  * `<` and lone `&` in attribute values; backslash escapes in them (\" \\ \n \r \t), which SIPp
///    up to 3.7 resolves; values without quotes; no blank between two attributes; one attribute
///    given twice (the first counts); attributes without a value (dropped);
///  * tags without their `>`; end tags that are missing, or that close nothing; a message element
///  inside another one;
///  * comments that do not end or hold `--`; declarations of any encoding; stray text;
///  * a missing </scenario>, and what stands behind one.
///
/// What is left are elements, attributes and CDATA sections, each on the line where it was, so that
/// line numbers in messages are those of the file.
///
/// Shape:  at most kXmlBytesMax, kXmlDepthMax elements deep.
/// Errors: a tag, an attribute value, a CDATA section or the last element without an end (the file
///         was cut off), a NUL byte, too large or too deep, said with the line. Repairing what was
///         repaired changes nothing.
inline constexpr size_t kXmlBytesMax = 16 << 20;
inline constexpr size_t kXmlDepthMax = 32;

struct RepairedXml {
  std::string text;
  bool root_is_closed = false;  // By the file itself; else it may have been cut off.
};
absl::StatusOr<RepairedXml> RepairXml(std::string_view text, std::string_view file_name);

}  // namespace loadgen

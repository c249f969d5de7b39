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
///  * an unfinished CDATA section at the end of the file; what stands behind </scenario>.
///
/// What is left are elements, attributes and CDATA sections, each on the line where it was, so that
/// line numbers in messages are those of the file.
///
/// Shape:  at most kXmlBytesMax, kXmlDepthMax elements deep.
/// Errors: a tag or an attribute value without an end, a NUL byte, too large or too deep, said with
///         the line. Repairing what was repaired changes nothing.
inline constexpr size_t kXmlBytesMax = 16 << 20;
inline constexpr size_t kXmlDepthMax = 32;

absl::StatusOr<std::string> RepairXml(std::string_view text, std::string_view file_name);

}  // namespace loadgen

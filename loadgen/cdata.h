#pragma once

#include <string>
#include <string_view>

namespace loadgen {

/// The text of a <send>, as SIPp cleans it before it reads the keywords in it. Byte for byte SIPp
/// 3.6's, which also takes blanks out of bodies:
///
///  1. blanks and line ends in front are dropped, and at the end;
///  2. after each line end one blank after the other goes, then in front of each one, then the same
///     for tabs. The four passes run once each, so that a blank behind a tab stays;
///  3. a text without an empty line gets one at its end; any other gets back one line end if it
///     had lost some at the end.
///
/// Line ends are "\n" here; carriage returns are gone. The template turns each into CRLF.
std::string CleanCdata(std::string_view text);

}  // namespace loadgen

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace loadgen {

/// What a stretch of a message template expands to.
enum class Keyword : uint8_t {
  kLiteral,
  kRemoteIp,
  kRemoteHost,
  kRemotePort,
  kTransport,
  kLocalIp,
  kLocalIpType,
  kLocalPort,
  kServerIp,
  kMediaIp,
  kMediaIpType,
  kMediaPort,
  kAutoMediaPort,
  kRtpStreamAudioPort,
  kCallNumber,
  kCallId,
  kCSeq,
  kPid,
  kService,
  kBranch,
  kMsgIndex,
  kNextUrl,
  kLen,
  kPeerTagParam,
  kRoutes,
  kLastRequestUri,
  kLastCSeqNumber,
  kLastMessage,
  kClockTick,
  kTimestamp,
  kDate,
  kUsers,
  kUserId,
  kSippVersion,
  // From here on a keyword has parameters.
  kLastHeader,
  kVariable,
  kField,
  kAuthentication,
};

/// The keyword without parameters of this name.
std::optional<Keyword> FindKeyword(std::string_view name);

/// True for a keyword of SIPp's that this version does not know how to expand yet.
bool IsKeywordOfLater(std::string_view name);

/// The value of `name` ("file=", "username=") in a keyword's text: up to the next blank, or between
/// quotes. Empty where it is not there.
std::string_view KeywordParameter(std::string_view keyword, std::string_view name);

/// Where the keyword that opens at text[at] ('[') ends: the index of its ']', counting brackets
/// inside outside of quotes; npos where it does not.
size_t FindKeywordEnd(std::string_view text, size_t at);

}  // namespace loadgen

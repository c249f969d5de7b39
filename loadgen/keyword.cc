#include "loadgen/keyword.h"

#include <algorithm>
#include <array>
#include <utility>

namespace loadgen {
namespace {

constexpr std::pair<std::string_view, Keyword> kKeywords[] = {
    {"remote_ip", Keyword::kRemoteIp},
    {"remote_host", Keyword::kRemoteHost},
    {"remote_port", Keyword::kRemotePort},
    {"transport", Keyword::kTransport},
    {"local_ip", Keyword::kLocalIp},
    {"local_ip_type", Keyword::kLocalIpType},
    {"local_port", Keyword::kLocalPort},
    {"server_ip", Keyword::kServerIp},
    {"media_ip", Keyword::kMediaIp},
    {"media_ip_type", Keyword::kMediaIpType},
    {"media_port", Keyword::kMediaPort},
    {"auto_media_port", Keyword::kAutoMediaPort},
    {"rtpstream_audio_port", Keyword::kRtpStreamAudioPort},
    {"call_number", Keyword::kCallNumber},
    {"call_id", Keyword::kCallId},
    {"cseq", Keyword::kCSeq},
    {"pid", Keyword::kPid},
    {"service", Keyword::kService},
    {"branch", Keyword::kBranch},
    {"msg_index", Keyword::kMsgIndex},
    {"next_url", Keyword::kNextUrl},
    {"len", Keyword::kLen},
    {"peer_tag_param", Keyword::kPeerTagParam},
    {"routes", Keyword::kRoutes},
    {"last_Request_URI", Keyword::kLastRequestUri},
    {"last_cseq_number", Keyword::kLastCSeqNumber},
    {"last_message", Keyword::kLastMessage},
    {"clock_tick", Keyword::kClockTick},
    {"timestamp", Keyword::kTimestamp},
    {"date", Keyword::kDate},
    {"users", Keyword::kUsers},
    {"userid", Keyword::kUserId},
    {"sipp_version", Keyword::kSippVersion},
};

// Beginnings of the names of what comes with video, SRTP and third-party control.
constexpr std::string_view kLater[] = {"tdmmap", "dynamic_id", "fill",           "file",
                                       "crypto", "uea",        "rtpstream_video"};

}  // namespace

std::optional<Keyword> FindKeyword(std::string_view name) {
  const auto* found = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                   [name](const auto& row) { return row.first == name; });
  if (found == std::end(kKeywords)) return std::nullopt;
  return found->second;
}

bool IsKeywordOfLater(std::string_view name) {
  return std::any_of(std::begin(kLater), std::end(kLater),
                     [name](std::string_view begin) { return name.starts_with(begin); });
}

std::string_view KeywordParameter(std::string_view keyword, std::string_view name) {
  size_t at = keyword.find(name);
  // "file=" must be a word of its own: "profile=" is another one.
  while (at != std::string_view::npos && at > 0 && keyword[at - 1] != ' ') {
    at = keyword.find(name, at + 1);
  }
  if (at == std::string_view::npos) return {};
  std::string_view value = keyword.substr(at + name.size());
  if (!value.empty() && value.front() == '"') {
    value.remove_prefix(1);
    return value.substr(0, value.find('"'));
  }
  // A keyword as the value may hold blanks of its own.
  size_t end = 0;
  while (end < value.size() && value[end] != ' ') {
    const size_t inner = value[end] == '[' ? FindKeywordEnd(value, end) : std::string_view::npos;
    end = inner == std::string_view::npos ? end + 1 : inner + 1;
  }
  return value.substr(0, end);
}

size_t FindKeywordEnd(std::string_view text, size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') break;  // No keyword passes the end of its line.
    if (c == '"' && depth > 0) quoted = !quoted;
    if (quoted) continue;
    if (c == '[') ++depth;
    if (c == ']' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

}  // namespace loadgen

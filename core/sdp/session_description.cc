#include "core/sdp/session_description.h"

#include "core/base/scan.h"
#include "core/sdp/cursor.h"

// The lines of a description and those of its session section; media_description.cc reads the rest.

namespace core::sdp {
namespace {

// Only line ends from `at` on: a body that somebody closed with an empty line or two.
bool OnlyLineEnds(const char* at, const char* end) {
  while (at != end && (*at == '\r' || *at == '\n')) ++at;
  return at == end;
}

// proto-version = %s"v" "=" 1*DIGIT CRLF, "this memo describes version 0"     RFC 8866 §5.1
ParseError ReadVersion(std::string_view value) {
  return TrimEnd(value) == "0" ? ParseError::kOk : ParseError::kVersion;
}

// origin-field = %s"o" "=" username SP sess-id SP sess-version SP
//                nettype SP addrtype SP unicast-address CRLF                  RFC 8866 §9
ParseError ReadOrigin(std::string_view value, Origin* origin) {
  Cursor in(TrimEnd(value));
  origin->username = in.TakeField();
  origin->session_id = in.TakeField();
  origin->version = in.TakeField();
  const std::string_view network = in.TakeField();
  const std::string_view family = in.TakeField();
  origin->address = in.TakeField();
  if (origin->username.empty() || origin->address.empty() || !in.AtEnd()) {
    return ParseError::kOrigin;
  }
  // Nothing is sent there, so neither the numbers nor the address are read. The types are: who
  // writes another network's here means it in c= as well.
  return network == "IN" && (family == "IP4" || family == "IP6") ? ParseError::kOk
                                                                 : ParseError::kNetworkType;
}

// time-field = %s"t" "=" start-time SP stop-time CRLF                         RFC 8866 §5.9
ParseError ReadTime(std::string_view value) {
  Cursor in(TrimEnd(value));
  uint64_t moment = 0;
  if (!in.TakeNumber(UINT64_MAX, &moment) || !in.Space() || !in.TakeNumber(UINT64_MAX, &moment)) {
    return ParseError::kTime;
  }
  return in.AtEnd() ? ParseError::kOk : ParseError::kTime;
}

// *(%s"b" "=" bwtype ":" bandwidth CRLF)                                      RFC 8866 §5.8
ParseError ReadBandwidth(std::string_view value) {
  Cursor in(TrimEnd(value));
  uint64_t bandwidth = 0;
  if (in.TakeUntil(':').empty() || !in.Take(':')) return ParseError::kBandwidth;
  return in.TakeNumber(UINT32_MAX, &bandwidth) && in.AtEnd() ? ParseError::kOk
                                                             : ParseError::kBandwidth;
}

}  // namespace

// Only what counts and what is not in an array: those are written before they are read.
void SessionDescription::Reset(std::string_view bytes) {
  bytes_ = bytes;
  session_name_ = {};
  origin_ = {};
  connection_ = {};
  direction_ = Direction::kSendRecv;
  has_direction_ = has_origin_ = has_session_name_ = has_time_ = false;
  line_count_ = media_count_ = format_count_ = 0;
}

ParseError SessionDescription::Parse(std::string_view bytes) {
  Reset(bytes);
  ParseError error = ParseLines();
  if (error == ParseError::kOk) error = Finish();
  if (error != ParseError::kOk) Reset({});
  return error;
}

ParseError SessionDescription::ParseLines() {
  if (bytes_.empty()) return ParseError::kEmpty;
  if (bytes_.size() > kBytesMax) return ParseError::kTooLong;
  // What ends a string for some readers and not for others ends no line of ours.
  if (bytes_.find('\0') != std::string_view::npos) return ParseError::kLine;
  const char* at = bytes_.data();
  const char* const end = at + bytes_.size();
  while (at != end) {
    const char* stop = FindEither(at, end, '\r', '\n');
    if (stop == at) {
      if (line_count_ == 0 || !OnlyLineEnds(at, end)) return ParseError::kLine;
      break;
    }
    const char* next = stop;
    // A CR is taken with its LF, or at the very end; LF alone ends a line as well (RFC 8866 §5).
    if (next != end && *next == '\r') ++next;
    if (next != end && *next++ != '\n') return ParseError::kLine;
    const auto size = static_cast<size_t>(stop - at);
    if (size > kLineMax) return ParseError::kLineTooLong;
    if (size < 2 || at[1] != '=') return ParseError::kLine;
    if (line_count_ == kLinesMax) return ParseError::kTooManyLines;
    lines_[line_count_++] = {static_cast<uint16_t>(at + 2 - bytes_.data()),
                             static_cast<uint16_t>(size - 2), at[0], Attribute::kUnknown,
                             Format::kNoNumber};
    const ParseError error = ReadLine(at[0], {at + 2, size - 2});
    if (error != ParseError::kOk) return error;
    at = next;
  }
  return ParseError::kOk;
}

ParseError SessionDescription::ReadLine(char type, std::string_view value) {
  if (line_count_ == 1) return type == 'v' ? ReadVersion(value) : ParseError::kVersion;
  switch (type) {
    case 'm':
      return ReadMedia(value);
    case 'b':
      return ReadBandwidth(value);
    case 'a':
      return ReadAttribute(value);
    case 'i':
    case 'k':
      return ParseError::kOk;
    case 'c':
      break;
    case 'v':
    case 'o':
    case 's':
    case 'u':
    case 'e':
    case 'p':
    case 't':
    case 'r':
    case 'z':
      if (media_count_ > 0) return ParseError::kPlace;
      break;
    default:
      return ParseError::kLineType;
  }
  return media_count_ == 0 ? ReadSessionLine(type, value) : ReadMediaConnection(value);
}

ParseError SessionDescription::ReadSessionLine(char type, std::string_view value) {
  switch (type) {
    case 'v':
      return ParseError::kRepeated;
    case 'o':
      if (has_origin_) return ParseError::kRepeated;
      has_origin_ = true;
      return ReadOrigin(value, &origin_);
    case 's':
      if (has_session_name_) return ParseError::kRepeated;
      has_session_name_ = true;
      session_name_ = value;
      return ParseError::kOk;
    case 'c':
      if (connection_.is_said) return ParseError::kMulticast;
      return ParseConnection(value, &connection_);
    case 't':
      has_time_ = true;
      return ReadTime(value);
    default:
      return ParseError::kOk;  // i, u, e, p, r, z: for people, or for broadcasts.
  }
}

// What a section leaves unsaid, its session says.
ParseError SessionDescription::Finish() {
  if (!has_origin_) return ParseError::kMissing;
  for (size_t i = 0; i < media_count_; ++i) {
    MediaDescription& media = media_[i];
    // The next section's m= line is the first that is not this one's.
    const size_t end = i + 1 < media_count_ ? media_[i + 1].first_line - size_t{1} : line_count_;
    media.line_count = static_cast<uint16_t>(end - media.first_line);
    if (!media.connection.is_said) media.connection = connection_;
    if (!media.connection.is_said && !media.is_rejected()) return ParseError::kMissing;
    if (!media.has_own_direction) {
      media.direction = direction_;
      media.has_direction = has_direction_;
    }
  }
  return ParseError::kOk;
}

}  // namespace core::sdp

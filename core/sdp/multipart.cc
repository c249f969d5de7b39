#include "core/sdp/multipart.h"

#include "core/base/ascii.h"
#include "core/base/check.h"

namespace core::sdp {
namespace {

constexpr std::string_view kSdp = "application/sdp";
constexpr std::string_view kLineEnd = "\r\n";

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// The value up to its parameters.
std::string_view FirstWord(std::string_view value) {
  return Trim(value.substr(0, value.find(';')));
}

// boundary := 0*69<bchars> bcharsnospace                                      RFC 2046 §5.1.1
bool IsBoundary(std::string_view boundary) {
  constexpr std::string_view kBoundaryChars =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=? ";
  return !boundary.empty() && boundary.size() <= MultipartBody::kBoundaryMax &&
         boundary.back() != ' ' &&
         boundary.find_first_not_of(kBoundaryChars) == std::string_view::npos;
}

bool StartsWithIgnoringCase(std::string_view text, std::string_view start) {
  return EqualsIgnoreCase(text.substr(0, start.size()), start);
}

// A header field of a part. What is said twice could be read in two ways.
ParseError ReadField(std::string_view line, BodyPart* part) {
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return ParseError::kPart;
  const std::string_view name = Trim(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  std::string_view* field = nullptr;
  if (EqualsIgnoreCase(name, "Content-Type") || EqualsIgnoreCase(name, "c")) {
    field = &part->media_type;
  } else if (EqualsIgnoreCase(name, "Content-Length") || EqualsIgnoreCase(name, "l")) {
    field = &part->content_length;
  } else if (EqualsIgnoreCase(name, "Content-Disposition")) {
    field = &part->disposition;
  } else if (EqualsIgnoreCase(name, "Content-Transfer-Encoding") ||
             EqualsIgnoreCase(name, "Content-Encoding") || EqualsIgnoreCase(name, "e")) {
    field = &part->encoding;
  }
  if (field == nullptr) return ParseError::kOk;
  if (!field->empty()) return ParseError::kRepeated;
  *field = FirstWord(value);
  return field->empty() ? ParseError::kPart : ParseError::kOk;
}

// An encoding that leaves the bytes as they are (RFC 2045 §6.2).
bool IsPlain(std::string_view encoding) {
  return encoding.empty() || EqualsIgnoreCase(encoding, "7bit") ||
         EqualsIgnoreCase(encoding, "8bit") || EqualsIgnoreCase(encoding, "binary");
}

}  // namespace

ParseError MultipartBody::Parse(std::string_view boundary, std::string_view bytes) {
  bytes_ = {};
  boundary_ = {};
  parts_.Clear();
  if (!IsBoundary(boundary)) return ParseError::kBoundary;
  bytes_ = bytes;
  boundary_ = boundary;
  size_t at = 0;
  size_t after = 0;
  bool is_last = false;
  ParseError error = FindDelimiter(0, &at, &after, &is_last);
  if (error == ParseError::kOk && is_last) error = ParseError::kBoundary;  // No part at all.
  while (error == ParseError::kOk && !is_last) {
    const size_t from = after;
    error = FindDelimiter(from, &at, &after, &is_last);
    if (error == ParseError::kOk) error = ReadPart(bytes_.substr(from, at - from));
  }
  // An epilogue is kept, but not one that another reader would still find parts in.
  if (error == ParseError::kOk) {
    const ParseError epilogue = FindDelimiter(after, &at, &after, &is_last);
    if (epilogue == ParseError::kOk || after != bytes_.size()) error = ParseError::kBoundary;
  }
  if (error != ParseError::kOk) {
    parts_.Clear();
    bytes_ = {};
  }
  return error;
}

// delimiter := CRLF "--" boundary; behind it may stand white space; "--" ends the last one.
// `*at` is where its CRLF begins, `*after` where what follows its line begins (RFC 2046 §5.1.1).
ParseError MultipartBody::FindDelimiter(size_t from, size_t* at, size_t* after,
                                        bool* is_last) const {
  const auto starts_here = [this](size_t position) {
    return bytes_.substr(position, 2) == "--" &&
           bytes_.substr(position + 2, boundary_.size()) == boundary_;
  };
  for (size_t line = from;;) {
    const size_t line_end = bytes_.find('\n', line);
    if (starts_here(line)) {
      // Behind a bare LF it is a delimiter for some and text for others; at the very start of what
      // is read, its CRLF is the one before.
      const bool has_crlf = line == 0 || (line >= 2 && bytes_.substr(line - 2, 2) == kLineEnd);
      std::string_view rest = bytes_.substr(line + 2 + boundary_.size());
      rest = rest.substr(0, line_end == std::string_view::npos
                                ? rest.size()
                                : line_end + 1 - line - 2 - boundary_.size());
      *is_last = rest.substr(0, 2) == "--";
      if (*is_last) rest.remove_prefix(2);
      const bool has_end = rest.size() >= 2 && rest.substr(rest.size() - 2) == kLineEnd;
      if (has_end) rest.remove_suffix(2);
      if (!has_crlf || !Trim(rest).empty() || (!has_end && !(*is_last && rest.empty()))) {
        return ParseError::kBoundary;
      }
      // A part without header fields or content may end where it began.
      *at = line >= from + 2 ? line - 2 : from;
      *after = line_end == std::string_view::npos ? bytes_.size() : line_end + 1;
      return ParseError::kOk;
    }
    if (line_end == std::string_view::npos) {
      *after = bytes_.size();
      return ParseError::kBoundary;
    }
    line = line_end + 1;
  }
}

// body-part := MIME-part-headers [CRLF *OCTET]
ParseError MultipartBody::ReadPart(std::string_view text) {
  if (parts_.full()) return ParseError::kTooManyParts;
  BodyPart part;
  for (size_t fields = 0;; ++fields) {
    const size_t size = text.find(kLineEnd);
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(size == std::string_view::npos ? text.size() : size + kLineEnd.size());
    if (line.empty()) break;
    if (fields == kFieldsMax) return ParseError::kPart;
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
      return ParseError::kPart;
    }
    if (IsSpace(line[0])) {  // A fold. The first word, which is all that we read, stands before it.
      if (fields == 0) return ParseError::kPart;
      continue;
    }
    const ParseError error = ReadField(line, &part);
    if (error != ParseError::kOk) return error;
  }
  if (StartsWithIgnoringCase(part.media_type, "multipart/")) return ParseError::kNestedMultipart;
  part.content = text;
  CHECK(parts_.PushBack(part));
  return ParseError::kOk;
}

const BodyPart* MultipartBody::SdpPart() const {
  for (const BodyPart& part : parts_) {
    if (EqualsIgnoreCase(part.media_type, kSdp)) return &part;
  }
  return nullptr;
}

ParseError MultipartBody::FindSdp(std::string_view* sdp) const {
  *sdp = {};
  const BodyPart* found = SdpPart();
  // A part may end with its header fields; then there is no place for another content either.
  if (found == nullptr || found->content.empty()) return ParseError::kNoSdp;
  for (const BodyPart& part : parts_) {
    if (!EqualsIgnoreCase(part.media_type, kSdp)) continue;
    if (!part.disposition.empty() && !EqualsIgnoreCase(part.disposition, "session")) {
      return ParseError::kDisposition;
    }
    if (&part != found) return ParseError::kRepeated;
  }
  if (!IsPlain(found->encoding)) return ParseError::kEncoding;
  *sdp = found->content;
  return ParseError::kOk;
}

void MultipartBody::WriteWithSdp(std::string_view sdp, TextWriter* out) const {
  const BodyPart* part = SdpPart();
  CHECK(part != nullptr);
  const auto offset = [this](std::string_view view) {
    return static_cast<size_t>(view.data() - bytes_.data());
  };
  size_t at = 0;
  if (!part->content_length.empty()) {
    out->Append(bytes_.substr(0, offset(part->content_length)));
    out->AppendNumber(sdp.size());
    at = offset(part->content_length) + part->content_length.size();
  }
  out->Append(bytes_.substr(at, offset(part->content) - at));
  out->Append(sdp);
  out->Append(bytes_.substr(offset(part->content) + part->content.size()));
}

}  // namespace core::sdp

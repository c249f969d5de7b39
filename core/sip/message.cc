#include "core/sip/message.h"

#include <cstring>

#include "core/base/check.h"
#include "core/sip/cursor.h"
#include "core/sip/scan.h"
#include "core/sip/small_headers.h"

namespace core::sip {
namespace {

constexpr std::string_view kVersion = "SIP/2.0";

// Where a line ends and where the next begins. `end` is null where the bytes end first, or where a
// CR or LF stands alone.
struct Line {
  const char* end = nullptr;
  const char* next = nullptr;
  bool broken = false;  // A CR or LF that is not CRLF.
};

Line FindLine(const char* at, const char* bytes_end) {
  Line line;
  const char* end = FindEither(at, bytes_end, '\r', '\n');
  if (bytes_end - end < 2 && (end == bytes_end || *end == '\r')) return line;
  if (end[0] != '\r' || end[1] != '\n') {
    line.broken = true;
    line.next = end + 1;
    return line;
  }
  line.end = end;
  line.next = end + 2;
  return line;
}

bool IsFold(const char* at, const char* bytes_end) {
  return at != bytes_end && (*at == ' ' || *at == '\t');
}

// A line with all that is folded onto it (§7.3.1).
Line FindLogicalLine(const char* at, const char* bytes_end) {
  Line line = FindLine(at, bytes_end);
  while (line.end != nullptr && line.end != at && IsFold(line.next, bytes_end)) {
    line = FindLine(line.next, bytes_end);
  }
  return line;
}

const char* SkipEmptyLines(const char* at, const char* end) {
  while (end - at >= 2 && at[0] == '\r' && at[1] == '\n') at += 2;
  return at;
}

// SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT
bool IsVersion(std::string_view text) {
  Cursor in(text);
  return in.TakeWord("SIP/") && !in.TakeAll(kDigitChar).empty() && in.TakeExactly('.') &&
         !in.TakeAll(kDigitChar).empty() && in.AtEnd();
}

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace

void Message::Reset(std::string_view bytes) {
  bytes_ = bytes;
  method_text_ = request_uri_ = reason_ = body_ = {};
  status_code_ = 0;
  method_ = Method::kUnknown;
  repeated_ = HeaderId::kUnknown;
  is_response_ = false;
  count_ = 0;
  top_via_.known = from_.known = to_.known = false;
  first_.fill(kNone);
}

ParseError Message::Index(std::string_view bytes) {
  Reset(bytes);
  if (bytes.size() > kBytesMax) return error_ = ParseError::kTooLong;
  const char* end = bytes.data() + bytes.size();
  const char* at = SkipEmptyLines(bytes.data(), end);
  if (at == end) return error_ = ParseError::kEmpty;

  const Line line = FindLine(at, end);
  if (line.end == nullptr) {
    return error_ = line.broken ? ParseError::kStartLine : ParseError::kTruncated;
  }
  // A bad start line is no reason to stop: with the header fields known the answer can be sent.
  const ParseError start_error = ReadStartLine(Between(at, line.end));
  const ParseError header_error = IndexHeaders(line.next);
  if (is_response_) {
    CSeqValue cseq;
    if (CSeq(&cseq) == ParseError::kOk) {
      method_ = cseq.method;
      method_text_ = cseq.method_text;
    }
  }
  error_ = start_error != ParseError::kOk ? start_error : header_error;
  return error_;
}

// Request-Line = Method SP Request-URI SP SIP-Version CRLF               RFC 3261 §7.1
ParseError Message::ReadStartLine(std::string_view line) {
  if (line.substr(0, 4) == "SIP/" || EqualsIgnoreCase(line.substr(0, 4), "SIP/")) {
    return ReadStatusLine(line);
  }
  Cursor in(line);
  method_text_ = in.TakeToken();
  method_ = FindMethod(method_text_);
  if (method_text_.empty() || !in.TakeExactly(' ')) return ParseError::kStartLine;
  request_uri_ = in.TakeUntil(' ');
  if (request_uri_.empty() || !in.TakeExactly(' ')) return ParseError::kStartLine;
  if (EqualsIgnoreCase(in.rest(), kVersion)) return ParseError::kOk;
  return IsVersion(in.rest()) ? ParseError::kVersion : ParseError::kStartLine;
}

// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF         RFC 3261 §7.2
ParseError Message::ReadStatusLine(std::string_view line) {
  is_response_ = true;
  Cursor in(line);
  const std::string_view version = in.TakeUntil(' ');
  if (!EqualsIgnoreCase(version, kVersion)) {
    return IsVersion(version) ? ParseError::kVersion : ParseError::kStartLine;
  }
  if (!in.TakeExactly(' ')) return ParseError::kStartLine;
  const std::string_view digits = in.TakeAll(kDigitChar);
  if (digits.size() != 3 || digits[0] < '1' || digits[0] > '6') return ParseError::kStatusCode;
  // The space before an empty reason is lost where a sender trims its lines.
  if (!in.AtEnd() && !in.TakeExactly(' ')) return ParseError::kStatusCode;
  status_code_ =
      static_cast<uint16_t>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
  reason_ = in.rest();
  return ParseError::kOk;
}

ParseError Message::IndexHeaders(const char* at) {
  const char* end = bytes_.data() + bytes_.size();
  ParseError first_error = ParseError::kOk;
  while (true) {
    const Line line = FindLogicalLine(at, end);
    ParseError error = ParseError::kOk;
    if (line.end == at) {
      body_ = Between(line.next, end);
      break;
    }
    if (line.end != nullptr) {
      error = AddHeader(at, line.end);
      if (error == ParseError::kTooManyHeaders) return error;
    } else if (line.broken) {
      error = ParseError::kHeaderLine;
    } else {
      return first_error == ParseError::kOk ? ParseError::kTruncated : first_error;
    }
    if (first_error == ParseError::kOk) first_error = error;
    at = line.next;
  }
  const ParseError body_error = ReadBody();
  return first_error == ParseError::kOk ? body_error : first_error;
}

// message-header = field-name HCOLON field-value; spaces may stand before the colon (§7.3.1).
ParseError Message::AddHeader(const char* begin, const char* end) {
  if (count_ == kHeadersMax) return ParseError::kTooManyHeaders;
  const char* colon = FindEither(begin, end, ':', ':');
  if (colon == end) return ParseError::kHeaderLine;
  const char* name_end = colon;
  while (name_end != begin && (name_end[-1] == ' ' || name_end[-1] == '\t')) --name_end;
  const std::string_view name = Between(begin, name_end);
  const HeaderId id = FindHeaderId(name);
  if (id == HeaderId::kUnknown) {
    Cursor in(name);
    if (in.TakeToken().empty() || !in.AtEnd()) return ParseError::kHeaderLine;
  }
  const std::string_view value = Trim(Between(colon + 1, end));

  Entry& entry = entries_[count_];
  entry.name_at = static_cast<uint16_t>(begin - bytes_.data());
  entry.name_size = static_cast<uint16_t>(name.size());
  entry.value_at = static_cast<uint16_t>(value.data() - bytes_.data());
  entry.value_size = static_cast<uint16_t>(value.size());
  entry.id = id;
  entry.next = kNone;
  if (id != HeaderId::kUnknown) {
    const auto slot = static_cast<size_t>(id);
    if (first_[slot] == kNone) {
      first_[slot] = count_;
    } else {
      entries_[last_[slot]].next = count_;
      if (IsSingle(id)) repeated_ = id;
    }
    last_[slot] = count_;
  }
  ++count_;
  return ParseError::kOk;
}

// body_ holds all that is left. Two equal Content-Lengths frame the message as well as one; that
// the field is repeated is for Judge() to say.
ParseError Message::ReadBody() {
  size_t index = FirstIndex(HeaderId::kContentLength);
  if (index == kNone) return ParseError::kOk;
  uint32_t size = 0;
  if (ParseNumber(header(index).value, &size) != ParseError::kOk) return ParseError::kContentLength;
  while ((index = NextIndex(index)) != kNone) {
    uint32_t other = 0;
    if (ParseNumber(header(index).value, &other) != ParseError::kOk || other != size) {
      return ParseError::kContentLength;
    }
  }
  if (size > body_.size()) return ParseError::kBodyShort;
  body_ = body_.substr(0, size);
  return ParseError::kOk;
}

HeaderField Message::header(size_t index) const {
  CHECK(index < count_);
  const Entry& entry = entries_[index];
  return {entry.id, bytes_.substr(entry.name_at, entry.name_size),
          bytes_.substr(entry.value_at, entry.value_size)};
}

std::optional<std::string_view> Message::Find(HeaderId id) const { return FindNth(id, 0); }

std::optional<std::string_view> Message::FindNth(HeaderId id, size_t n) const {
  size_t index = FirstIndex(id);
  while (index != kNone && n-- > 0) index = NextIndex(index);
  if (index == kNone) return std::nullopt;
  return header(index).value;
}

std::optional<std::string_view> Message::FindByName(std::string_view name) const {
  const HeaderId id = FindHeaderId(name);
  if (id != HeaderId::kUnknown) return Find(id);
  for (size_t i = 0; i < count_; ++i) {
    const HeaderField field = header(i);
    if (EqualsIgnoreCase(field.name, name)) return field.value;
  }
  return std::nullopt;
}

size_t Message::Count(HeaderId id) const {
  size_t count = 0;
  for (size_t i = FirstIndex(id); i != kNone; i = NextIndex(i)) ++count;
  return count;
}

ParseError Message::TopVia(Via* via) const {
  if (!top_via_.known) {
    ListReader values(*this, HeaderId::kVia);
    std::string_view value;
    const bool found = values.Next(&value);
    top_via_.value = {};
    top_via_.error = found ? ParseVia(value, &top_via_.value) : ParseError::kMissing;
    top_via_.known = true;
  }
  *via = top_via_.value;
  return top_via_.error;
}

ParseError Message::Address(HeaderId id, Asked<NameAddr>* asked, NameAddr* address) const {
  if (!asked->known) {
    asked->error = Address(id, &asked->value);
    asked->known = true;
  }
  *address = asked->value;
  return asked->error;
}

ParseError Message::Address(HeaderId id, NameAddr* address) const {
  *address = {};
  const std::optional<std::string_view> value = Find(id);
  return value.has_value() ? ParseNameAddr(*value, address) : ParseError::kMissing;
}

ParseError Message::Contact(NameAddr* contact) const {
  *contact = {};
  ListReader values(*this, HeaderId::kContact);
  std::string_view value;
  return values.Next(&value) ? ParseNameAddr(value, contact) : ParseError::kMissing;
}

std::string_view Message::call_id() const {
  return Find(HeaderId::kCallId).value_or(std::string_view());
}

ParseError Message::CSeq(CSeqValue* cseq) const {
  *cseq = {};
  const std::optional<std::string_view> value = Find(HeaderId::kCSeq);
  return value.has_value() ? ParseCSeq(*value, cseq) : ParseError::kMissing;
}

ParseError Message::RAck(RAckValue* rack) const {
  *rack = {};
  const std::optional<std::string_view> value = Find(HeaderId::kRAck);
  return value.has_value() ? ParseRAck(*value, rack) : ParseError::kMissing;
}

ParseError Message::Number(HeaderId id, uint32_t* number) const {
  *number = 0;
  const std::optional<std::string_view> value = Find(id);
  return value.has_value() ? ParseNumber(*value, number) : ParseError::kMissing;
}

ParseError Message::MaxForwards(uint32_t* hops) const {
  const ParseError error = Number(HeaderId::kMaxForwards, hops);
  if (error != ParseError::kOk || *hops <= 255) return error;  // §20.22: 0 to 255.
  *hops = 0;
  return ParseError::kNumber;
}

bool Message::HasToken(HeaderId id, std::string_view token) const {
  ListReader values(*this, id);
  for (std::string_view value; values.Next(&value);) {
    if (EqualsIgnoreCase(value, token)) return true;
  }
  return false;
}

std::string_view PeekCallId(std::string_view bytes) {
  const char* end = bytes.data() + bytes.size();
  Line line = FindLine(SkipEmptyLines(bytes.data(), end), end);
  if (line.end == nullptr) return {};
  while (line.next != nullptr) {
    const char* at = line.next;
    line = FindLogicalLine(at, end);
    if (line.end == nullptr) continue;
    if (line.end == at) break;
    const char letter = LowerCase(*at);
    if (letter != 'c' && letter != 'i') continue;
    const char* colon = FindEither(at, line.end, ':', ':');
    if (colon == line.end) continue;
    const std::string_view name = Trim(Between(at, colon));
    if (FindHeaderId(name) == HeaderId::kCallId) return Trim(Between(colon + 1, line.end));
  }
  return {};
}

std::optional<std::string_view> Unfold(std::string_view value, std::span<char> out) {
  if (value.find('\r') == std::string_view::npos) return value;
  TextWriter unfolded(out);
  size_t from = 0;
  while (from < value.size()) {
    const size_t fold = std::min(value.find('\r', from), value.size());
    const std::string_view piece = value.substr(from, fold - from);
    if (fold == value.size()) {
      unfolded.Append(piece);
      break;
    }
    const size_t piece_end = piece.find_last_not_of(" \t");
    unfolded.Append(piece.substr(0, piece_end == std::string_view::npos ? 0 : piece_end + 1));
    unfolded.Append(' ');
    from = std::min(value.find_first_not_of(" \t\r\n", fold), value.size());
  }
  if (!unfolded.ok()) return std::nullopt;
  return unfolded.text();
}

}  // namespace core::sip

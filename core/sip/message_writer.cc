#include "core/sip/message_writer.h"

#include "core/sip/cursor.h"
#include "core/sip/scan.h"
#include "core/sip/status_code.h"

namespace core::sip {
namespace {

bool IsToken(std::string_view text) {
  Cursor in(text);
  return !in.TakeToken().empty() && in.AtEnd();
}

// Where the first byte that ends a line stands.
size_t FindLineEnd(std::string_view text) {
  const char* end = text.data() + text.size();
  return static_cast<size_t>(FindEither(text.data(), end, '\r', '\n') - text.data());
}

// Where the first byte that ends a line, or ends a string in C, stands.
size_t FindForbidden(std::string_view text) {
  const char* at = text.data() + FindLineEnd(text);
  return static_cast<size_t>(FindEither(text.data(), at, '\0', '\0') - text.data());
}

// The size of the folds, one or more, that `text` begins with. Only a CRLF with white space behind
// it is one; anything else would begin a line of its own.
size_t FoldSize(std::string_view text) {
  size_t size = 0;
  while (text.size() - size >= 3 && text[size] == '\r' && text[size + 1] == '\n' &&
         (text[size + 2] == ' ' || text[size + 2] == '\t')) {
    const size_t more = text.find_first_not_of(" \t", size + 2);
    size = more == std::string_view::npos ? text.size() : more;
  }
  return size;
}

}  // namespace

void MessageWriter::RequestLine(std::string_view method, std::string_view request_uri) {
  Cursor uri(request_uri);
  if (!IsToken(method) || uri.TakeAll(kUriChar).empty() || !uri.AtEnd()) out_.Fail();
  out_.Append(method);
  out_.Append(' ');
  out_.Append(request_uri);
  out_.Append(" SIP/2.0\r\n");
}

void MessageWriter::StatusLine(uint16_t status_code, std::string_view reason) {
  if (status_code < 100 || status_code > 699) out_.Fail();
  out_.Append("SIP/2.0 ");
  out_.AppendNumber(status_code);
  out_.Append(' ');
  Value(reason.empty() ? DefaultReason(status_code) : reason);
  out_.Append("\r\n");
}

void MessageWriter::Header(HeaderId id, std::initializer_list<std::string_view> pieces) {
  Header(id, std::span(pieces.begin(), pieces.size()));
}

void MessageWriter::Header(HeaderId id, std::span<const std::string_view> pieces) {
  Name(id);
  for (const std::string_view piece : pieces) Value(piece);
  out_.Append("\r\n");
}

void MessageWriter::Echo(HeaderId id, std::initializer_list<std::string_view> pieces) {
  Name(id);
  for (const std::string_view piece : pieces) EchoedValue(piece);
  out_.Append("\r\n");
}

void MessageWriter::Header(HeaderId id, uint64_t number) {
  Name(id);
  out_.AppendNumber(number);
  out_.Append("\r\n");
}

void MessageWriter::RawHeader(std::string_view name, std::string_view value) {
  const HeaderId id = FindHeaderId(name);
  if (id != HeaderId::kUnknown) return Header(id, value);
  if (!IsToken(name)) out_.Fail();
  out_.Append(name);
  out_.Append(": ");
  Value(value);
  out_.Append("\r\n");
}

void MessageWriter::BeginHeader(HeaderId id) {
  Name(id);
  value_at_ = out_.size();
}

void MessageWriter::EndHeader() {
  const std::string_view value = out_.text().substr(value_at_);
  if (FindForbidden(value) != value.size()) out_.Fail();
  out_.Append("\r\n");
}

void MessageWriter::Body(std::string_view content_type, std::string_view bytes) {
  if (!content_type.empty()) Header(HeaderId::kContentType, content_type);
  out_.Append("Content-Length: ");
  out_.AppendNumber(bytes.size());
  out_.Append("\r\n\r\n");
  out_.Append(bytes);
  finished_ = true;
}

void MessageWriter::NoBody() {
  out_.Append("Content-Length: 0\r\n\r\n");
  finished_ = true;
}

std::optional<size_t> MessageWriter::Finish() const {
  if (!out_.ok() || !finished_) return std::nullopt;
  return out_.size();
}

// Content-Length is Body()'s and NoBody()'s to write: a second one would frame the message anew.
void MessageWriter::Name(HeaderId id) {
  if (id == HeaderId::kUnknown || id == HeaderId::kContentLength || finished_) out_.Fail();
  out_.Append(sip::Name(id));
  out_.Append(": ");
}

void MessageWriter::Value(std::string_view piece) {
  if (piece.find('\0') != std::string_view::npos) out_.Fail();
  EchoedValue(piece);
}

void MessageWriter::EchoedValue(std::string_view piece) {
  while (true) {
    const size_t clean = FindLineEnd(piece);
    if (clean == piece.size()) return out_.Append(piece);
    const size_t fold = FoldSize(piece.substr(clean));
    if (fold == 0) return out_.Fail();
    const size_t before = piece.substr(0, clean).find_last_not_of(" \t");
    out_.Append(piece.substr(0, before == std::string_view::npos ? 0 : before + 1));
    out_.Append(' ');
    piece.remove_prefix(clean + fold);
  }
}

}  // namespace core::sip

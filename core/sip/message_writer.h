#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "core/sip/header_id.h"
#include "core/sip/text_writer.h"

namespace core::sip {

/// Writes one SIP message, front to back, into memory that the caller lends (RFC 3261 §7).
///
///     MessageWriter out(packet.space());
///     out.StatusLine(180, "Ringing");
///     out.Header(HeaderId::kVia, {"SIP/2.0/UDP ", host, ";branch=", branch});
///     out.NoBody();
///     if (const auto size = out.Finish()) packet.set_size(*size);
///
/// Shape:    start line, header fields, then exactly one of Body() and NoBody(), which write
///           Content-Type, Content-Length and the empty line. Names are written in canonical form.
/// Errors:   a value with CR, LF or NUL (other than a fold, which becomes one space), a bad name
/// and a
///           message that does not fit make Finish() give nothing: no message with a smuggled line
///           is ever sent. Later calls do nothing.
class MessageWriter {
 public:
  explicit MessageWriter(std::span<char> memory) : out_(memory) {}

  void RequestLine(std::string_view method, std::string_view request_uri);
  void StatusLine(uint16_t status_code, std::string_view reason);  // Empty reason: the default one.

  void Header(HeaderId id, std::string_view value) { Header(id, {value}); }
  void Header(HeaderId id, std::initializer_list<std::string_view> pieces);
  void Header(HeaderId id, std::span<const std::string_view> pieces);
  void Header(HeaderId id, uint64_t number);
  /// A value that goes back to who said it, as it came. A NUL is legal inside a quoted string
  /// (§25.1, quoted-pair), so here it may stand; a line may still not begin.
  void Echo(HeaderId id, std::initializer_list<std::string_view> pieces);
  void Echo(HeaderId id, std::string_view value) { Echo(id, {value}); }
  void RawHeader(std::string_view name, std::string_view value);  // A field we know no id of.

  /// A value written piece by piece: BeginHeader(), any number of Append() on value(), EndHeader().
  /// EndHeader() checks what was appended like any other value (but unfolds nothing).
  void BeginHeader(HeaderId id);
  TextWriter* value() { return &out_; }
  void EndHeader();

  /// An empty content_type: the field was written by Header().
  void Body(std::string_view content_type, std::string_view bytes);
  void NoBody();

  /// The size of the message, or nothing.
  std::optional<size_t> Finish() const;
  bool ok() const { return out_.ok(); }
  std::string_view text() const { return out_.text(); }

 private:
  void Name(HeaderId id);
  void Value(std::string_view piece);
  void EchoedValue(std::string_view piece);

  TextWriter out_;
  size_t value_at_ = 0;
  bool finished_ = false;
};

}  // namespace core::sip

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/sip/cseq.h"
#include "core/sip/header_id.h"
#include "core/sip/list_reader.h"
#include "core/sip/method.h"
#include "core/sip/name_addr.h"
#include "core/sip/parse_error.h"
#include "core/sip/via.h"

namespace core::sip {

/// One header field as it stands in a message. A folded value still holds its line ends: readers
/// take them for white space, and the writer (or Unfold()) turns them into one space.
struct HeaderField {
  HeaderId id = HeaderId::kUnknown;
  std::string_view name;   // As written: long, compact or unknown.
  std::string_view value;  // Without white space at either end.
};

/// A SIP message read in place from the datagram or stream frame that carried it (RFC 3261 §7).
/// Index() finds where each header field begins and ends; a value is parsed when someone asks.
///
/// Shape:    a start line, at most kHeadersMax header fields, and a body of Content-Length bytes,
/// or
///           of all bytes left where a datagram does not say it (§18.3). Bytes behind the body are
///           ignored. At most kBytesMax bytes; CRLFs in front of the start line are skipped (§7.5).
/// Lifetime: borrows the bytes it indexed. Every view it returns dies with their Packet.
/// Errors:   Index() refuses what cannot be framed, and keeps what it found on the way, so that a
///           request can still be answered 400 from its Via, From, To, Call-ID and CSeq. A
///           malformed field is an error to its reader only. Judge() (verdict.h) says what to
///           answer.
/// Thread:   one at a time, readers included: what was parsed once is kept.
class Message {
 public:
  static constexpr size_t kHeadersMax = 96;  // Beyond it we answer 513 (§21.5.7).
  static constexpr size_t kBytesMax = 65535;

  ParseError Index(std::string_view bytes);
  ParseError error() const { return error_; }  // What Index() returned.

  bool is_request() const { return !is_response_; }
  Method method() const { return method_; }  // In a response, the method of its CSeq.
  std::string_view method_text() const { return method_text_; }
  std::string_view request_uri() const { return request_uri_; }  // Empty in a response.
  uint16_t status_code() const { return status_code_; }          // 100 to 699, or 0 in a request.
  std::string_view reason() const { return reason_; }            // May be empty.
  std::string_view body() const { return body_; }
  std::string_view bytes() const { return bytes_; }

  size_t header_count() const { return count_; }
  HeaderField header(size_t index) const;  // In the order of the message; index < header_count().

  std::optional<std::string_view> Find(HeaderId id) const;  // The first field of that name.
  std::optional<std::string_view> FindNth(HeaderId id, size_t n) const;
  std::optional<std::string_view> FindByName(std::string_view name) const;  // Any name or form.
  size_t Count(HeaderId id) const;                                          // Lines of that name.
  HeaderId repeated() const {
    return repeated_;
  }  // A field that stands twice and may not; or kUnknown.
  bool Has(HeaderId id) const { return first_[static_cast<size_t>(id)] != kNone; }

  ParseError TopVia(Via* via) const;  // Where a response goes back to (§18.2.2).
  ParseError From(NameAddr* from) const { return Address(HeaderId::kFrom, &from_, from); }
  ParseError To(NameAddr* to) const { return Address(HeaderId::kTo, &to_, to); }
  ParseError Address(HeaderId id,
                     NameAddr* address) const;  // Of a field that is no list: Refer-To...
  ParseError Contact(NameAddr* contact) const;  // The first of all; AddressReader gives the others.
  std::string_view call_id() const;             // Empty where there is none.
  ParseError CSeq(CSeqValue* cseq) const;
  ParseError RAck(RAckValue* rack) const;
  ParseError Number(HeaderId id, uint32_t* number) const;  // Expires, Min-SE, RSeq...
  ParseError MaxForwards(uint32_t* hops) const;            // 0 to 255.
  ParseError ContentLength(uint32_t* size) const { return Number(HeaderId::kContentLength, size); }

  /// True where a comma list (Supported, Require, Allow, Proxy-Require...) names this token. Option
  /// tags are compared without regard to case, as is Allow: nobody has two methods that differ so.
  bool HasToken(HeaderId id, std::string_view token) const;

  /// For walking one header field's lines without copying: indices of header(), kNone at the end.
  static constexpr size_t kNone = 0xff;
  size_t FirstIndex(HeaderId id) const { return first_[static_cast<size_t>(id)]; }
  size_t NextIndex(size_t index) const { return entries_[index].next; }

 private:
  struct Entry {
    uint16_t name_at;
    uint16_t name_size;
    uint16_t value_at;
    uint16_t value_size;
    HeaderId id;
    uint8_t next;  // The next field of the same id, or kNone. kUnknown is not chained.
  };

  void Reset(std::string_view bytes);
  ParseError ReadStartLine(std::string_view line);
  ParseError ReadStatusLine(std::string_view line);
  ParseError IndexHeaders(const char* at);
  ParseError AddHeader(const char* begin, const char* end);
  ParseError ReadBody();

  // What nearly every layer asks of a message: parsed for the first, kept for the others.
  template <typename Value>
  struct Asked {
    Value value;
    ParseError error = ParseError::kOk;
    bool known = false;
  };
  ParseError Address(HeaderId id, Asked<NameAddr>* asked, NameAddr* address) const;

  std::string_view bytes_;
  std::string_view method_text_;
  std::string_view request_uri_;
  std::string_view reason_;
  std::string_view body_;
  uint16_t status_code_ = 0;
  Method method_ = Method::kUnknown;
  ParseError error_ = ParseError::kEmpty;
  HeaderId repeated_ = HeaderId::kUnknown;
  bool is_response_ = false;
  uint8_t count_ = 0;
  std::array<uint8_t, kHeaderIdCount> first_{};
  std::array<uint8_t, kHeaderIdCount> last_{};
  std::array<Entry, kHeadersMax> entries_;
  mutable Asked<Via> top_via_;
  mutable Asked<NameAddr> from_;
  mutable Asked<NameAddr> to_;
};

/// The Call-ID of a message that is not indexed yet, or nothing: enough to place it on a worker.
std::string_view PeekCallId(std::string_view bytes);

/// `value` with each fold (CRLF and the white space around it) as one space. Gives `value` itself
/// where nothing is folded; nothing where `out` is too small.
std::optional<std::string_view> Unfold(std::string_view value, std::span<char> out);

}  // namespace core::sip

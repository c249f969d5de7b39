#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/bounded_vector.h"
#include "core/buffer/text_writer.h"
#include "core/sdp/parse_error.h"

namespace core::sdp {

/// One part of a multipart body, read in place.
struct BodyPart {
  std::string_view media_type;      // "application/sdp": as written, without parameters.
  std::string_view content;         // Between its empty line and the next delimiter's CRLF.
  std::string_view content_length;  // The value of a Content-Length of its own, if it has one.
  std::string_view disposition;     // The first word of its Content-Disposition.
  std::string_view encoding;        // Its Content-Transfer-Encoding.
};

/// A body of multipart/mixed (RFC 2046 §5.1): SDP beside a PIDF-LO, an ISUP message and the like.
///
/// Shape:    at most kPartsMax parts, none of them a multipart itself.
/// Lifetime: borrows the bytes it parsed.
/// Errors:   Parse() refuses each body that two readers could cut in two ways: a line that begins
///           as a delimiter and is none, a delimiter behind a bare LF, no last delimiter.
class MultipartBody {
 public:
  static constexpr size_t kPartsMax = 8;
  static constexpr size_t kBoundaryMax = 70;  // RFC 2046 §5.1.1
  static constexpr size_t kFieldsMax = 16;    // Header fields of a part.

  /// `boundary` is Content-Type's parameter without quotes. Who calls has seen that the type is
  /// multipart/mixed: of multipart/alternative, more than one part may be the session's SDP.
  ParseError Parse(std::string_view boundary, std::string_view bytes);

  const BoundedVector<BodyPart, kPartsMax>& parts() const { return parts_; }

  /// The one part that is the session's description. Refused: none, two, one whose disposition is
  /// not session (RFC 3959's early-session would cross unread), one that is not plain text.
  ParseError FindSdp(std::string_view* sdp) const;

  /// The body with another description in that part's place, and all else byte for byte, but for a
  /// Content-Length of that part's own. Only after FindSdp() was kOk.
  void WriteWithSdp(std::string_view sdp, TextWriter* out) const;

 private:
  ParseError ReadPart(std::string_view text);
  ParseError FindDelimiter(size_t from, size_t* at, size_t* after, bool* is_last) const;
  const BodyPart* SdpPart() const;

  std::string_view bytes_;
  std::string_view boundary_;
  BoundedVector<BodyPart, kPartsMax> parts_;
};

}  // namespace core::sdp

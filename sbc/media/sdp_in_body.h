#pragma once

#include <string_view>

#include "core/buffer/text_writer.h"
#include "core/sdp/multipart.h"
#include "core/sip/message.h"

namespace sbc {

/// Where a message's session description is: its body, or a part of it, as where an emergency call
/// carries its place beside it (RFC 6442).
///
/// Lifetime: borrows the message that Find() was given.
class SdpInBody {
 public:
  /// False where there is none that can be told for certain.
  bool Find(const core::sip::Message& message);
  /// Find() was false of a body of several parts that may all the same hold one, for a reader who
  /// cuts it in another way than we do: it would lead media past us, so it does not cross.
  bool is_unread() const { return is_unread_; }

  std::string_view sdp() const { return sdp_; }
  std::string_view content_type() const { return content_type_; }
  /// The body with another description in its place.
  void Write(std::string_view sdp, core::TextWriter* out) const;

 private:
  std::string_view content_type_;
  std::string_view sdp_;
  bool is_part_ = false;
  bool is_unread_ = false;
  core::sdp::MultipartBody parts_;
};

}  // namespace sbc

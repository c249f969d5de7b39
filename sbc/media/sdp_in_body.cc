#include "sbc/media/sdp_in_body.h"

#include "core/base/ascii.h"
#include "core/sip/header_id.h"

namespace sbc {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The value of Content-Type's boundary (RFC 2046 §5.1.1), whose legal characters need no escapes.
std::string_view BoundaryOf(std::string_view content_type) {
  while (true) {
    const size_t at = content_type.find(';');
    if (at == std::string_view::npos) return {};
    content_type.remove_prefix(at + 1);
    const std::string_view parameter = content_type.substr(0, content_type.find(';'));
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos ||
        !core::EqualsIgnoreCase(Trim(parameter.substr(0, equals)), "boundary")) {
      continue;
    }
    std::string_view value = Trim(parameter.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
}

}  // namespace

bool SdpInBody::Find(const core::sip::Message& message) {
  content_type_ = message.Find(core::sip::HeaderId::kContentType).value_or("");
  sdp_ = message.body();
  is_part_ = is_unread_ = false;
  if (sdp_.empty()) return false;
  constexpr std::string_view kSeveral = "multipart/";
  const std::string_view type = Trim(content_type_.substr(0, content_type_.find(';')));
  is_part_ = core::EqualsIgnoreCase(type, "multipart/mixed");
  is_unread_ = core::EqualsIgnoreCase(type.substr(0, kSeveral.size()), kSeveral);
  if (!is_part_) return core::EqualsIgnoreCase(type, "application/sdp");
  if (parts_.Parse(BoundaryOf(content_type_), message.body()) != core::sdp::ParseError::kOk) {
    return false;
  }
  const core::sdp::ParseError found = parts_.FindSdp(&sdp_);
  is_unread_ = found != core::sdp::ParseError::kOk && found != core::sdp::ParseError::kNoSdp;
  return found == core::sdp::ParseError::kOk;
}

void SdpInBody::Write(std::string_view sdp, core::TextWriter* out) const {
  if (is_part_) {
    parts_.WriteWithSdp(sdp, out);
  } else {
    out->Append(sdp);
  }
}

}  // namespace sbc

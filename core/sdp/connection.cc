#include "core/sdp/connection.h"

#include "core/base/ascii.h"
#include "core/sdp/cursor.h"

namespace core::sdp {
namespace {

constexpr std::string_view kInvalid = ".invalid";  // RFC 6761 §6.4: resolves to nothing, ever.

bool EndsWithIgnoringCase(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && EqualsIgnoreCase(text.substr(text.size() - end.size()), end);
}

}  // namespace

// connection-field = [%s"c" "=" nettype SP addrtype SP connection-address CRLF]   RFC 8866 §5.7
ParseError ParseConnection(std::string_view value, Connection* connection) {
  *connection = {};
  Cursor in(TrimEnd(value));
  const std::string_view network = in.TakeField();
  const std::string_view family = in.TakeField();
  const std::string_view text = in.TakeField();
  if (text.empty() || !in.AtEnd()) return ParseError::kAddress;
  if (network != "IN" || (family != "IP4" && family != "IP6")) return ParseError::kNetworkType;
  if (text.find('/') != std::string_view::npos) return ParseError::kMulticast;
  if (IpAddress::Parse(text, &connection->address)) {
    // "IP6 ::ffff:10.0.0.1" would be one family to us and another to who reads the label.
    const bool is_v4_text = text.find(':') == std::string_view::npos;
    if (is_v4_text != (family == "IP4") || connection->address.is_v4() != is_v4_text) {
      *connection = {};
      return ParseError::kAddress;
    }
  } else if (!EndsWithIgnoringCase(text, kInvalid)) {
    const bool is_name = text.find(':') == std::string_view::npos &&
                         text.find_first_not_of("0123456789.") != std::string_view::npos;
    return is_name ? ParseError::kHostName : ParseError::kAddress;
  }
  connection->is_said = true;
  return ParseError::kOk;
}

}  // namespace core::sdp

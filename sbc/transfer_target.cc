#include "sbc/transfer_target.h"

#include "core/sip/cursor.h"
#include "core/sip/name_addr.h"
#include "core/sip/uri.h"

namespace sbc {

using core::sip::HeaderId;
using core::sip::Message;
using core::sip::ParseError;

namespace {

constexpr uint16_t kMalformed = 400;
constexpr uint16_t kForbidden = 403;
constexpr uint16_t kUnsupportedScheme = 416;

// headers = "?" header *( "&" header ), header = hname "=" hvalue       RFC 3261 §25.1
uint16_t ReadHeaders(std::string_view headers, TransferTarget* target) {
  while (!headers.empty()) {
    const size_t end = headers.find('&');
    const std::string_view header = headers.substr(0, end);
    headers = end == std::string_view::npos ? std::string_view() : headers.substr(end + 1);
    const size_t equals = header.find('=');
    if (equals == std::string_view::npos) return kMalformed;
    if (!core::sip::EqualsIgnoreCase(header.substr(0, equals), "Replaces")) continue;
    const auto value = core::sip::Unescape(header.substr(equals + 1), target->unescaped);
    if (target->has_replaces || !value.has_value() ||
        core::sip::ParseReplaces(*value, &target->replaces) != ParseError::kOk) {
      return kMalformed;
    }
    target->has_replaces = true;
    target->replaces_value = *value;
  }
  return 0;
}

// The characters of hvalue that stand for themselves: hnv-unreserved and unreserved.
bool StandsForItself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("[]/?:+$-_.!~*'()").find(c) != std::string_view::npos;
}

}  // namespace

uint16_t ReadTransferTarget(const Message& refer, TransferTarget* target) {
  const size_t first = refer.FirstIndex(HeaderId::kReferTo);
  if (first == Message::kNone || refer.NextIndex(first) != Message::kNone) return kMalformed;
  core::sip::NameAddr address;
  core::sip::Uri uri;
  if (core::sip::ParseNameAddr(refer.header(first).value, &address) != ParseError::kOk ||
      core::sip::ParseUri(address.uri, &uri) != ParseError::kOk) {
    return kMalformed;
  }
  if (!uri.is_sip() && uri.scheme != core::sip::UriScheme::kTel) return kUnsupportedScheme;
  const auto method = core::sip::FindUriParameter(uri, "method");
  if (method.has_value() && *method != "INVITE") return kForbidden;
  target->uri = address.uri;
  target->user = uri.user;
  return ReadHeaders(uri.headers, target);
}

void AppendEscaped(std::string_view value, core::sip::TextWriter* out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : value) {
    if (StandsForItself(c)) {
      out->Append(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out->Append('%');
      out->Append(kHex[byte >> 4]);
      out->Append(kHex[byte & 15]);
    }
  }
}

}  // namespace sbc

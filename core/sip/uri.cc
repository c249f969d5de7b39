#include "core/sip/uri.h"

#include "core/base/ascii.h"

namespace core::sip {
namespace {

// *( <classes> / escaped ) over the whole of `text`.
ParseError CheckEscaped(std::string_view text, unsigned classes, ParseError otherwise) {
  Cursor in(text);
  while (true) {
    in.TakeAll(classes);
    if (in.AtEnd()) return ParseError::kOk;
    if (!in.TakeExactly('%')) return otherwise;
    for (int i = 0; i < 2; ++i) {
      if (!IsIn(in.Peek(), kHexChar)) return ParseError::kEscape;
      in.Skip(1);
    }
  }
}

// uri-parameters = *( ";" uri-parameter )                                RFC 3261 §25.1
// other-param    = pname [ '=' pvalue ]
ParseError CheckParameters(std::string_view text) {
  Cursor in(text);
  while (in.TakeExactly(';')) {
    Cursor parameter(in.TakeUntil(';'));
    const std::string_view name = parameter.TakeUntil('=');
    if (name.empty()) return ParseError::kParameter;
    ParseError error = CheckEscaped(name, kParamChar, ParseError::kParameter);
    if (error != ParseError::kOk) return error;
    if (!parameter.TakeExactly('=')) continue;
    if (parameter.AtEnd()) return ParseError::kParameter;
    error = CheckEscaped(parameter.rest(), kParamChar, ParseError::kParameter);
    if (error != ParseError::kOk) return error;
  }
  return in.AtEnd() ? ParseError::kOk : ParseError::kTrailing;
}

// headers = "?" header *( "&" header ), header = hname "=" hvalue
ParseError CheckHeaders(std::string_view text) {
  Cursor in(text);
  do {
    Cursor header(in.TakeUntil('&'));
    const std::string_view name = header.TakeUntil('=');
    if (name.empty() || !header.TakeExactly('=')) return ParseError::kParameter;
    ParseError error = CheckEscaped(name, kHeaderChar, ParseError::kParameter);
    if (error != ParseError::kOk) return error;
    error = CheckEscaped(header.rest(), kHeaderChar, ParseError::kParameter);
    if (error != ParseError::kOk) return error;
  } while (in.TakeExactly('&'));
  return ParseError::kOk;
}

// IPv6reference = "[" IPv6address "]"; its inner form is judged by whoever makes an address of it.
ParseError TakeHost(Cursor* in, HostPort* host_port) {
  if (in->TakeExactly('[')) {
    host_port->host = in->TakeUntil(']');
    host_port->is_ipv6 = true;
    if (!in->TakeExactly(']')) return ParseError::kHost;
    Cursor address(host_port->host);
    while (!address.TakeAll(kHexChar).empty() || address.TakeExactly(':') ||
           address.TakeExactly('.')) {
    }
    const bool has_colon = host_port->host.find(':') != std::string_view::npos;
    return address.AtEnd() && has_colon ? ParseError::kOk : ParseError::kHost;
  }
  host_port->host = in->TakeAll(kHostChar);
  return host_port->host.empty() ? ParseError::kHost : ParseError::kOk;
}

ParseError TakePort(Cursor* in, HostPort* host_port) {
  uint64_t port = 0;
  if (!in->TakeNumber(UINT16_MAX, &port) || port == 0) return ParseError::kPort;
  host_port->port = static_cast<uint16_t>(port);
  return ParseError::kOk;
}

// userinfo = ( user / telephone-subscriber ) [ ":" password ] "@"
ParseError ReadUserInfo(std::string_view text, Uri* uri) {
  Cursor in(text);
  uri->user = in.TakeUntil(':');
  if (uri->user.empty()) return ParseError::kUser;
  const ParseError error = CheckEscaped(uri->user, kUserChar, ParseError::kUser);
  if (error != ParseError::kOk || !in.TakeExactly(':')) return error;
  uri->has_password = true;
  uri->password = in.rest();
  return CheckEscaped(uri->password, kPasswordChar, ParseError::kUser);
}

// SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]      RFC 3261 §25.1
ParseError ReadSip(Cursor in, Uri* uri) {
  ParseError error = ParseError::kOk;
  // A user may hold ";" and "?", but no "@" stands unescaped anywhere in a SIP URI but behind it.
  const size_t at = in.rest().find('@');
  if (at != std::string_view::npos) {
    error = ReadUserInfo(in.rest().substr(0, at), uri);
    if (error != ParseError::kOk) return error;
    in.Skip(at + 1);
  }
  error = TakeHost(&in, &uri->host_port);
  if (error == ParseError::kOk && in.TakeExactly(':')) error = TakePort(&in, &uri->host_port);
  if (error != ParseError::kOk) return error;

  uri->parameters = in.TakeUntil('?');
  error = CheckParameters(uri->parameters);
  if (error != ParseError::kOk || !in.TakeExactly('?')) return error;
  uri->headers = in.rest();
  return CheckHeaders(uri->headers);
}

// telephone-uri = "tel:" ( global-number / local-number )                RFC 3966 §3
ParseError ReadTel(Cursor in, Uri* uri) {
  const char* from = in.position();
  (void)in.TakeExactly('+');
  if (in.TakeAll(kTelChar).empty()) return ParseError::kUser;
  uri->user = in.Since(from);
  uri->parameters = in.rest();
  return CheckParameters(uri->parameters);
}

ParseError ReadOther(Cursor in, Uri* uri) {
  uri->opaque = in.rest();
  if (in.TakeAll(kUriChar).empty() || !in.AtEnd()) return ParseError::kUri;
  return ParseError::kOk;
}

// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
ParseError TakeScheme(Cursor* in, Uri* uri) {
  const char* from = in->position();
  if (in->TakeWord("sip:")) {
    uri->scheme = UriScheme::kSip;
  } else if (in->TakeWord("sips:")) {
    uri->scheme = UriScheme::kSips;
  } else if (in->TakeWord("tel:")) {
    uri->scheme = UriScheme::kTel;
  } else {
    uri->scheme = UriScheme::kOther;
    if (!IsIn(in->Peek(), kAlphaChar)) return ParseError::kScheme;
    while (IsIn(in->Peek(), kAlphaChar | kDigitChar) || in->Peek() == '+' || in->Peek() == '-' ||
           in->Peek() == '.') {
      in->Skip(1);
    }
    if (!in->TakeExactly(':')) return ParseError::kScheme;
  }
  uri->scheme_text = in->Since(from);
  uri->scheme_text.remove_suffix(1);  // The colon.
  return ParseError::kOk;
}

}  // namespace

ParseError ParseUri(std::string_view text, Uri* uri) {
  *uri = {};
  Uri read;
  Cursor in(text);
  ParseError error = TakeScheme(&in, &read);
  if (error != ParseError::kOk) return error;
  switch (read.scheme) {
    case UriScheme::kNone:
      return ParseError::kScheme;
    case UriScheme::kSip:
    case UriScheme::kSips:
      error = ReadSip(in, &read);
      break;
    case UriScheme::kTel:
      error = ReadTel(in, &read);
      break;
    case UriScheme::kOther:
      error = ReadOther(in, &read);
      break;
  }
  if (error == ParseError::kOk) *uri = read;
  return error;
}

ParseError ParseHostPort(Cursor* in, HostPort* host_port) {
  *host_port = {};
  const ParseError error = TakeHost(in, host_port);
  if (error != ParseError::kOk || !in->Take(':')) return error;
  return TakePort(in, host_port);
}

std::optional<std::string_view> Unescape(std::string_view text, std::span<char> out) {
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (size == out.size()) return std::nullopt;
    if (text[i] != '%') {
      out[size++] = text[i];
      continue;
    }
    if (text.size() - i < 3 || !IsIn(text[i + 1], kHexChar) || !IsIn(text[i + 2], kHexChar)) {
      return std::nullopt;
    }
    out[size++] = static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
    i += 2;
  }
  return std::string_view(out.data(), size);
}

void WriteHostPort(const HostPort& host_port, TextWriter* out) {
  if (host_port.is_ipv6) out->Append('[');
  out->Append(host_port.host);
  if (host_port.is_ipv6) out->Append(']');
  if (host_port.port == 0) return;
  out->Append(':');
  out->AppendNumber(host_port.port);
}

void WriteUri(const Uri& uri, TextWriter* out) {
  out->Append(uri.scheme_text);
  out->Append(':');
  out->Append(uri.opaque);
  out->Append(uri.user);
  if (uri.has_password) {
    out->Append(':');
    out->Append(uri.password);
  }
  if (uri.is_sip()) {
    if (!uri.user.empty()) out->Append('@');
    WriteHostPort(uri.host_port, out);
  }
  out->Append(uri.parameters);
  if (uri.headers.empty()) return;
  out->Append('?');
  out->Append(uri.headers);
}

}  // namespace core::sip

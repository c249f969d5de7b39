#include "core/sip/name_addr.h"

namespace core::sip {
namespace {

// The form that any URI has: a scheme, then only characters that URIs are made of.
ParseError CheckUri(std::string_view uri) {
  Cursor in(uri);
  if (!IsIn(in.Peek(), kAlphaChar)) return ParseError::kUri;
  in.TakeToken();
  if (!in.TakeExactly(':')) return ParseError::kScheme;
  if (in.TakeAll(kUriChar).empty() || !in.AtEnd()) return ParseError::kUri;
  return ParseError::kOk;
}

// name-addr = [ display-name ] LAQUOT addr-spec RAQUOT, from the "<" on.
ParseError ReadBracketed(Cursor* in, NameAddr* name_addr) {
  (void)in->TakeExactly('<');  // The caller has seen it.
  name_addr->uri = in->TakeUntil('>');
  if (!in->TakeExactly('>')) return ParseError::kBrackets;
  name_addr->bracketed = true;
  return CheckUri(name_addr->uri);
}

// addr-spec without brackets: "any URI parameters are header parameters" and a comma, question mark
// or semicolon needs the brackets (RFC 3261 §20).
ParseError ReadBare(Cursor* in, NameAddr* name_addr) {
  const char* from = in->position();
  while (!in->AtEnd() && in->Peek() != ';' && IsIn(in->Peek(), kUriChar)) in->Skip(1);
  name_addr->uri = in->Since(from);
  if (name_addr->uri.find_first_of(",?") != std::string_view::npos) return ParseError::kUri;
  return CheckUri(name_addr->uri);
}

// display-name = *( token LWS ) / quoted-string, then the URI in one of its forms.
ParseError ReadAddress(Cursor* in, NameAddr* name_addr) {
  in->SkipSpace();
  if (in->Peek() == '"') {
    if (!in->TakeQuoted(&name_addr->display_name)) return ParseError::kQuotes;
    name_addr->quoted = true;
    in->SkipSpace();
    return in->Peek() == '<' ? ReadBracketed(in, name_addr) : ParseError::kDisplayName;
  }
  if (in->Peek() == '<') return ReadBracketed(in, name_addr);

  Cursor ahead = *in;
  const char* from = ahead.position();
  while (!ahead.TakeToken().empty()) ahead.SkipSpace();
  if (ahead.Peek() != '<') return ReadBare(in, name_addr);
  // The space before the bracket may be missing, though the grammar asks for it (RFC 4475
  // §3.1.1.6).
  name_addr->display_name = Trim(ahead.Since(from));
  *in = ahead;
  return ReadBracketed(in, name_addr);
}

}  // namespace

ParseError ParseNameAddr(std::string_view value, NameAddr* name_addr) {
  *name_addr = {};
  NameAddr read;
  if (Trim(value) == "*") {
    name_addr->uri = Trim(value);
    name_addr->wildcard = true;
    return ParseError::kOk;
  }
  Cursor in(value);
  const ParseError error = ReadAddress(&in, &read);
  if (error != ParseError::kOk) return error;

  in.SkipSpace();
  const std::string_view parameters = in.rest();
  while (in.Take(';')) {
    const Parameter parameter = in.TakeParameter();
    if (parameter.name.empty()) return ParseError::kParameter;
    if (!EqualsIgnoreCase(parameter.name, "tag")) continue;
    if (parameter.value.empty()) return ParseError::kParameter;
    if (!read.tag.empty()) return ParseError::kRepeated;  // Which dialog it is must be certain.
    read.tag = parameter.value;
  }
  in.SkipSpace();
  if (!in.AtEnd()) return ParseError::kTrailing;
  read.parameters = Parameters(Trim(parameters));
  *name_addr = read;
  return ParseError::kOk;
}

void WriteNameAddr(const NameAddr& name_addr, TextWriter* out) {
  if (name_addr.wildcard) {
    out->Append('*');
    return;
  }
  if (name_addr.quoted) out->Append('"');
  out->Append(name_addr.display_name);
  if (name_addr.quoted) out->Append('"');
  if (name_addr.quoted || !name_addr.display_name.empty()) out->Append(' ');
  out->Append('<');
  out->Append(name_addr.uri);
  out->Append('>');
  out->Append(name_addr.parameters.text());
}

}  // namespace core::sip

#include "core/sip/small_headers.h"

#include "core/sip/cursor.h"

namespace core::sip {
namespace {

bool TakeUint32(Cursor* in, uint32_t* number) {
  uint64_t value = 0;
  if (!in->TakeNumber(UINT32_MAX, &value)) return false;
  *number = static_cast<uint32_t>(value);
  return true;
}

ParseError AtEnd(Cursor* in) {
  in->SkipSpace();
  return in->AtEnd() ? ParseError::kOk : ParseError::kTrailing;
}

// Calls `read(parameter)` for each of *( SEMI generic-param ) to the end of the value.
template <typename Read>
ParseError ReadParameters(Cursor* in, Read&& read) {
  while (in->Take(';')) {
    const Parameter parameter = in->TakeParameter();
    if (parameter.name.empty()) return ParseError::kParameter;
    const ParseError error = read(parameter);
    if (error != ParseError::kOk) return error;
  }
  return AtEnd(in);
}

// A comment, which may hold comments and quoted pairs (§25.1).
bool SkipComment(Cursor* in) {
  int depth = 0;
  do {
    const char c = in->Peek();
    if (in->AtEnd()) return false;
    in->Skip(c == '\\' ? 2 : 1);
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
  } while (depth > 0);
  return true;
}

}  // namespace

ParseError ParseNumber(std::string_view value, uint32_t* number) {
  *number = 0;
  Cursor in(value);
  in.SkipSpace();
  uint32_t read = 0;
  if (!TakeUint32(&in, &read)) return ParseError::kNumber;
  const ParseError error = AtEnd(&in);
  if (error == ParseError::kOk) *number = read;
  return error;
}

ParseError ParseSessionExpires(std::string_view value, SessionExpires* session_expires) {
  *session_expires = {};
  SessionExpires read;
  Cursor in(value);
  in.SkipSpace();
  if (!TakeUint32(&in, &read.seconds)) return ParseError::kNumber;
  const ParseError error = ReadParameters(&in, [&](const Parameter& parameter) {
    if (!EqualsIgnoreCase(parameter.name, "refresher")) return ParseError::kOk;
    if (EqualsIgnoreCase(parameter.value, "uac")) {
      read.refresher = SessionExpires::Refresher::kUac;
    } else if (EqualsIgnoreCase(parameter.value, "uas")) {
      read.refresher = SessionExpires::Refresher::kUas;
    } else {
      return ParseError::kParameter;
    }
    return ParseError::kOk;
  });
  if (error == ParseError::kOk) *session_expires = read;
  return error;
}

ParseError ParseRetryAfter(std::string_view value, RetryAfter* retry_after) {
  *retry_after = {};
  RetryAfter read;
  Cursor in(value);
  in.SkipSpace();
  if (!TakeUint32(&in, &read.seconds)) return ParseError::kNumber;
  in.SkipSpace();
  if (in.Peek() == '(' && !SkipComment(&in)) return ParseError::kTrailing;
  const ParseError error = ReadParameters(&in, [&](const Parameter& parameter) {
    if (!EqualsIgnoreCase(parameter.name, "duration")) return ParseError::kOk;
    return ParseNumber(parameter.value, &read.duration);
  });
  if (error == ParseError::kOk) *retry_after = read;
  return error;
}

ParseError ParseReplaces(std::string_view value, Replaces* replaces) {
  *replaces = {};
  Replaces read;
  Cursor in(value);
  in.SkipSpace();
  read.call_id = in.TakeAll(kWordChar);
  if (read.call_id.empty()) return ParseError::kToken;
  const ParseError error = ReadParameters(&in, [&](const Parameter& parameter) {
    if (EqualsIgnoreCase(parameter.name, "to-tag")) read.to_tag = parameter.value;
    if (EqualsIgnoreCase(parameter.name, "from-tag")) read.from_tag = parameter.value;
    if (EqualsIgnoreCase(parameter.name, "early-only")) read.early_only = true;
    return ParseError::kOk;
  });
  if (error != ParseError::kOk) return error;
  // "A Replaces header field MUST contain exactly one to-tag parameter and exactly one from-tag."
  if (read.to_tag.empty() || read.from_tag.empty()) return ParseError::kMissing;
  *replaces = read;
  return ParseError::kOk;
}

ParseError ParseReason(std::string_view value, Reason* reason) {
  *reason = {};
  Reason read;
  Cursor in(value);
  in.SkipSpace();
  read.protocol = in.TakeToken();
  if (read.protocol.empty()) return ParseError::kToken;
  const ParseError error = ReadParameters(&in, [&](const Parameter& parameter) {
    if (EqualsIgnoreCase(parameter.name, "text")) read.text = parameter.value;
    if (!EqualsIgnoreCase(parameter.name, "cause")) return ParseError::kOk;
    return ParseNumber(parameter.value, &read.cause);
  });
  if (error == ParseError::kOk) *reason = read;
  return error;
}

ParseError ParseWarning(std::string_view value, Warning* warning) {
  *warning = {};
  Warning read;
  Cursor in(value);
  in.SkipSpace();
  const std::string_view code = in.TakeAll(kDigitChar);
  if (code.size() != 3) return ParseError::kNumber;
  read.code = static_cast<uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  if (!in.Space()) return ParseError::kToken;
  read.agent = in.TakeAll(kTokenChar | kAddressChar);  // warn-agent = hostport / pseudonym
  if (read.agent.empty() || !in.Space()) return ParseError::kToken;
  if (!in.TakeQuoted(&read.text)) return ParseError::kQuotes;
  const ParseError error = AtEnd(&in);
  if (error == ParseError::kOk) *warning = read;
  return error;
}

ParseError ParseEvent(std::string_view value, Event* event) {
  *event = {};
  Event read;
  Cursor in(value);
  in.SkipSpace();
  read.package = in.TakeToken();
  if (read.package.empty()) return ParseError::kToken;
  in.SkipSpace();
  const std::string_view parameters = Trim(in.rest());
  if (!in.SkipParameters()) return ParseError::kParameter;
  read.parameters = Parameters(parameters);
  *event = read;
  return ParseError::kOk;
}

ParseError ParseMediaType(std::string_view value, MediaType* media_type) {
  *media_type = {};
  MediaType read;
  Cursor in(value);
  in.SkipSpace();
  read.type = in.TakeToken();
  if (read.type.empty() || !in.Take('/')) return ParseError::kToken;
  read.subtype = in.TakeToken();
  if (read.subtype.empty()) return ParseError::kToken;
  in.SkipSpace();
  const std::string_view parameters = Trim(in.rest());
  if (!in.SkipParameters()) return ParseError::kParameter;
  read.parameters = Parameters(parameters);
  *media_type = read;
  return ParseError::kOk;
}

}  // namespace core::sip

#include "core/sip/via.h"

namespace core::sip {
namespace {

// A parameter that must have a value, and stands once (§7.3.1: "any given parameter-name MUST NOT
// appear more than once"): where two readers could choose differently, nobody has to.
ParseError ReadOnce(const Parameter& parameter, std::string_view* value) {
  if (parameter.value.empty()) return ParseError::kParameter;
  if (!value->empty()) return ParseError::kRepeated;
  *value = parameter.value;
  return ParseError::kOk;
}

// response-port = "rport" [ EQUAL 1*DIGIT ]                              RFC 3581 §4
ParseError ReadRport(const Parameter& parameter, Via* via) {
  if (via->has_rport) return ParseError::kRepeated;
  via->has_rport = true;
  if (!parameter.has_value) return ParseError::kOk;
  Cursor in(parameter.value);
  uint64_t port = 0;
  if (!in.TakeNumber(UINT16_MAX, &port) || port == 0 || !in.AtEnd()) return ParseError::kPort;
  via->rport = static_cast<uint16_t>(port);
  return ParseError::kOk;
}

// via-params = via-ttl / via-maddr / via-received / via-branch / via-extension / response-port
ParseError ReadParameter(const Parameter& parameter, Via* via) {
  const std::string_view name = parameter.name;
  if (name.empty()) return ParseError::kParameter;
  if (EqualsIgnoreCase(name, "branch")) return ReadOnce(parameter, &via->branch);
  if (EqualsIgnoreCase(name, "received")) return ReadOnce(parameter, &via->received);
  if (EqualsIgnoreCase(name, "rport")) return ReadRport(parameter, via);
  return ParseError::kOk;
}

}  // namespace

// via-parm = sent-protocol LWS sent-by *( SEMI via-params )              RFC 3261 §25.1
ParseError ParseVia(std::string_view value, Via* via) {
  *via = {};
  Via read;
  Cursor in(value);
  in.SkipSpace();
  if (!in.TakeWord("SIP") || !in.Take('/') || !in.TakeWord("2.0") || !in.Take('/')) {
    return ParseError::kViaProtocol;
  }
  read.transport = in.TakeToken();  // An unknown transport is legal; whoever sends must judge it.
  if (read.transport.empty() || !in.Space()) return ParseError::kViaTransport;
  ParseError error = ParseHostPort(&in, &read.sent_by);
  if (error != ParseError::kOk) return error;

  in.SkipSpace();
  const std::string_view parameters = in.rest();
  while (in.Take(';')) {
    error = ReadParameter(in.TakeParameter(), &read);
    if (error != ParseError::kOk) return error;
  }
  in.SkipSpace();
  if (!in.AtEnd()) return ParseError::kTrailing;
  read.parameters = Parameters(Trim(parameters));
  *via = read;
  return ParseError::kOk;
}

void WriteVia(const Via& via, TextWriter* out) {
  out->Append("SIP/2.0/");
  out->Append(via.transport);
  out->Append(' ');
  WriteHostPort(via.sent_by, out);
  out->Append(via.parameters.text());
}

}  // namespace core::sip

#include "core/sip/parse_error.h"

namespace core::sip {

std::string_view Name(ParseError error) {
  switch (error) {
    case ParseError::kOk:
      return "ok";
    case ParseError::kEmpty:
      return "empty";
    case ParseError::kTooLong:
      return "too long";
    case ParseError::kStartLine:
      return "bad start line";
    case ParseError::kVersion:
      return "not SIP/2.0";
    case ParseError::kStatusCode:
      return "bad status code";
    case ParseError::kHeaderLine:
      return "bad header line";
    case ParseError::kTooManyHeaders:
      return "too many header fields";
    case ParseError::kTruncated:
      return "truncated";
    case ParseError::kContentLength:
      return "bad Content-Length";
    case ParseError::kBodyShort:
      return "body shorter than Content-Length";
    case ParseError::kMissing:
      return "missing";
    case ParseError::kRepeated:
      return "repeated";
    case ParseError::kViaProtocol:
      return "bad Via protocol";
    case ParseError::kViaTransport:
      return "bad Via transport";
    case ParseError::kHost:
      return "bad host";
    case ParseError::kPort:
      return "bad port";
    case ParseError::kScheme:
      return "bad scheme";
    case ParseError::kUser:
      return "bad user";
    case ParseError::kEscape:
      return "bad escape";
    case ParseError::kUri:
      return "bad URI";
    case ParseError::kDisplayName:
      return "bad display name";
    case ParseError::kBrackets:
      return "unbalanced brackets";
    case ParseError::kQuotes:
      return "unbalanced quotes";
    case ParseError::kParameter:
      return "bad parameter";
    case ParseError::kNumber:
      return "bad number";
    case ParseError::kMethod:
      return "bad method";
    case ParseError::kToken:
      return "bad token";
    case ParseError::kTrailing:
      return "trailing characters";
  }
  return "unknown";
}

}  // namespace core::sip

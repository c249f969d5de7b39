#include "core/sdp/parse_error.h"

namespace core::sdp {

uint16_t StatusCodeOf(ParseError error) {
  if (error == ParseError::kOk) return 0;
  return error < ParseError::kTooLong ? 400 : 488;  // The enum lists the malformed first.
}

std::string_view Name(ParseError error) {
  switch (error) {
    case ParseError::kOk:
      return "ok";
    case ParseError::kEmpty:
      return "empty";
    case ParseError::kLine:
      return "bad line";
    case ParseError::kLineType:
      return "unknown line type";
    case ParseError::kPlace:
      return "line in the wrong section";
    case ParseError::kVersion:
      return "not v=0";
    case ParseError::kMissing:
      return "missing line";
    case ParseError::kRepeated:
      return "repeated";
    case ParseError::kOrigin:
      return "bad origin";
    case ParseError::kAddress:
      return "bad address";
    case ParseError::kTime:
      return "bad time";
    case ParseError::kBandwidth:
      return "bad bandwidth";
    case ParseError::kMedia:
      return "bad media line";
    case ParseError::kPort:
      return "bad port";
    case ParseError::kFormat:
      return "bad payload type";
    case ParseError::kAttribute:
      return "bad attribute";
    case ParseError::kRtpMap:
      return "bad rtpmap";
    case ParseError::kBoundary:
      return "bad boundary";
    case ParseError::kPart:
      return "bad body part";
    case ParseError::kTooLong:
      return "too long";
    case ParseError::kLineTooLong:
      return "line too long";
    case ParseError::kTooManyLines:
      return "too many lines";
    case ParseError::kTooManyMedia:
      return "too many media lines";
    case ParseError::kTooManyFormats:
      return "too many formats";
    case ParseError::kNetworkType:
      return "unknown network or address type";
    case ParseError::kHostName:
      return "host name for an address";
    case ParseError::kMulticast:
      return "multicast";
    case ParseError::kTooManyParts:
      return "too many body parts";
    case ParseError::kNestedMultipart:
      return "nested multipart";
    case ParseError::kEncoding:
      return "transfer encoding";
    case ParseError::kDisposition:
      return "not this session's description";
    case ParseError::kNoSdp:
      return "no SDP";
  }
  return "unknown";
}

}  // namespace core::sdp

#pragma once

#include <cstdint>
#include <string_view>

#include "core/sip/method.h"
#include "core/sip/parse_error.h"

namespace core::sip {

/// CSeq = 1*DIGIT LWS Method                                              RFC 3261 §20.16
///
/// Shape: sequence_number is below 2^31 (§8.1.1.5).
struct CSeqValue {
  uint32_t sequence_number = 0;
  Method method = Method::kUnknown;
  std::string_view method_text;
};
ParseError ParseCSeq(std::string_view value, CSeqValue* cseq);

/// RAck = response-num LWS CSeq-num LWS Method                            RFC 3262 §7.2
struct RAckValue {
  uint32_t response_number = 0;  // The RSeq that is acknowledged.
  uint32_t sequence_number = 0;
  Method method = Method::kUnknown;
  std::string_view method_text;
};
ParseError ParseRAck(std::string_view value, RAckValue* rack);

}  // namespace core::sip

#include "core/sip/cseq.h"

#include "core/sip/cursor.h"

namespace core::sip {
namespace {

constexpr uint64_t kSequenceNumberMax = 0x7fffffff;  // §8.1.1.5: less than 2**31.
constexpr uint64_t kResponseNumberMax = 0xffffffff;

ParseError TakeMethod(Cursor* in, Method* method, std::string_view* text) {
  if (!in->Space()) return ParseError::kMethod;
  *text = in->TakeToken();
  if (text->empty()) return ParseError::kMethod;
  *method = FindMethod(*text);
  in->SkipSpace();
  return in->AtEnd() ? ParseError::kOk : ParseError::kTrailing;
}

}  // namespace

// CSeq = "CSeq" HCOLON 1*DIGIT LWS Method                                RFC 3261 §25.1
ParseError ParseCSeq(std::string_view value, CSeqValue* cseq) {
  *cseq = {};
  Cursor in(value);
  in.SkipSpace();
  uint64_t number = 0;
  if (!in.TakeNumber(kSequenceNumberMax, &number)) return ParseError::kNumber;
  const ParseError error = TakeMethod(&in, &cseq->method, &cseq->method_text);
  if (error == ParseError::kOk) cseq->sequence_number = static_cast<uint32_t>(number);
  return error;
}

// RAck = "RAck" HCOLON response-num LWS CSeq-num LWS Method              RFC 3262 §10
ParseError ParseRAck(std::string_view value, RAckValue* rack) {
  *rack = {};
  Cursor in(value);
  in.SkipSpace();
  uint64_t response = 0;
  uint64_t sequence = 0;
  if (!in.TakeNumber(kResponseNumberMax, &response) || !in.Space() ||
      !in.TakeNumber(kSequenceNumberMax, &sequence)) {
    return ParseError::kNumber;
  }
  const ParseError error = TakeMethod(&in, &rack->method, &rack->method_text);
  if (error == ParseError::kOk) {
    rack->response_number = static_cast<uint32_t>(response);
    rack->sequence_number = static_cast<uint32_t>(sequence);
  }
  return error;
}

}  // namespace core::sip

#include "core/sip/invite_follow_up.h"

#include "core/sip/list_reader.h"

namespace core::sip {
namespace {

void WriteHead(const Message& invite, Method method, std::string_view to, MessageWriter* out) {
  out->RequestLine(Name(method), invite.request_uri());
  std::string_view via;
  ListReader vias(invite, HeaderId::kVia);
  if (vias.Next(&via)) out->Echo(HeaderId::kVia, via);
  out->Header(HeaderId::kMaxForwards, 70);
  for (size_t i = invite.FirstIndex(HeaderId::kRoute); i != Message::kNone;
       i = invite.NextIndex(i)) {
    out->Echo(HeaderId::kRoute, invite.header(i).value);
  }
  out->Echo(HeaderId::kFrom, invite.Find(HeaderId::kFrom).value_or(""));
  out->Echo(HeaderId::kTo, to);
  out->Echo(HeaderId::kCallId, invite.call_id());
  CSeqValue cseq;
  if (invite.CSeq(&cseq) == ParseError::kOk) {
    out->BeginHeader(HeaderId::kCSeq);
    out->value()->AppendNumber(cseq.sequence_number);
    out->value()->Append(' ');
    out->value()->Append(Name(method));
    out->EndHeader();
  }
}

}  // namespace

size_t FollowUpSize(const Message& invite, const Message& other) {
  // They repeat parts of the INVITE's head and one To. Compact names grow, and Max-Forwards,
  // Content-Length and the method come new.
  constexpr size_t kAdded = 192;
  const size_t head = invite.bytes().size() - invite.body().size();
  return head + other.Find(HeaderId::kTo).value_or("").size() + kAdded;
}

void WriteAck(const Message& invite, const Message& response, MessageWriter* out) {
  WriteHead(invite, Method::kAck, response.Find(HeaderId::kTo).value_or(""), out);
  out->NoBody();
}

void WriteCancel(const Message& invite, std::string_view reason, MessageWriter* out) {
  WriteHead(invite, Method::kCancel, invite.Find(HeaderId::kTo).value_or(""), out);
  if (!reason.empty()) out->Header(HeaderId::kReason, reason);
  out->NoBody();
}

}  // namespace core::sip

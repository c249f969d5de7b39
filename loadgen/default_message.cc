#include "loadgen/default_message.h"

#include <algorithm>

#include "core/sip/cseq.h"
#include "core/sip/list_reader.h"
#include "core/sip/name_addr.h"

namespace loadgen {
namespace {

using core::sip::HeaderId;
using core::sip::Message;
using core::sip::Method;
using core::sip::NameAddr;
using core::sip::ParseError;
using core::sip::TextWriter;

void WriteField(std::string_view name, std::string_view value, TextWriter* out) {
  out->Append(name);
  out->Append(": ");
  out->Append(value);
  out->Append("\r\n");
}

void WriteContact(const RunValues& run, TextWriter* out) {
  out->Append("Contact: <sip:");
  out->Append(run.local_ip);
  out->Append(':');
  out->AppendNumber(run.local_port);
  out->Append(";transport=");
  out->Append(run.transport);
  out->Append(">\r\n");
}

// The To of a CANCEL has no tag, as its INVITE had none.
void WriteTo(std::string_view to, bool with_tag, TextWriter* out) {
  NameAddr address;
  if (!with_tag && core::sip::ParseNameAddr(to, &address) == ParseError::kOk &&
      !address.tag.empty()) {
    address.parameters = {};
    address.tag = {};
    out->Append("To: ");
    core::sip::WriteNameAddr(address, out);
    out->Append("\r\n");
    return;
  }
  WriteField("To", to, out);
}

}  // namespace

bool IsAutoAnswered(Method method) {
  return method == Method::kInfo || method == Method::kNotify || method == Method::kOptions ||
         method == Method::kUpdate;
}

void WriteDefaultOk(const Message& request, const RunValues* run, TextWriter* out) {
  out->Append("SIP/2.0 200 OK\r\n");
  core::sip::ListReader vias(request, HeaderId::kVia);
  for (std::string_view via; vias.Next(&via);) WriteField("Via", via, out);
  WriteField("From", request.Find(HeaderId::kFrom).value_or(""), out);
  const std::string_view to = request.Find(HeaderId::kTo).value_or("");
  NameAddr address;
  const bool lacks_tag = request.To(&address) == ParseError::kOk && address.tag.empty();
  out->Append("To: ");
  out->Append(to);
  if (lacks_tag) {  // RFC 3261 §8.2.6.2
    out->Append(";tag=");
    out->AppendNumber(run->pid);
    out->Append("auto");
  }
  out->Append("\r\n");
  WriteField("Call-ID", request.call_id(), out);
  WriteField("CSeq", request.Find(HeaderId::kCSeq).value_or(""), out);
  WriteContact(*run, out);
  out->Append("Content-Length: 0\r\n\r\n");
}

void WriteDefaultRequest(const DefaultRequest& request, TextWriter* out) {
  const Message& last = *request.last;
  // Ours is the From of a response, and the To of a request that the peer sent.
  const bool swap = last.is_request();
  const std::string_view from = last.Find(swap ? HeaderId::kTo : HeaderId::kFrom).value_or("");
  const std::string_view to = last.Find(swap ? HeaderId::kFrom : HeaderId::kTo).value_or("");
  core::sip::CSeqValue cseq;
  const bool has_cseq = !swap && last.CSeq(&cseq) == ParseError::kOk;
  const bool of_invite = request.method == Method::kCancel ||
                         (request.method == Method::kAck && last.status_code() >= 300);
  uint32_t number = has_cseq ? cseq.sequence_number : request.cseq;
  if (request.method == Method::kBye) number = std::max(number, request.cseq) + 1;

  NameAddr peer;
  std::string_view target = of_invite ? std::string_view() : request.target;
  if (target.empty() && core::sip::ParseNameAddr(to, &peer) == ParseError::kOk) target = peer.uri;

  const std::string_view method = core::sip::Name(request.method);
  out->Append(method);
  out->Append(' ');
  out->Append(target);
  out->Append(" SIP/2.0\r\n");
  core::sip::ListReader vias(last, HeaderId::kVia);
  std::string_view via;
  if (of_invite && vias.Next(&via)) {
    WriteField("Via", via, out);
  } else {
    out->Append("Via: SIP/2.0/");
    out->Append(request.run->transport);
    out->Append(' ');
    out->Append(request.run->local_ip);
    out->Append(':');
    out->AppendNumber(request.run->local_port);
    out->Append(";branch=z9hG4bK-end-");
    out->Append(method);
    out->Append('-');
    out->Append(request.call_id);
    out->Append("\r\n");
  }
  if (!of_invite && !request.routes.empty()) WriteField("Route", request.routes, out);
  WriteField("From", from, out);
  WriteTo(to, request.method != Method::kCancel, out);
  WriteField("Call-ID", last.call_id().empty() ? request.call_id : last.call_id(), out);
  out->Append("CSeq: ");
  out->AppendNumber(number);
  out->Append(' ');
  out->Append(method);
  out->Append("\r\n");
  WriteContact(*request.run, out);
  out->Append("Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace loadgen

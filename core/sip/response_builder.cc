#include "core/sip/response_builder.h"

#include "core/sip/list_reader.h"

namespace core::sip {
namespace {

constexpr uint16_t kSipPort = 5060;

bool NamesAddress(const HostPort& sent_by, const IpAddress& address) {
  IpAddress named;
  return IpAddress::Parse(sent_by.host, &named) && named == address;
}

// The top Via as it stood, without what it says of where it came from, and with what we saw.
void WriteTopVia(std::string_view value, const Endpoint& source, MessageWriter* out) {
  Via via;
  if (ParseVia(value, &via) != ParseError::kOk) {
    out->Header(HeaderId::kVia, value);
    return;
  }
  const std::string_view parameters = via.parameters.text();
  out->BeginHeader(HeaderId::kVia);
  TextWriter* text = out->value();
  text->Append("SIP/2.0/");
  text->Append(via.transport);
  text->Append(' ');
  WriteHostPort(via.sent_by, text);
  Cursor in(parameters);
  while (in.Take(';')) {
    const char* from = in.position();
    const Parameter parameter = in.TakeParameter();
    if (EqualsIgnoreCase(parameter.name, "received")) continue;
    if (EqualsIgnoreCase(parameter.name, "rport")) continue;
    text->Append(';');
    text->Append(Trim(in.Since(from)));
  }
  if (via.has_rport || !NamesAddress(via.sent_by, source.ip)) {
    const IpAddress::Text address = source.ip.text();
    text->Append(";received=");
    text->Append(address.view());
  }
  if (via.has_rport) {
    text->Append(";rport=");
    text->AppendNumber(source.port);
  }
  out->EndHeader();
}

void WriteVias(const Message& request, const Endpoint& source, MessageWriter* out) {
  ListReader vias(request, HeaderId::kVia);
  std::string_view value;
  if (!vias.Next(&value)) return;
  WriteTopVia(value, source, out);
  while (vias.Next(&value)) out->Echo(HeaderId::kVia, value);
}

void WriteTo(const Message& request, std::string_view to_tag, MessageWriter* out) {
  const auto value = request.Find(HeaderId::kTo);
  if (!value) return;
  NameAddr to;
  const bool tagged = request.To(&to) != ParseError::kOk || !to.tag.empty();
  if (tagged || to_tag.empty()) {
    out->Echo(HeaderId::kTo, *value);
  } else {
    out->Echo(HeaderId::kTo, {*value, ";tag=", to_tag});
  }
}

void Echo(const Message& request, HeaderId id, MessageWriter* out) {
  for (size_t i = request.FirstIndex(id); i != Message::kNone; i = request.NextIndex(i)) {
    out->Echo(id, request.header(i).value);
  }
}

}  // namespace

void WriteResponseHead(MessageWriter* out, const Message& request, const Endpoint& source,
                       const ResponseHead& head) {
  out->StatusLine(head.status_code, head.reason);
  WriteVias(request, source, out);
  if (head.record_route) Echo(request, HeaderId::kRecordRoute, out);
  Echo(request, HeaderId::kFrom, out);
  WriteTo(request, head.to_tag, out);
  Echo(request, HeaderId::kCallId, out);
  Echo(request, HeaderId::kCSeq, out);
  // §8.2.6.1. The delay that we might add to it is not measured, so none is added.
  if (head.status_code == 100) Echo(request, HeaderId::kTimestamp, out);
}

Endpoint ResponseTarget(const Via& top_via, const Endpoint& source) {
  if (top_via.has_rport) return source;
  return {source.ip, top_via.sent_by.port != 0 ? top_via.sent_by.port : kSipPort};
}

}  // namespace core::sip

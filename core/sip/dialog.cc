#include "core/sip/dialog.h"

#include <cstring>
#include <limits>
#include <utility>

#include "core/sip/list_reader.h"

namespace core::sip {
namespace {

// How one route is written after another in a route set.
constexpr std::string_view kComma = ", ";

// The name-addr of a From or To without the parameters behind it; it is written with brackets.
struct Address {
  std::string_view display;  // All in front of the bracket, as written; or empty.
  std::string_view uri;

  size_t size() const { return display.size() + uri.size() + 2; }
  void Write(TextWriter* out) const {
    out->Append(display);
    out->Append('<');
    out->Append(uri);
    out->Append('>');
  }
};

Address ReadAddress(std::string_view value, const NameAddr& name_addr) {
  if (!name_addr.bracketed) return {{}, name_addr.uri};
  const auto uri_at = static_cast<size_t>(name_addr.uri.data() - value.data());
  return {value.substr(0, value.substr(0, uri_at).rfind('<')), name_addr.uri};
}

// What Address::Write() wrote.
Address Split(std::string_view written) {
  NameAddr name_addr;
  if (ParseNameAddr(written, &name_addr) != ParseError::kOk) return {};
  return ReadAddress(written, name_addr);
}

void WritePeer(HeaderId id, std::string_view address, std::string_view tag, MessageWriter* out) {
  if (tag.empty()) {
    out->Echo(id, address);  // RFC 2543 knew peers without a tag (§12.2.1.1).
  } else {
    out->Echo(id, {address, ";tag=", tag});
  }
}

// Room that WriteRoutes() needs for the Record-Route of a message.
size_t RoutesSize(const Message& message) {
  size_t size = 0;
  ListReader routes(message, HeaderId::kRecordRoute);
  for (std::string_view route; routes.Next(&route);) size += route.size() + kComma.size();
  return size == 0 ? 0 : size - kComma.size();
}

void CopyTo(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
}

// The values of Record-Route in a row: as they stand for the end that answers, and from the last to
// the first for the end that asked (RFC 3261 §12.1.1, §12.1.2).
void WriteRoutes(const Message& message, bool reversed, size_t size, char* out) {
  char* const end = out + size;
  char* at = reversed ? end : out;
  ListReader routes(message, HeaderId::kRecordRoute);
  bool first = true;
  for (std::string_view route; routes.Next(&route); first = false) {
    if (reversed) {
      if (!first) CopyTo(at -= kComma.size(), kComma);
      CopyTo(at -= route.size(), route);
    } else {
      if (!first) CopyTo(std::exchange(at, at + kComma.size()), kComma);
      CopyTo(std::exchange(at, at + route.size()), route);
    }
  }
}

}  // namespace

struct Dialog::Parts {
  std::string_view call_id;
  std::string_view local_tag;
  std::string_view remote_tag;
  Address local;
  Address remote;
  std::string_view remote_target;
  const Message* routes = nullptr;  // The message whose Record-Route makes the route set, or null:
  std::string_view route_set;       // as it was.
  bool reversed = false;
};

Dialog::Result Dialog::FromRequest(const Message& request, std::string_view local_tag,
                                   PacketStore* store) {
  Parts parts;
  CSeqValue cseq;
  if (!ReadPeers(request, /*from_is_local=*/false, &parts)) return Result::kMalformed;
  if (!ReadTarget(request, &parts)) return Result::kMalformed;
  if (request.CSeq(&cseq) != ParseError::kOk) return Result::kMalformed;
  parts.local_tag = local_tag;  // The request's To has none yet.
  parts.routes = &request;
  const Result result = Keep(parts, store);
  if (result != Result::kOk) return result;
  state_ = State::kEarly;
  secure_ = EqualsIgnoreCase(request.request_uri().substr(0, 5), "sips:");
  local_sequence_ = 0;
  remote_sequence_ = cseq.sequence_number;
  has_remote_sequence_ = true;
  return Result::kOk;
}

Dialog::Result Dialog::FromResponse(const Message& response, bool secure, PacketStore* store) {
  CSeqValue cseq;
  if (response.CSeq(&cseq) != ParseError::kOk) return Result::kMalformed;
  const Result result = KeepResponse(response, store);
  if (result != Result::kOk) return result;
  state_ = response.status_code() < 200 ? State::kEarly : State::kConfirmed;
  secure_ = secure;
  local_sequence_ = cseq.sequence_number;
  has_remote_sequence_ = false;
  return Result::kOk;
}

Dialog::Result Dialog::Confirm(const Message& response, PacketStore* store) {
  const Result result = KeepResponse(response, store);
  // The numbers stay: a PRACK or UPDATE may have used some since the INVITE.
  if (result == Result::kOk) state_ = State::kConfirmed;
  return result;
}

Dialog::Result Dialog::KeepResponse(const Message& response, PacketStore* store) {
  Parts parts;
  if (!ReadPeers(response, /*from_is_local=*/true, &parts)) return Result::kMalformed;
  if (!ReadTarget(response, &parts)) return Result::kMalformed;
  parts.routes = &response;
  parts.reversed = true;
  return Keep(parts, store);
}

Dialog::Result Dialog::Refresh(const Message& message, PacketStore* store) {
  NameAddr contact;
  if (!message.Has(HeaderId::kContact)) return Result::kOk;
  if (message.Contact(&contact) != ParseError::kOk || contact.wildcard) return Result::kMalformed;
  if (contact.uri == remote_target()) return Result::kOk;
  Parts parts = CurrentParts();
  parts.remote_target = contact.uri;
  return Keep(parts, store);
}

bool Dialog::Matches(const Message& message) const {
  if (state_ == State::kNone || message.call_id() != call_id()) return false;
  NameAddr from;
  NameAddr to;
  if (message.From(&from) != ParseError::kOk || message.To(&to) != ParseError::kOk) return false;
  const bool from_peer = message.is_request();
  return (from_peer ? from.tag : to.tag) == remote_tag() &&
         (from_peer ? to.tag : from.tag) == local_tag();
}

bool Dialog::TakeRemoteSequence(uint32_t sequence_number) {
  if (has_remote_sequence_ && sequence_number < remote_sequence_) return false;
  has_remote_sequence_ = true;
  remote_sequence_ = sequence_number;
  return true;
}

void Dialog::WriteRequestHead(const RequestHead& head, MessageWriter* out) const {
  const std::string_view method = Name(head.method);
  const Route first = FirstRoute();
  out->RequestLine(method, request_uri());
  out->Header(HeaderId::kVia,
              {"SIP/2.0/", head.transport, " ", head.sent_by, ";branch=", head.branch, ";rport"});
  out->Header(HeaderId::kMaxForwards, head.max_forwards);
  const std::string_view routes = first.strict ? first.rest : route_set();
  if (!routes.empty()) out->Echo(HeaderId::kRoute, routes);
  if (first.strict) out->Header(HeaderId::kRoute, {"<", remote_target(), ">"});
  WritePeer(HeaderId::kFrom, local_address(), local_tag(), out);
  WritePeer(HeaderId::kTo, remote_address(), remote_tag(), out);
  out->Echo(HeaderId::kCallId, call_id());
  out->BeginHeader(HeaderId::kCSeq);
  out->value()->AppendNumber(head.sequence_number);
  out->value()->Append(' ');
  out->value()->Append(method);
  out->EndHeader();
}

std::string_view Dialog::request_uri() const {
  const Route first = FirstRoute();
  // A strict router's URI loses what a Request-URI may not have: header fields (§19.1.1).
  return first.strict ? first.uri.substr(0, first.uri.find('?')) : remote_target();
}

std::string_view Dialog::next_hop() const {
  const Route first = FirstRoute();
  return first.uri.empty() ? remote_target() : first.uri;
}

Dialog::Route Dialog::FirstRoute() const {
  Route first;
  ListReader routes(route_set());
  std::string_view value;
  NameAddr route;
  if (!routes.Next(&value) || ParseNameAddr(value, &route) != ParseError::kOk) return first;
  first.uri = route.uri;
  const auto used = static_cast<size_t>(value.data() + value.size() - route_set().data());
  first.rest = route_set().substr(used);
  if (!first.rest.empty()) first.rest.remove_prefix(kComma.size());
  Uri uri;
  first.strict = ParseUri(route.uri, &uri) == ParseError::kOk && uri.is_sip() &&
                 !FindUriParameter(uri, "lr").has_value();
  return first;
}

std::string_view Dialog::text(Text which) const {
  if (!kept_) return {};
  const size_t begin = which == 0 ? 0 : ends_[which - 1];
  return kept_.text().substr(begin, ends_[which] - begin);
}

bool Dialog::ReadPeers(const Message& message, bool from_is_local, Parts* parts) {
  NameAddr from;
  NameAddr to;
  if (message.From(&from) != ParseError::kOk || message.To(&to) != ParseError::kOk) return false;
  if (message.call_id().empty()) return false;
  parts->call_id = message.call_id();
  const Address from_address = ReadAddress(*message.Find(HeaderId::kFrom), from);
  const Address to_address = ReadAddress(*message.Find(HeaderId::kTo), to);
  parts->local = from_is_local ? from_address : to_address;
  parts->remote = from_is_local ? to_address : from_address;
  parts->local_tag = from_is_local ? from.tag : to.tag;
  parts->remote_tag = from_is_local ? to.tag : from.tag;
  return true;
}

bool Dialog::ReadTarget(const Message& message, Parts* parts) {
  NameAddr contact;
  if (!message.Has(HeaderId::kContact)) {
    // RFC 2543 had it optional, and 18x without it are common: then the peer is where it says it
    // is.
    parts->remote_target = parts->remote.uri;
    return true;
  }
  if (message.Contact(&contact) != ParseError::kOk || contact.wildcard) return false;
  parts->remote_target = contact.uri;
  return true;
}

Dialog::Parts Dialog::CurrentParts() const {
  Parts parts;
  parts.call_id = call_id();
  parts.local_tag = local_tag();
  parts.remote_tag = remote_tag();
  parts.local = Split(local_address());
  parts.remote = Split(remote_address());
  parts.route_set = route_set();
  return parts;
}

Dialog::Result Dialog::Keep(const Parts& parts, PacketStore* store) {
  const size_t routes_size =
      parts.routes != nullptr ? RoutesSize(*parts.routes) : parts.route_set.size();
  const std::array<size_t, kTextCount> sizes = {
      parts.call_id.size(), parts.local_tag.size(), parts.remote_tag.size(),
      parts.local.size(),   parts.remote.size(),    parts.remote_target.size(),
      routes_size,
  };
  size_t size = 0;
  for (const size_t each : sizes) size += each;
  KeptText kept = store->texts()->Acquire(size);  // No more than a datagram holds.
  if (!kept) return Result::kStoreDry;
  TextWriter out({kept.data(), size});
  for (const std::string_view text : {parts.call_id, parts.local_tag, parts.remote_tag}) {
    out.Append(text);
  }
  parts.local.Write(&out);
  parts.remote.Write(&out);
  out.Append(parts.remote_target);
  if (parts.routes != nullptr) {
    WriteRoutes(*parts.routes, parts.reversed, routes_size, kept.data() + out.size());
  } else {
    out.Append(parts.route_set);
  }
  size_t end = 0;
  for (size_t i = 0; i < kTextCount; ++i) ends_[i] = static_cast<uint16_t>(end += sizes[i]);
  kept_ = std::move(kept);
  return Result::kOk;
}

}  // namespace core::sip

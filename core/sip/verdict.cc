#include "core/sip/verdict.h"

#include <algorithm>

#include "core/sip/small_headers.h"
#include "core/sip/uri.h"

namespace core::sip {
namespace {

constexpr Verdict kProcess{};

constexpr Verdict Drop() { return {Verdict::Action::kDrop, 0, ""}; }

constexpr Verdict Answer(uint16_t status_code, std::string_view reason) {
  return {Verdict::Action::kAnswer, status_code, reason};
}

// What the index refused. What came before the fault is known and serves the answer.
Verdict JudgeFraming(ParseError error) {
  switch (error) {
    case ParseError::kOk:
      return kProcess;
    case ParseError::kEmpty:
    case ParseError::kTooLong:
      return Drop();
    case ParseError::kVersion:
      return Answer(505, "Version Not Supported");
    case ParseError::kTooManyHeaders:
      return Answer(513, "Too Many Header Fields");
    case ParseError::kStartLine:
      return Answer(400, "Malformed Request-Line");
    case ParseError::kTruncated:
      return Answer(400, "Header Fields Without End");
    case ParseError::kContentLength:
      return Answer(400, "Bad Content-Length");
    case ParseError::kBodyShort:
      return Answer(400, "Body Shorter Than Content-Length");
    default:
      return Answer(400, "Malformed Header Field");
  }
}

// A URI of ours to read must be readable; of another scheme its characters were checked already.
bool IsUriReadable(std::string_view text) {
  Uri uri;
  return ParseUri(text, &uri) == ParseError::kOk;
}

bool IsAddressReadable(const Message& message, HeaderId id) {
  NameAddr address;
  return message.Address(id, &address) == ParseError::kOk && !address.wildcard &&
         IsUriReadable(address.uri);
}

bool AreAddressesReadable(const Message& message, HeaderId id) {
  AddressReader addresses(message, id);
  for (NameAddr address; addresses.Next(&address);) {
    // "Contact: *" is a REGISTER's (§10.2.2): it names nobody who could be called.
    const bool readable =
        address.wildcard ? message.method() == Method::kRegister : IsUriReadable(address.uri);
    if (!readable) return false;
  }
  return addresses.error() == ParseError::kOk;
}

// The fields without which there is no transaction (§8.1.1) and no answer (§8.2.6.2).
Verdict JudgeMandatory(const Message& message) {
  if (!message.Has(HeaderId::kTo)) return Answer(400, "Missing To");
  if (!message.Has(HeaderId::kFrom)) return Answer(400, "Missing From");
  if (message.call_id().empty()) return Answer(400, "Missing Call-ID");
  if (!message.Has(HeaderId::kCSeq)) return Answer(400, "Missing CSeq");
  if (message.repeated() != HeaderId::kUnknown) return Answer(400, "Repeated Header Field");
  Via via;
  if (message.TopVia(&via) != ParseError::kOk) return Answer(400, "Malformed Via");
  if (!IsAddressReadable(message, HeaderId::kTo)) return Answer(400, "Malformed To");
  if (!IsAddressReadable(message, HeaderId::kFrom)) return Answer(400, "Malformed From");
  return kProcess;
}

Verdict JudgeCSeq(const Message& request) {
  CSeqValue cseq;
  if (request.CSeq(&cseq) != ParseError::kOk) return Answer(400, "Malformed CSeq");
  if (cseq.method_text != request.method_text()) return Answer(400, "CSeq Method Mismatch");
  return kProcess;
}

Verdict JudgeRequestUri(const Message& request) {
  Uri uri;
  if (ParseUri(request.request_uri(), &uri) != ParseError::kOk) {
    return Answer(400, "Malformed Request-URI");
  }
  // §19.1.1's table: header components are not allowed in a Request-URI.
  if (!uri.headers.empty()) return Answer(400, "Header Fields in Request-URI");
  if (uri.scheme == UriScheme::kOther) return Answer(416, "Unsupported URI Scheme");
  return kProcess;
}

// §10.2: "The To header field MUST be a SIP URI or SIPS URI."
bool IsRegistrarAddress(const Message& request) {
  NameAddr to;
  Uri uri;
  return request.To(&to) == ParseError::kOk && ParseUri(to.uri, &uri) == ParseError::kOk &&
         uri.is_sip();
}

Verdict JudgeRequest(const Message& request) {
  Verdict verdict = JudgeFraming(request.error());
  if (!verdict.ok()) return verdict;
  verdict = JudgeMandatory(request);
  if (!verdict.ok()) return verdict;
  // Before the CSeq: a mismatch around a method of the future is best told as 501 (RFC 4475
  // §3.1.2.18).
  if (request.method() == Method::kUnknown) return Answer(501, "Not Implemented");
  verdict = JudgeCSeq(request);
  if (!verdict.ok()) return verdict;
  uint32_t hops = 0;
  if (request.Has(HeaderId::kMaxForwards) && request.MaxForwards(&hops) != ParseError::kOk) {
    return Answer(400, "Malformed Max-Forwards");
  }
  verdict = JudgeRequestUri(request);
  if (!verdict.ok()) return verdict;
  if (!AreAddressesReadable(request, HeaderId::kContact)) return Answer(400, "Malformed Contact");
  if (!AreAddressesReadable(request, HeaderId::kRoute)) return Answer(400, "Malformed Route");
  if (!AreAddressesReadable(request, HeaderId::kRecordRoute)) {
    return Answer(400, "Malformed Record-Route");
  }
  if (request.method() == Method::kRegister && !IsRegistrarAddress(request)) {
    return Answer(400, "To Is No Address of Record");
  }
  return kProcess;
}

bool IsResponseUsable(const Message& response) {
  if (response.error() != ParseError::kOk || !JudgeMandatory(response).ok()) return false;
  CSeqValue cseq;
  if (response.CSeq(&cseq) != ParseError::kOk) return false;
  // §8.1.3.3: more than one Via means that it was meant for somebody else.
  ListReader vias(response, HeaderId::kVia);
  std::string_view value;
  return vias.Next(&value) && !vias.Next(&value) &&
         AreAddressesReadable(response, HeaderId::kContact) &&
         AreAddressesReadable(response, HeaderId::kRecordRoute);
}

// media-range = ( "*/*" / m-type "/" "*" / m-type "/" m-subtype ); "*" is a token like any other.
bool Accepts(const MediaType& range, std::string_view media_type) {
  Cursor in(media_type);
  const std::string_view type = in.TakeUntil('/');
  (void)in.TakeExactly('/');  // Our own constants have it.
  return (range.type == "*" || EqualsIgnoreCase(range.type, type)) &&
         (range.subtype == "*" || EqualsIgnoreCase(range.subtype, in.rest()));
}

bool AcceptsAny(const MediaType& range, std::span<const std::string_view> media_types) {
  return std::any_of(media_types.begin(), media_types.end(),
                     [&](std::string_view media_type) { return Accepts(range, media_type); });
}

// An INVITE without Accept accepts SDP (§20.1); one with an empty Accept accepts nothing.
bool AcceptsOurAnswer(const Message& request, std::span<const std::string_view> media_types) {
  if (!request.Has(HeaderId::kAccept)) return true;
  ListReader ranges(request, HeaderId::kAccept);
  for (std::string_view value; ranges.Next(&value);) {
    MediaType range;
    if (ParseMediaType(value, &range) == ParseError::kOk && AcceptsAny(range, media_types)) {
      return true;
    }
  }
  return false;
}

// §8.2.3: a body that we do not understand, unless the sender can do without our understanding it.
bool IsBodyUsable(const Message& request, std::span<const std::string_view> media_types) {
  if (request.body().empty()) return true;
  MediaType body;
  const std::string_view type = request.Find(HeaderId::kContentType).value_or(std::string_view());
  if (!IsEncoded(request) && ParseMediaType(type, &body) == ParseError::kOk &&
      AcceptsAny(body, media_types))
    return true;
  Cursor disposition(request.Find(HeaderId::kContentDisposition).value_or(std::string_view()));
  disposition.TakeUntil(';');
  const std::string_view handling =
      Parameters(disposition.rest()).Find("handling").value_or(std::string_view());
  return EqualsIgnoreCase(handling, "optional");
}

bool Knows(std::span<const std::string_view> option_tags, std::string_view option_tag) {
  return std::any_of(option_tags.begin(), option_tags.end(),
                     [&](std::string_view known) { return EqualsIgnoreCase(known, option_tag); });
}

}  // namespace

bool IsEncoded(const Message& message) {
  ListReader codings(message, HeaderId::kContentEncoding);
  for (std::string_view coding; codings.Next(&coding);) {
    if (!EqualsIgnoreCase(coding, "identity")) return true;
  }
  return false;
}

Verdict Judge(const Message& message) {
  if (!message.is_request()) return IsResponseUsable(message) ? kProcess : Drop();
  const Verdict verdict = JudgeRequest(message);
  if (verdict.ok()) return verdict;
  const bool answerable = message.Has(HeaderId::kVia) && !message.method_text().empty();
  return answerable && message.method() != Method::kAck ? verdict : Drop();
}

Verdict JudgeAbilities(const Message& request, const Abilities& abilities) {
  const Method method = request.method();
  // §8.2.2.3: Require is ignored in ACK and CANCEL.
  if (method == Method::kAck || method == Method::kCancel) return kProcess;
  ListReader required(request, HeaderId::kRequire);
  for (std::string_view option_tag; required.Next(&option_tag);) {
    if (!Knows(abilities.option_tags, option_tag)) return Answer(420, "Bad Extension");
  }
  // Bodies of other methods are for the far end to judge.
  const bool offers =
      method == Method::kInvite || method == Method::kUpdate || method == Method::kPrack;
  if (!offers || abilities.media_types.empty()) return kProcess;
  if (!IsBodyUsable(request, abilities.media_types)) return Answer(415, "Unsupported Media Type");
  if (!AcceptsOurAnswer(request, abilities.media_types)) return Answer(406, "Not Acceptable");
  return kProcess;
}

void WriteUnsupportedTags(const Message& request, std::span<const std::string_view> supported,
                          TextWriter* out) {
  ListReader required(request, HeaderId::kRequire);
  bool first = true;
  for (std::string_view option_tag; required.Next(&option_tag);) {
    if (Knows(supported, option_tag)) continue;
    const std::string_view separator = first ? "" : ", ";
    if (separator.size() + option_tag.size() > out->room()) return;
    out->Append(separator);
    out->Append(option_tag);
    first = false;
  }
}

}  // namespace core::sip

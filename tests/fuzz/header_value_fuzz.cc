// The one-value header fields: whatever is accepted, written in its plainest form, is accepted
// again to the same values. Digest credentials that we write for a challenge we accepted are
// credentials.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/sip/cseq.h"
#include "core/sip/digest.h"
#include "core/sip/small_headers.h"

namespace core::sip {
namespace {

void CheckCSeqAndRAck(std::string_view value, TextWriter out) {
  CSeqValue cseq;
  if (ParseCSeq(value, &cseq) == ParseError::kOk) {
    TextWriter text = out;
    text.AppendNumber(cseq.sequence_number);
    text.Append(' ');
    text.Append(cseq.method_text);
    CSeqValue again;
    CHECK(ParseCSeq(text.text(), &again) == ParseError::kOk);
    CHECK(again.sequence_number == cseq.sequence_number && again.method == cseq.method);
  }
  RAckValue rack;
  if (ParseRAck(value, &rack) == ParseError::kOk) {
    out.AppendNumber(rack.response_number);
    out.Append(' ');
    out.AppendNumber(rack.sequence_number);
    out.Append(' ');
    out.Append(rack.method_text);
    RAckValue again;
    CHECK(ParseRAck(out.text(), &again) == ParseError::kOk);
    CHECK(again.response_number == rack.response_number && again.method == rack.method);
  }
}

void CheckNumbers(std::string_view value) {
  SessionExpires session_expires;
  RetryAfter retry_after;
  uint32_t number = 0;
  // A bare number is each of the three; none of them takes what another grammar would wrap.
  if (ParseNumber(value, &number) != ParseError::kOk) {
    (void)ParseSessionExpires(value, &session_expires);
    (void)ParseRetryAfter(value, &retry_after);
    return;
  }
  CHECK(ParseSessionExpires(value, &session_expires) == ParseError::kOk);
  CHECK(ParseRetryAfter(value, &retry_after) == ParseError::kOk);
  CHECK(session_expires.seconds == number && retry_after.seconds == number);
}

void CheckTexts(std::string_view value, TextWriter out) {
  Replaces replaces;
  if (ParseReplaces(value, &replaces) == ParseError::kOk) {
    CHECK(!replaces.call_id.empty() && !replaces.to_tag.empty() && !replaces.from_tag.empty());
  }
  Reason reason;
  if (ParseReason(value, &reason) == ParseError::kOk) CHECK(!reason.protocol.empty());
  Warning warning;
  if (ParseWarning(value, &warning) == ParseError::kOk) CHECK(warning.code <= 999);
  MediaType media_type;
  if (ParseMediaType(value, &media_type) == ParseError::kOk) {
    out.Append(media_type.type);
    out.Append('/');
    out.Append(media_type.subtype);
    out.Append(media_type.parameters.text());
    MediaType again;
    CHECK(ParseMediaType(out.text(), &again) == ParseError::kOk);
    CHECK(again.subtype == media_type.subtype);
    CHECK(again.parameters.text() == media_type.parameters.text());
  }
}

void CheckDigest(std::string_view value, TextWriter out) {
  DigestCredentials credentials;
  (void)ParseDigestCredentials(value, &credentials);
  DigestChallenge challenge;
  if (ParseDigestChallenge(value, &challenge) != ParseError::kOk) return;
  const DigestRequest request{.method = "INVITE", .uri = "sip:h", .body = "b"};
  const NonceUse use{.count = 7, .cnonce = "c"};
  if (!WriteDigestCredentials(challenge, {"user", "password"}, request, use, &out)) return;
  CHECK(ParseDigestCredentials(out.text(), &credentials) == ParseError::kOk);
  CHECK(credentials.realm == challenge.realm && credentials.nonce == challenge.nonce);
  CHECK(credentials.algorithm == challenge.algorithm && credentials.username == "user");
  CHECK(credentials.nonce_count == (challenge.has_qop ? use.count : 0));
}

}  // namespace
}  // namespace core::sip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  const std::string_view value(exact.get(), size);
  std::vector<char> memory(size + 512);  // Room for what the digest adds to a challenge.
  core::sip::CheckCSeqAndRAck(value, core::sip::TextWriter(memory));
  core::sip::CheckNumbers(value);
  core::sip::CheckTexts(value, core::sip::TextWriter(memory));
  core::sip::CheckDigest(value, core::sip::TextWriter(memory));
  return 0;
}

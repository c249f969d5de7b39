#include "core/sip/digest.h"

#include <algorithm>
#include <charconv>

#include "core/base/check.h"
#include "core/sip/cursor.h"
#include "core/sip/uri.h"

namespace core::sip {
namespace {

constexpr size_t kHex64Size = 16;
// A nonce: when it was made, who made it, the how-manieth it was there, and the MAC of all that.
constexpr size_t kNonceIndexSize = 4;
constexpr size_t kNonceSerialSize = 12;
constexpr size_t kNonceFieldsSize = kHex64Size + kNonceIndexSize + kNonceSerialSize;
constexpr size_t kNonceMacSize = 32;  // 128 bits of the MAC.
constexpr size_t kNonceSize = kNonceFieldsSize + kNonceMacSize;

DigestAlgorithm FindAlgorithm(std::string_view name) {
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::kMd5, DigestAlgorithm::kMd5Sess,
                                          DigestAlgorithm::kSha256, DigestAlgorithm::kSha256Sess}) {
    if (EqualsIgnoreCase(name, Name(algorithm))) return algorithm;
  }
  return DigestAlgorithm::kUnknown;
}

// challenge   = "Digest" LWS digest-cln *( COMMA digest-cln )            RFC 3261 §25.1
// credentials = "Digest" LWS digest-response, of the same form
template <typename Read>
ParseError ReadDigest(std::string_view value, Read&& read) {
  Cursor in(value);
  in.SkipSpace();
  if (!EqualsIgnoreCase(in.TakeToken(), "Digest") || !in.Space()) return ParseError::kToken;
  do {
    const Parameter parameter = in.TakeParameter();
    if (parameter.name.empty() || !parameter.has_value) return ParseError::kParameter;
    const ParseError error = read(parameter);
    if (error != ParseError::kOk) return error;
  } while (in.Take(','));
  in.SkipSpace();
  return in.AtEnd() ? ParseError::kOk : ParseError::kTrailing;
}

void ReadQopOptions(std::string_view options, DigestChallenge* challenge) {
  challenge->has_qop = true;
  Cursor in(options);
  do {
    in.SkipSpace();
    const std::string_view option = Trim(in.TakeUntil(','));
    if (EqualsIgnoreCase(option, "auth")) challenge->qop_auth = true;
    if (EqualsIgnoreCase(option, "auth-int")) challenge->qop_auth_int = true;
  } while (in.TakeExactly(','));
}

std::string_view Name(DigestQop qop) {
  switch (qop) {
    case DigestQop::kNone:
      return "";
    case DigestQop::kAuth:
      return "auth";
    case DigestQop::kAuthInt:
      return "auth-int";
  }
  return "";
}

// nc-value = 8LHEX
bool ReadHex(std::string_view text, size_t size, uint64_t* number) {
  if (text.size() != size) return false;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *number, 16);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

void AppendHex(uint64_t number, size_t size, TextWriter* out) {
  char digits[kHex64Size];
  for (size_t i = size; i-- > 0; number >>= 4) digits[i] = "0123456789abcdef"[number & 15];
  out->Append({digits, size});
}

bool IsSession(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::kMd5Sess || algorithm == DigestAlgorithm::kSha256Sess;
}

// What goes into a response besides the request itself.
struct DigestInput {
  DigestAlgorithm algorithm;
  DigestQop qop;
  std::string_view username;
  std::string_view realm;
  std::string_view password;
  std::string_view nonce;
  std::string_view nonce_count;
  std::string_view cnonce;
};

// request-digest                                                         RFC 7616 §3.4.1
std::string_view Respond(const DigestInput& input, const DigestRequest& request, DigestHex* hex) {
  const DigestAlgorithm algorithm = input.algorithm;
  DigestHex first;
  DigestHex session;
  std::string_view ha1 =
      DigestHash(algorithm, {input.username, ":", input.realm, ":", input.password}, &first);
  if (IsSession(algorithm)) {
    ha1 = DigestHash(algorithm, {ha1, ":", input.nonce, ":", input.cnonce}, &session);
  }
  DigestHex second;
  std::string_view ha2;
  if (input.qop == DigestQop::kAuthInt) {
    DigestHex body_hex;
    const std::string_view body = DigestHash(algorithm, {request.body}, &body_hex);
    ha2 = DigestHash(algorithm, {request.method, ":", request.uri, ":", body}, &second);
  } else {
    ha2 = DigestHash(algorithm, {request.method, ":", request.uri}, &second);
  }
  if (input.qop == DigestQop::kNone) {
    return DigestHash(algorithm, {ha1, ":", input.nonce, ":", ha2}, hex);
  }
  return DigestHash(algorithm,
                    {ha1, ":", input.nonce, ":", input.nonce_count, ":", input.cnonce, ":",
                     Name(input.qop), ":", ha2},
                    hex);
}

// What may stand between quotes without an escape.
bool IsPlain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

void AppendQuoted(std::string_view name, std::string_view value, TextWriter* out) {
  out->Append(name);
  out->Append("=\"");
  out->Append(value);
  out->Append('"');
}

}  // namespace

ParseError ParseDigestChallenge(std::string_view value, DigestChallenge* challenge) {
  *challenge = {};
  DigestChallenge read;
  const ParseError error = ReadDigest(value, [&read](const Parameter& parameter) {
    const std::string_view name = parameter.name;
    if (EqualsIgnoreCase(name, "realm")) {
      read.realm = parameter.value;
    } else if (EqualsIgnoreCase(name, "nonce")) {
      read.nonce = parameter.value;
    } else if (EqualsIgnoreCase(name, "opaque")) {
      read.opaque = parameter.value;
      read.has_opaque = true;
    } else if (EqualsIgnoreCase(name, "stale")) {
      read.stale = EqualsIgnoreCase(parameter.value, "true");
    } else if (EqualsIgnoreCase(name, "algorithm")) {
      read.algorithm_text = parameter.value;
      read.algorithm = FindAlgorithm(parameter.value);
    } else if (EqualsIgnoreCase(name, "qop")) {
      ReadQopOptions(parameter.value, &read);
    }
    return ParseError::kOk;
  });
  if (error != ParseError::kOk) return error;
  if (read.realm.data() == nullptr || read.nonce.empty()) return ParseError::kMissing;
  *challenge = read;
  return ParseError::kOk;
}

ParseError ParseDigestCredentials(std::string_view value, DigestCredentials* credentials) {
  *credentials = {};
  DigestCredentials read;
  const ParseError error = ReadDigest(value, [&read](const Parameter& parameter) {
    const std::string_view name = parameter.name;
    if (EqualsIgnoreCase(name, "username")) read.username = parameter.value;
    if (EqualsIgnoreCase(name, "realm")) read.realm = parameter.value;
    if (EqualsIgnoreCase(name, "nonce")) read.nonce = parameter.value;
    if (EqualsIgnoreCase(name, "uri")) read.uri = parameter.value;
    if (EqualsIgnoreCase(name, "response")) read.response = parameter.value;
    if (EqualsIgnoreCase(name, "cnonce")) read.cnonce = parameter.value;
    if (EqualsIgnoreCase(name, "opaque")) read.opaque = parameter.value;
    if (EqualsIgnoreCase(name, "algorithm")) read.algorithm = FindAlgorithm(parameter.value);
    if (EqualsIgnoreCase(name, "qop")) {
      if (EqualsIgnoreCase(parameter.value, "auth")) {
        read.qop = DigestQop::kAuth;
      } else if (EqualsIgnoreCase(parameter.value, "auth-int")) {
        read.qop = DigestQop::kAuthInt;
      } else {
        return ParseError::kToken;
      }
    }
    if (EqualsIgnoreCase(name, "nc")) {
      uint64_t count = 0;
      if (!ReadHex(parameter.value, 8, &count)) return ParseError::kNumber;
      read.nonce_count_text = parameter.value;
      read.nonce_count = static_cast<uint32_t>(count);
    }
    return ParseError::kOk;
  });
  if (error == ParseError::kOk) *credentials = read;
  return error;
}

bool WriteDigestCredentials(const DigestChallenge& challenge, const DigestSecret& secret,
                            const DigestRequest& request, const NonceUse& use, TextWriter* out) {
  if (challenge.algorithm == DigestAlgorithm::kUnknown || !IsPlain(secret.username)) return false;
  DigestInput input{challenge.algorithm,
                    DigestQop::kNone,
                    secret.username,
                    challenge.realm,
                    secret.password,
                    challenge.nonce,
                    "",
                    use.cnonce};
  if (challenge.qop_auth) {
    input.qop = DigestQop::kAuth;
  } else if (challenge.qop_auth_int) {
    input.qop = DigestQop::kAuthInt;
  } else if (challenge.has_qop) {
    return false;
  }
  char count_memory[8];
  TextWriter count(count_memory);
  AppendHex(use.count, sizeof(count_memory), &count);
  input.nonce_count = count.text();
  DigestHex hex;
  const std::string_view response = Respond(input, request, &hex);

  AppendQuoted("Digest username", secret.username, out);
  AppendQuoted(",realm", challenge.realm, out);
  AppendQuoted(",nonce", challenge.nonce, out);
  AppendQuoted(",uri", request.uri, out);
  AppendQuoted(",response", response, out);
  if (!challenge.algorithm_text.empty()) {
    out->Append(",algorithm=");
    out->Append(Name(challenge.algorithm));
  }
  if (challenge.has_opaque) AppendQuoted(",opaque", challenge.opaque, out);
  if (input.qop != DigestQop::kNone) {
    out->Append(",qop=");
    out->Append(Name(input.qop));
    out->Append(",nc=");
    out->Append(input.nonce_count);
  }
  // RFC 2617 §3.2.2: no cnonce without qop; but a -sess algorithm cannot do without it.
  if (input.qop != DigestQop::kNone || IsSession(input.algorithm)) {
    AppendQuoted(",cnonce", use.cnonce, out);
  }
  return out->ok();
}

DigestServer::DigestServer(std::string_view realm, std::array<uint8_t, 32> key,
                           Duration nonce_lifetime, uint16_t index)
    : key_(key), nonce_lifetime_(nonce_lifetime), index_(index) {
  CHECK(realm.size() <= kRealmMax && IsPlain(realm));
  std::copy(realm.begin(), realm.end(), realm_.begin());
  realm_size_ = realm.size();
}

// The algorithm is signed too: a client cannot answer SHA-256's challenge with the weaker MD5.
std::string_view DigestServer::SignNonce(std::string_view fields, DigestAlgorithm algorithm,
                                         std::string_view client, DigestHex* hex) const {
  const std::string_view key(reinterpret_cast<const char*>(key_.data()), key_.size());
  return DigestMac(key, {fields, ":", Name(algorithm), ":", realm(), ":", client}, hex)
      .substr(0, kNonceMacSize);
}

void DigestServer::WriteChallenge(DigestAlgorithm algorithm, bool stale, std::string_view client,
                                  Instant now, TextWriter* out) {
  CHECK(algorithm == DigestAlgorithm::kMd5 || algorithm == DigestAlgorithm::kSha256);
  char memory[kNonceFieldsSize];
  TextWriter fields(memory);
  AppendHex(static_cast<uint64_t>(now.time_since_epoch().count()), kHex64Size, &fields);
  AppendHex(index_, kNonceIndexSize, &fields);
  AppendHex(++serial_, kNonceSerialSize, &fields);
  DigestHex hex;
  const std::string_view mac = SignNonce(fields.text(), algorithm, client, &hex);

  AppendQuoted("Digest realm", realm(), out);
  out->Append(",nonce=\"");
  out->Append(fields.text());
  out->Append(mac);
  out->Append("\",algorithm=");
  out->Append(Name(algorithm));
  out->Append(",qop=\"auth\"");
  if (stale) out->Append(",stale=true");
}

// False: it is none of ours, or not this client's.
bool DigestServer::ReadNonce(const DigestCredentials& credentials, std::string_view client,
                             Nonce* nonce) const {
  if (credentials.nonce.size() != kNonceSize) return false;
  const std::string_view fields = credentials.nonce.substr(0, kNonceFieldsSize);
  DigestHex hex;
  const std::string_view mac = SignNonce(fields, credentials.algorithm, client, &hex);
  if (!EqualsInConstantTime(mac, credentials.nonce.substr(kNonceFieldsSize))) return false;
  uint64_t nanoseconds = 0;
  uint64_t index = 0;
  if (!ReadHex(fields.substr(0, kHex64Size), kHex64Size, &nanoseconds) ||
      !ReadHex(fields.substr(kHex64Size, kNonceIndexSize), kNonceIndexSize, &index) ||
      !ReadHex(fields.substr(kHex64Size + kNonceIndexSize), kNonceSerialSize, &nonce->serial)) {
    return false;
  }
  nonce->made = Instant(Duration(static_cast<int64_t>(nanoseconds)));
  nonce->index = static_cast<uint16_t>(index);
  return true;
}

DigestServer::Outcome DigestServer::Verify(const DigestCredentials& credentials,
                                           const DigestRequest& request, std::string_view password,
                                           std::string_view client, Instant now) {
  if (credentials.realm != realm() || credentials.nonce.empty()) return Outcome::kNoCredentials;
  // We always offer qop=auth, so a client that leaves it out does not obey RFC 3261 §22.4 (8).
  if (credentials.qop != DigestQop::kAuth || credentials.cnonce.empty() ||
      credentials.nonce_count == 0) {
    return Outcome::kRefused;
  }
  Nonce nonce;
  if (!ReadNonce(credentials, client, &nonce)) return Outcome::kRefused;
  Uri said;
  Uri asked;
  const bool same_uri =
      credentials.uri == request.uri ||
      (ParseUri(credentials.uri, &said) == ParseError::kOk &&
       ParseUri(request.uri, &asked) == ParseError::kOk && Equivalent(said, asked));
  if (!same_uri) return Outcome::kRefused;

  const DigestInput input{credentials.algorithm,
                          credentials.qop,
                          credentials.username,
                          realm(),
                          password,
                          credentials.nonce,
                          credentials.nonce_count_text,
                          credentials.cnonce};
  // The hash is over the text that the client wrote, which is equivalent to ours and may differ.
  DigestHex hex;
  const std::string_view expected =
      Respond(input, {request.method, credentials.uri, request.body}, &hex);
  if (!EqualsInConstantTime(expected, credentials.response)) return Outcome::kRefused;
  // Only who has the password gets here, so nobody else can use up a count or fill a place.
  if (now - nonce.made > nonce_lifetime_ || nonce.index != index_) return Outcome::kStale;
  return counts_.Use(nonce.serial, credentials.nonce_count) ? Outcome::kAccepted : Outcome::kStale;
}

}  // namespace core::sip

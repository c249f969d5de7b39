#include "core/sip/transaction_key.h"

#include <array>
#include <cstring>

namespace core::sip {
namespace {

uint64_t HashOfHashes(const HashKey& key, const uint64_t* hashes, size_t count) {
  return SipHash(key, {reinterpret_cast<const char*>(hashes), count * sizeof(uint64_t)});
}

}  // namespace

bool TransactionKey::FromRequest(const Message& request, TransactionKey* key) {
  *key = {};
  std::string_view top;
  ListReader vias(request, HeaderId::kVia);
  Via via;
  if (!vias.Next(&top) || ParseVia(top, &via) != ParseError::kOk) return false;
  NameAddr from;
  NameAddr to;
  CSeqValue cseq;
  if (request.From(&from) != ParseError::kOk) return false;
  if (request.To(&to) != ParseError::kOk) return false;
  if (request.CSeq(&cseq) != ParseError::kOk) return false;
  key->has_cookie = via.has_cookie();
  key->via = key->has_cookie ? via.branch : top;
  key->target = key->has_cookie ? via.sent_by.host : request.request_uri();
  key->from_tag = from.tag;
  key->call_id = request.call_id();
  key->to_tag = to.tag;
  key->sequence_number = cseq.sequence_number;
  key->port = via.sent_by.port;
  key->is_ack = request.method() == Method::kAck;
  key->method = key->is_ack ? Method::kInvite : request.method();
  return true;
}

uint64_t TransactionKey::Hash(const HashKey& key) const {
  const uint64_t hashes[] = {SipHash(key, via), SipHash(key, target),
                             uint64_t{port} << 8 | static_cast<uint64_t>(method)};
  return HashOfHashes(key, hashes, std::size(hashes));
}

uint64_t TransactionKey::MergeHash(const HashKey& key) const {
  const uint64_t hashes[] = {SipHash(key, from_tag), SipHash(key, call_id),
                             uint64_t{sequence_number} << 8 | static_cast<uint64_t>(method)};
  return HashOfHashes(key, hashes, std::size(hashes));
}

TransactionKey TransactionKey::OfCancelledInvite() const {
  TransactionKey invite = *this;
  invite.method = Method::kInvite;
  return invite;
}

bool KeptTransactionKey::Keep(const TransactionKey& key, PacketStore* store) {
  const std::array<std::string_view, kTexts> texts = {key.via, key.target, key.from_tag,
                                                      key.call_id, key.to_tag};
  size_t size = 0;
  for (const std::string_view text : texts) size += text.size();
  const bool fits = size <= kInlineBytes;
  if (!fits) {
    packet_ = store->Acquire(size);
    if (!packet_) return false;
    packet_.set_size(static_cast<uint32_t>(size));
  }
  size_t at = 0;
  for (size_t i = 0; i < kTexts; ++i) {
    sizes_[i] = static_cast<uint16_t>(texts[i].size());  // A message has at most 65535 bytes.
    char* to = (fits ? inline_ : packet_.data()) + at;
    if (!texts[i].empty()) std::memcpy(to, texts[i].data(), texts[i].size());
    at += texts[i].size();
  }
  sequence_number_ = key.sequence_number;
  port_ = key.port;
  method_ = key.method;
  has_cookie_ = key.has_cookie;
  return true;
}

TransactionKey KeptTransactionKey::view() const {
  const char* at = packet_ ? packet_.text().data() : inline_;
  TransactionKey key;
  std::string_view* const texts[kTexts] = {&key.via, &key.target, &key.from_tag, &key.call_id,
                                           &key.to_tag};
  for (size_t i = 0; i < kTexts; ++i) {
    *texts[i] = {at, sizes_[i]};
    at += sizes_[i];
  }
  key.sequence_number = sequence_number_;
  key.port = port_;
  key.method = method_;
  key.has_cookie = has_cookie_;
  return key;
}

bool KeptTransactionKey::Matches(const TransactionKey& key) const {
  if (method_ != key.method || has_cookie_ != key.has_cookie || port_ != key.port) return false;
  const TransactionKey mine = view();
  if (mine.via != key.via || mine.target != key.target) return false;
  if (has_cookie_) return true;
  // The To tag of an ACK is the one that we chose (§17.2.3): what is left names one INVITE without
  // it.
  return mine.from_tag == key.from_tag && mine.call_id == key.call_id &&
         mine.sequence_number == key.sequence_number && (key.is_ack || mine.to_tag == key.to_tag);
}

bool KeptTransactionKey::IsMerged(const TransactionKey& key) const {
  const TransactionKey mine = view();
  return mine.method == key.method && mine.sequence_number == key.sequence_number &&
         mine.from_tag == key.from_tag && mine.call_id == key.call_id && mine.to_tag.empty();
}

}  // namespace core::sip

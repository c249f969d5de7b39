#include "core/sip/identifier.h"

namespace core::sip {
namespace {

constexpr size_t kNonceDigits = 16;
constexpr size_t kOriginDigits = 8;
constexpr size_t kSealDigits = 8;
static_assert(kNonceDigits + kOriginDigits + kSealDigits == IdentifierMint::kSize);

char* WriteHex(uint64_t value, size_t digits, char* to) {
  for (size_t i = digits; i-- > 0; value >>= 4) to[i] = "0123456789abcdef"[value & 15];
  return to + digits;
}

// The value of a hexadecimal digit, or 16 for anything else.
unsigned DigitOf(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c) - '0';
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c) - 'a' + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c) - 'A' + 10;
  return 16;
}

bool ReadHex(std::string_view text, uint64_t* value) {
  *value = 0;
  for (const char c : text) {
    const unsigned digit = DigitOf(c);
    if (digit > 15) return false;
    *value = *value << 4 | digit;
  }
  return true;
}

// The two uses of the key hash inputs of different lengths, so one never answers for the other.
uint32_t Keystream(const HashKey& key, uint64_t nonce) {
  const std::array<uint64_t, 1> input = {nonce};
  return static_cast<uint32_t>(
      SipHash(key, {reinterpret_cast<const char*>(input.data()), sizeof(input)}));
}

uint32_t Seal(const HashKey& key, uint64_t nonce, uint32_t enciphered) {
  const std::array<uint64_t, 2> input = {nonce, enciphered};
  return static_cast<uint32_t>(
      SipHash(key, {reinterpret_cast<const char*>(input.data()), sizeof(input)}));
}

}  // namespace

IdentifierMint::Text IdentifierMint::Mint(uint8_t shard) {
  const uint64_t nonce = random_->Next();
  const uint32_t origin =
      uint32_t{shard} << 24 | uint32_t{options_.node} << 16 | uint32_t{options_.epoch};
  const uint32_t enciphered = origin ^ Keystream(options_.key, nonce);
  Text text;
  char* to = WriteHex(nonce, kNonceDigits, text.data());
  to = WriteHex(enciphered, kOriginDigits, to);
  WriteHex(Seal(options_.key, nonce, enciphered), kSealDigits, to);
  return text;
}

std::optional<IdentifierOrigin> IdentifierMint::Read(std::string_view text) const {
  if (text.size() == kBranchSize && text.starts_with(kMagicCookie)) {
    text.remove_prefix(kMagicCookie.size());
  }
  if (text.size() != kSize) return std::nullopt;
  uint64_t nonce = 0;
  uint64_t tail = 0;
  if (!ReadHex(text.substr(0, kNonceDigits), &nonce) ||
      !ReadHex(text.substr(kNonceDigits), &tail)) {
    return std::nullopt;
  }
  const auto enciphered = static_cast<uint32_t>(tail >> 32);
  if (Seal(options_.key, nonce, enciphered) != static_cast<uint32_t>(tail)) return std::nullopt;
  const uint32_t origin = enciphered ^ Keystream(options_.key, nonce);
  return IdentifierOrigin{static_cast<uint8_t>(origin >> 24), static_cast<uint8_t>(origin >> 16),
                          static_cast<uint16_t>(origin)};
}

}  // namespace core::sip

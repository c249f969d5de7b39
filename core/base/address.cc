#include "core/base/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>
#include <type_traits>

namespace core {
namespace {

static_assert(std::is_trivially_copyable_v<IpAddress> && sizeof(IpAddress) == 16);
static_assert(std::is_trivially_copyable_v<Endpoint> && std::is_trivially_copyable_v<Cidr>);

// Digits only, no sign, no leading zero but "0" itself, at most `max`.
bool ParseNumber(std::string_view text, unsigned max, unsigned* number) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > max) return false;
  *number = value;
  return true;
}

template <size_t kMax>
void AppendNumber(unsigned number, BoundedText<kMax>* text) {
  char digits[10];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  CHECK(error == std::errc() && text->Append({digits, static_cast<size_t>(end - digits)}));
}

// Four decimal numbers, as inet_pton takes them. By hand, as several are read and written for each
// message, and inet_ntop is printf.
bool ParseV4(std::string_view text, uint32_t* v4) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const size_t size = i < 3 ? text.find('.') : text.size();
    unsigned byte = 0;
    if (size == std::string_view::npos || !ParseNumber(text.substr(0, size), 255, &byte)) {
      return false;
    }
    value = value << 8 | byte;
    text.remove_prefix(i < 3 ? size + 1 : size);
  }
  *v4 = value;
  return true;
}

bool InV4(const IpAddress& address, uint32_t network, int prefix_length) {
  return address.is_v4() && (address.v4() ^ network) >> (32 - prefix_length) == 0;
}

}  // namespace

bool IpAddress::Parse(std::string_view text, IpAddress* address) {
  uint32_t v4 = 0;
  if (ParseV4(text, &v4)) {
    *address = FromV4(v4);
    return true;
  }
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(terminated) || text.find(':') == std::string_view::npos) return false;
  if (text.find('\0') != std::string_view::npos) return false;  // inet_pton would stop there.
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  std::array<uint8_t, 16> v6;
  if (inet_pton(AF_INET6, terminated, v6.data()) != 1) return false;
  *address = FromBytes(v6);
  return true;
}

bool IpAddress::is_unspecified() const {
  if (is_v4()) return v4() == 0;
  return *this == IpAddress();
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return InV4(*this, 0x7f000000, 8);
  return MaskAddress(*this, 120) == IpAddress() && bytes_[15] == 1;
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return InV4(*this, 0xa9fe0000, 16);
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_one_host() const {
  return !is_unspecified() && !is_multicast() && *this != FromV4(0xffffffff);
}

bool IpAddress::is_multicast() const {
  if (is_v4()) return InV4(*this, 0xe0000000, 4);
  return bytes_[0] == 0xff;
}

bool IpAddress::is_private() const {
  if (!is_v4()) return (bytes_[0] & 0xfe) == 0xfc;
  return InV4(*this, 0x0a000000, 8) || InV4(*this, 0xac100000, 12) || InV4(*this, 0xc0a80000, 16) ||
         InV4(*this, 0x64400000, 10);
}

IpAddress::Text IpAddress::text() const {
  Text text;
  if (is_v4()) {
    for (size_t i = 12; i < 16; ++i) {
      if (i > 12) CHECK(text.Append("."));
      AppendNumber(bytes_[i], &text);
    }
    return text;
  }
  char written[INET6_ADDRSTRLEN];
  CHECK(inet_ntop(AF_INET6, bytes_.data(), written, sizeof(written)) != nullptr);
  CHECK(text.Assign(written));
  return text;
}

bool Endpoint::Parse(std::string_view text, Endpoint* endpoint) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  IpAddress ip;
  unsigned port = 0;
  if (!IpAddress::Parse(host, &ip)) return false;
  // The text decides, not the value: "[::ffff:1.2.3.4]:5060" is IPv6 as written.
  if (bracketed != (host.find(':') != std::string_view::npos)) return false;
  if (!ParseNumber(text.substr(colon + 1), 65535, &port)) return false;
  *endpoint = {ip, static_cast<uint16_t>(port)};
  return true;
}

Endpoint::Text Endpoint::text() const {
  const IpAddress::Text address = ip.text();
  const bool v4 = ip.is_v4();
  Text text;
  CHECK((v4 || text.Append("[")) && text.Append(address.view()) && text.Append(v4 ? ":" : "]:"));
  AppendNumber(port, &text);
  return text;
}

IpAddress MaskAddress(const IpAddress& address, uint8_t bits) {
  std::array<uint8_t, 16> masked = address.bytes();
  size_t byte = bits / 8;
  if (bits % 8 != 0) {
    masked[byte] = static_cast<uint8_t>(masked[byte] & (0xff00 >> (bits % 8)));
    ++byte;
  }
  for (; byte < masked.size(); ++byte) masked[byte] = 0;
  return IpAddress::FromBytes(masked);
}

Cidr::Cidr(const IpAddress& address, int prefix_length) {
  CHECK(prefix_length >= 0 && prefix_length <= (address.is_v4() ? 32 : 128));
  bits_ = static_cast<uint8_t>(address.is_v4() ? prefix_length + 96 : prefix_length);
  first_ = MaskAddress(address, bits_);
}

bool Cidr::Parse(std::string_view text, Cidr* cidr) {
  const size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  IpAddress address;
  if (!IpAddress::Parse(host, &address)) return false;
  if (slash == std::string_view::npos) {
    *cidr = Cidr(address);
    return true;
  }
  // A v4-mapped block in IPv6's spelling would have lengths of 96 to 128: nobody means that.
  if (address.is_v4() && host.find(':') != std::string_view::npos) return false;
  unsigned length = 0;
  if (!ParseNumber(text.substr(slash + 1), address.is_v4() ? 32 : 128, &length)) return false;
  *cidr = Cidr(address, static_cast<int>(length));
  return true;
}

bool Cidr::Contains(const IpAddress& address) const {
  if (first_.is_v4() != address.is_v4()) return false;
  return MaskAddress(address, bits_) == first_;
}

bool Cidr::Contains(const Cidr& other) const {
  return bits_ <= other.bits_ && Contains(other.first_);
}

Cidr::Text Cidr::text() const {
  const IpAddress::Text address = first_.text();
  Text text;
  CHECK(text.Append(address.view()) && text.Append("/"));
  AppendNumber(static_cast<unsigned>(prefix_length()), &text);
  return text;
}

}  // namespace core

#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bounded_text.h"
#include "core/base/check.h"

namespace core {

/// An IPv4 or IPv6 address, by value.
///
/// Shape:  16 bytes in network order. IPv4 is kept as v4-mapped (RFC 4291 §2.5.5.2), so that one
/// type
///         and one table serve both families. The default value is `::`, which is unspecified.
/// Errors: Parse() is false for anything that is not exactly one address: no brackets, no zone, no
///         leading zeros in IPv4. `*address` is then untouched.
class IpAddress {
 public:
  using Text = BoundedText<46>;  // The longest is 45: "ffff:...:255.255.255.255".

  constexpr IpAddress() = default;
  static constexpr IpAddress FromV4(uint32_t host_order) {
    IpAddress address;
    address.bytes_[10] = address.bytes_[11] = 0xff;
    for (size_t i = 0; i < 4; ++i) {
      address.bytes_[12 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
    }
    return address;
  }
  static constexpr IpAddress FromBytes(std::span<const uint8_t, 16> bytes) {
    IpAddress address;
    for (size_t i = 0; i < 16; ++i) address.bytes_[i] = bytes[i];
    return address;
  }
  [[nodiscard]] static bool Parse(std::string_view text, IpAddress* address);

  constexpr bool is_v4() const {  // Each packet asks, several times: four words, not 16 bytes.
    constexpr uint32_t kMapped = std::bit_cast<uint32_t>(std::array<uint8_t, 4>{0, 0, 0xff, 0xff});
    const auto words = std::bit_cast<std::array<uint32_t, 4>>(bytes_);
    return words[0] == 0 && words[1] == 0 && words[2] == kMapped;
  }
  bool is_unspecified() const;  // 0.0.0.0 or ::
  bool is_loopback() const;     // 127.0.0.0/8 or ::1
  bool is_link_local() const;   // 169.254.0.0/16 or fe80::/10
  bool is_multicast() const;    // 224.0.0.0/4 or ff00::/8
  bool is_one_host() const;     // None of these, nor 255.255.255.255: somebody may be there.
  /// Not reachable from the public internet: RFC 1918, RFC 4193, and RFC 6598 (carriers' NAT).
  bool is_private() const;

  /// In host order. Only of an IPv4 address.
  uint32_t v4() const {
    CHECK(is_v4());
    return uint32_t{bytes_[12]} << 24 | uint32_t{bytes_[13]} << 16 | uint32_t{bytes_[14]} << 8 |
           bytes_[15];
  }
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  /// As RFC 5952 writes it, without brackets.
  Text text() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
  // The default one calls memcmp().
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    using Words = std::array<uint64_t, 2>;
    const auto ours = std::bit_cast<Words>(a.bytes_);
    const auto theirs = std::bit_cast<Words>(b.bytes_);
    return ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
  }
  template <typename H>
  friend H AbslHashValue(H state, const IpAddress& address) {
    return H::combine(std::move(state), address.bytes_);
  }

 private:
  std::array<uint8_t, 16> bytes_ = {};
};

/// An address and a port: "1.2.3.4:5060" or "[::1]:5060".
///
/// Errors: Parse() is false, and `*endpoint` untouched, without both parts; an IPv6 address needs
///         its brackets, an IPv4 address has none, and the port is 0 to 65535.
struct Endpoint {
  using Text = BoundedText<54>;

  IpAddress ip;
  uint16_t port = 0;

  [[nodiscard]] static bool Parse(std::string_view text, Endpoint* endpoint);
  Text text() const;

  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Endpoint& endpoint) {
    return H::combine(std::move(state), endpoint.ip, endpoint.port);
  }
};

/// A block of addresses of one family: "3.80.16.0/23", "2600:f0f0:c040::/48".
///
/// Shape:  a first address whose bits past the prefix are zero. An IPv6 block never holds an IPv4
///         address, although IPv4 is kept as v4-mapped: `::/0` does not open IPv4.
/// Errors: Parse() is false, and `*cidr` untouched, for a bad address or a prefix length that its
///         family does not have. A bare address is the block of that one address. Bits past the
///         prefix are cleared: who must not have them compares first() with what was written.
class Cidr {
 public:
  using Text = BoundedText<50>;

  constexpr Cidr() = default;  // ::/128, which no peer can have.
  explicit Cidr(const IpAddress& address) : first_(address) {}
  /// `prefix_length` is of the address's own family: up to 32 or 128.
  Cidr(const IpAddress& address, int prefix_length);
  [[nodiscard]] static bool Parse(std::string_view text, Cidr* cidr);

  bool Contains(const IpAddress& address) const;
  bool Contains(const Cidr& other) const;
  /// Two blocks overlap when one holds the other: there is no other way.
  bool Overlaps(const Cidr& other) const { return Contains(other) || other.Contains(*this); }

  const IpAddress& first() const { return first_; }
  int prefix_length() const { return first_.is_v4() ? bits_ - 96 : bits_; }
  /// The length in the 128 bits that IPv4 and IPv6 share: comparable within a family.
  uint8_t bits() const { return bits_; }
  Text text() const;

  friend constexpr auto operator<=>(const Cidr&, const Cidr&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Cidr& cidr) {
    return H::combine(std::move(state), cidr.first_, cidr.bits_);
  }

 private:
  IpAddress first_;
  uint8_t bits_ = 128;
};

/// The first `bits` bits of an address; the rest are zero.
IpAddress MaskAddress(const IpAddress& address, uint8_t bits);

/// Values found by the longest block that holds an address.
///
/// Shape:    any number of blocks, fixed at construction; the same block may stand several times.
/// Lifetime: built at start. A look-up allocates nothing: one binary search for each prefix length
///           in use (few: an operator's list rarely has more than four).
template <typename T>
class CidrTable {
 public:
  struct Entry {
    Cidr cidr;
    T value;
  };

  CidrTable() = default;
  explicit CidrTable(std::vector<Entry> entries) : entries_(std::move(entries)) {
    // Stable, so that equal blocks keep the order in which the operator wrote them.
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      if (a.cidr.bits() != b.cidr.bits()) return a.cidr.bits() > b.cidr.bits();
      return a.cidr.first() < b.cidr.first();
    });
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (i == 0 || entries_[i].cidr.bits() != entries_[i - 1].cidr.bits()) levels_.push_back(i);
    }
  }

  /// Calls `visit(const Entry&)` for each block that holds `address`, the longest prefix first.
  /// `visit` returns false to stop.
  template <typename Visit>
  void ForEachMatch(const IpAddress& address, Visit&& visit) const {
    for (size_t level = 0; level < levels_.size(); ++level) {
      const auto begin = entries_.begin() + static_cast<ptrdiff_t>(levels_[level]);
      const auto end = level + 1 < levels_.size()
                           ? entries_.begin() + static_cast<ptrdiff_t>(levels_[level + 1])
                           : entries_.end();
      const IpAddress masked = MaskAddress(address, begin->cidr.bits());
      auto entry = std::lower_bound(begin, end, masked, [](const Entry& e, const IpAddress& a) {
        return e.cidr.first() < a;
      });
      for (; entry != end && entry->cidr.Contains(address); ++entry) {
        if (!visit(*entry)) return;
      }
    }
  }

  /// The value of the longest block that holds `address`, or null.
  const T* Find(const IpAddress& address) const {
    const T* found = nullptr;
    ForEachMatch(address, [&](const Entry& entry) {
      found = &entry.value;
      return false;
    });
    return found;
  }

  std::span<const Entry> entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;  // The longest prefixes first, then by address.
  std::vector<size_t> levels_;  // Where each prefix length begins.
};

}  // namespace core

#include "sbc/held_addresses.h"

#include <algorithm>
#include <tuple>

namespace sbc {

using core::Instant;
using core::IpAddress;

void HeldAddresses::Hold(Side side, const IpAddress& ip, Instant now) {
  if (Renew(side, ip, now)) return;
  if (entries_.size() == kMax) {
    entries_.erase(
        std::min_element(entries_.begin(), entries_.end(),
                         [](const Entry& a, const Entry& b) { return a.until < b.until; }));
  }
  entries_.insert(entries_.begin() + static_cast<ptrdiff_t>(Place(side, ip)),
                  {side, ip, now + kTerm});
}

bool HeldAddresses::Renew(Side side, const IpAddress& ip, Instant now) {
  const size_t at = Find(side, ip);
  if (at == SIZE_MAX) return false;
  entries_[at].until = now + kTerm;
  return true;
}

bool HeldAddresses::Expire(Instant now) {
  return std::erase_if(entries_, [now](const Entry& entry) { return entry.until <= now; }) > 0;
}

size_t HeldAddresses::Place(Side side, const IpAddress& ip) const {
  const auto before = [](const Entry& entry, const std::tuple<Side, IpAddress>& wanted) {
    return std::tuple(entry.side, entry.ip) < wanted;
  };
  return static_cast<size_t>(
      std::lower_bound(entries_.begin(), entries_.end(), std::tuple(side, ip), before) -
      entries_.begin());
}

size_t HeldAddresses::Find(Side side, const IpAddress& ip) const {
  const size_t at = Place(side, ip);
  const bool found = at < entries_.size() && entries_[at].side == side && entries_[at].ip == ip;
  return found ? at : SIZE_MAX;
}

}  // namespace sbc

#include "core/net/neighbours.h"

#include <algorithm>

#include "core/base/check.h"

namespace core::net {
namespace {

uint64_t Hash(uint32_t address) { return (address * 0x9e3779b97f4a7c15u) >> 32; }

}  // namespace

Neighbours::Neighbours(uint32_t learnt_max) : learnt_index_(learnt_max) {
  CHECK(learnt_max > 0);
  learnt_.reserve(learnt_max);
}

void Neighbours::AddStatic(uint32_t address, const MacAddress& mac) {
  CHECK(learnt_.empty());
  const auto at = std::ranges::lower_bound(statics_, address, {}, &Static::address);
  if (at != statics_.end() && at->address == address) {
    at->mac = mac;
  } else {
    statics_.insert(at, {address, mac});
  }
}

const Neighbours::Static* Neighbours::FindStatic(uint32_t address) const {
  const auto at = std::ranges::lower_bound(statics_, address, {}, &Static::address);
  return at != statics_.end() && at->address == address ? &*at : nullptr;
}

Neighbours::Learnt* Neighbours::FindLearnt(uint32_t address) {
  const uint32_t* index = learnt_index_.Find(
      Hash(address), [&](uint32_t each) { return learnt_[each].address == address; });
  return index == nullptr ? nullptr : &learnt_[*index];
}

Neighbours::Learnt* Neighbours::Add(uint32_t address, Instant now) {
  uint32_t index = static_cast<uint32_t>(learnt_.size());
  if (learnt_.size() == learnt_index_.capacity()) {
    const auto oldest = std::ranges::min_element(learnt_, {}, &Learnt::heard_at);
    index = static_cast<uint32_t>(oldest - learnt_.begin());
    CHECK(learnt_index_.Erase(Hash(oldest->address), index));
  } else {
    learnt_.emplace_back();
  }
  learnt_index_.Insert(Hash(address), index);
  learnt_[index] = {.address = address, .heard_at = now, .asked_at = now};
  return &learnt_[index];
}

Neighbours::Answer Neighbours::Find(uint32_t address, Instant now) {
  if (const Static* known = FindStatic(address)) return {&known->mac, false};
  Learnt* learnt = FindLearnt(address);
  if (learnt == nullptr) {
    (void)Add(address, now);  // Remembered, so that it is not asked for with every packet.
    return {nullptr, true};
  }
  const Duration age = now - learnt->heard_at;
  if (age >= kUsable) learnt->known = false;
  Answer answer{learnt->known ? &learnt->mac : nullptr, false};
  if ((!learnt->known || age >= kFresh) && now - learnt->asked_at >= kAskInterval) {
    learnt->asked_at = now;
    answer.ask = true;
  }
  return answer;
}

bool Neighbours::OnArp(const ArpMessage& message, bool to_us, Instant now) {
  const uint32_t address = message.sender_ip;
  if (FindStatic(address) != nullptr) return false;
  Learnt* learnt = FindLearnt(address);
  if (learnt == nullptr) {
    // An answer that nobody asked for teaches nothing.
    if (!to_us || message.operation != ArpMessage::Operation::kRequest) return false;
    learnt = Add(address, now);
  } else if (!learnt->known && !to_us) {
    return false;  // We asked: the answer comes to us.
  }
  learnt->known = true;
  learnt->mac = message.sender_mac;
  learnt->heard_at = now;
  return true;
}

}  // namespace core::net

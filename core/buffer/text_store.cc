#include "core/buffer/text_store.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"

namespace core {

// Of the largest there are few, as there are of the store's packets.
TextStore::TextStore(uint32_t count)
    : classes_{Class(kSlotBytes[0], count),         Class(kSlotBytes[1], count),
               Class(kSlotBytes[2], count),         Class(kSlotBytes[3], count),
               Class(kSlotBytes[4], count),         Class(kSlotBytes[5], count),
               Class(kSlotBytes[6], count / 64 + 1)} {}

TextStore::~TextStore() { CHECK(used_ == 0); }

KeptText TextStore::Acquire(size_t size) {
  for (size_t i = 0; i < classes_.size(); ++i) {
    Class& from = classes_[i];
    if (size + sizeof(KeptText::Slot) > from.stride || size > kBytesMax) continue;
    KeptText::Slot* slot;
    if (from.free_head != kNoSlot) {
      slot = from.slot(from.free_head);
      from.free_head = slot->size;
    } else if (from.touched < from.count) {
      slot = from.slot(from.touched++);
      slot->store = this;
      slot->class_index = static_cast<uint16_t>(i);
    } else {
      continue;
    }
    slot->size = static_cast<uint32_t>(size);
    ++used_;
    return KeptText(slot);
  }
  return {};
}

KeptText TextStore::Copy(std::string_view text) {
  KeptText kept = Acquire(text.size());
  if (kept && !text.empty()) std::memcpy(kept.data(), text.data(), text.size());
  return kept;
}

void TextStore::Free(KeptText::Slot* slot) {
  Class& of = classes_[slot->class_index];
  slot->size = of.free_head;
  const auto offset = reinterpret_cast<char*>(slot) - of.memory.data();
  of.free_head = static_cast<uint32_t>(static_cast<size_t>(offset) / of.stride);
  --used_;
}

}  // namespace core

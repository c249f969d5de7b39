#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/lazy_array.h"

namespace core {

class TextStore;

/// The one owner of a text that outlives its turn and is never sent: what a dialog is known by, a
/// description, a challenge.
///
/// Lifetime: the text is gone with its owner. Views borrow.
/// Thread:   one worker's.
class KeptText {
 public:
  KeptText() = default;
  KeptText(KeptText&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  KeptText& operator=(KeptText&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  KeptText(const KeptText&) = delete;
  KeptText& operator=(const KeptText&) = delete;
  ~KeptText() { Reset(); }

  explicit operator bool() const { return slot_ != nullptr; }
  inline void Reset();

  std::string_view text() const& { return {slot_->bytes(), slot_->size}; }
  std::string_view text() && = delete;  // A view into a temporary's slot must not compile.
  char* data() { return slot_->bytes(); }
  uint32_t size() const { return slot_->size; }

 private:
  friend class TextStore;
  struct Slot {
    TextStore* store;
    uint32_t size;  // Of the text; of a free slot, the index of the next one.
    uint16_t class_index;
    char* bytes() { return reinterpret_cast<char*>(this) + sizeof(Slot); }
  };

  explicit KeptText(Slot* slot) : slot_(slot) {}
  Slot* slot_ = nullptr;
};

/// Room for texts that calls keep for hours. Most have two to four hundred bytes and there are five
/// a call, so its classes are close to each other, and a text costs 16 bytes beside itself.
///
/// Shape:  `count` texts of each class, each mapped lazily; one has at most kBytesMax.
/// Errors: an empty KeptText when the class and each larger one are dry.
/// Thread: one worker's.
class TextStore {
 public:
  static constexpr uint32_t kBytesMax = 65535;

  explicit TextStore(uint32_t count);
  TextStore(const TextStore&) = delete;
  TextStore& operator=(const TextStore&) = delete;
  ~TextStore();

  /// A text of this size, whose bytes are to be written.
  [[nodiscard]] KeptText Acquire(size_t size);
  [[nodiscard]] KeptText Copy(std::string_view text);

  size_t used() const { return used_; }

 private:
  friend class KeptText;
  static constexpr uint32_t kNoSlot = UINT32_MAX;
  // Bytes of a slot with its head: whole cache lines. The large ones are for what no peer sends but
  // the RFCs allow.
  static constexpr std::array<uint32_t, 7> kSlotBytes = {128, 256, 320, 448, 1024, 4096, 65600};

  struct Class {
    Class(uint32_t slot_bytes, uint32_t slots)
        : stride(slot_bytes), count(slots), memory(size_t{slot_bytes} * slots) {}
    KeptText::Slot* slot(uint32_t index) {
      return reinterpret_cast<KeptText::Slot*>(memory.data() + size_t{stride} * index);
    }
    uint32_t stride;
    uint32_t count;
    uint32_t touched = 0;  // Slots from here on were never used.
    uint32_t free_head = kNoSlot;
    LazyArray<char> memory;
  };

  void Free(KeptText::Slot* slot);

  std::array<Class, kSlotBytes.size()> classes_;
  size_t used_ = 0;
};

inline void KeptText::Reset() {
  if (slot_ != nullptr) slot_->store->Free(std::exchange(slot_, nullptr));
}

}  // namespace core

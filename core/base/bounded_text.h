#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace core {

/// Text kept by value with a fixed maximum: what a pooled object remembers of a message that is
/// gone.
///
/// Shape:  at most kMax bytes.
/// Errors: Assign() and Append() are false, and leave the text as it was, when it would not fit.
template <size_t kMax>
class BoundedText {
  static_assert(kMax <= UINT16_MAX);

 public:
  BoundedText()
      : size_(0) {}  // The bytes stay unwritten until used. Copies are plain, for mailboxes.

  [[nodiscard]] bool Assign(std::string_view text) {
    if (text.size() > kMax) return false;
    if (!text.empty()) std::memmove(bytes_, text.data(), text.size());
    size_ = static_cast<uint16_t>(text.size());
    return true;
  }
  [[nodiscard]] bool Append(std::string_view text) {
    if (text.size() > kMax - size_) return false;
    if (!text.empty()) std::memcpy(bytes_ + size_, text.data(), text.size());
    size_ = static_cast<uint16_t>(size_ + text.size());
    return true;
  }
  /// Keeps what fits: for text that only people read.
  void AssignTruncated(std::string_view text) { (void)Assign(text.substr(0, kMax)); }
  void Clear() { size_ = 0; }

  std::string_view view() const& { return {bytes_, size_}; }
  std::string_view view() && = delete;  // A view into a temporary must not compile.
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  static constexpr size_t capacity() { return kMax; }
  friend bool operator==(const BoundedText& a, const BoundedText& b) {
    return a.view() == b.view();
  }
  friend bool operator==(const BoundedText& a, std::string_view b) { return a.view() == b; }

 private:
  uint16_t size_;
  char bytes_[kMax];
};

}  // namespace core

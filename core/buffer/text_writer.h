#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace core {

/// Appends text to memory that the caller lends.
///
/// Shape:  at most the span's size; what would not fit is not written at all.
/// Errors: ok() turns false at the first piece that did not fit, and stays so.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> memory) : memory_(memory) {}

  void Append(std::string_view text) {
    if (text.size() > memory_.size() - size_) {
      ok_ = false;
    } else if (ok_ && !text.empty()) {
      std::memcpy(memory_.data() + size_, text.data(), text.size());
      size_ += text.size();
    }
  }
  void Append(char character) { Append({&character, 1}); }
  void AppendNumber(uint64_t number) {
    char digits[20];
    const char* end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
    Append({digits, static_cast<size_t>(end - digits)});
  }
  void Fail() { ok_ = false; }

  bool ok() const { return ok_; }
  size_t size() const { return size_; }
  size_t room() const { return memory_.size() - size_; }
  std::string_view text() const { return {memory_.data(), size_}; }

 private:
  std::span<char> memory_;
  size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace core

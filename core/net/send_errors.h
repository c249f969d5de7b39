#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/net/packet_io.h"

namespace core::net {

/// The SendErrors of a backend: gathered now, with a copy of what they quote, and readable for the
/// turn that follows.
///
/// Shape:    at most kErrorsMax a turn, each quoting at most kQuotedMax bytes, which is enough for
///           a request line and its topmost Via. Those beyond are not told: a timer says it later.
/// Lifetime: allocates at construction only.
/// Thread:   one worker's.
class SendErrors {
 public:
  static constexpr size_t kErrorsMax = 64;
  static constexpr size_t kQuotedMax = 512;

  void Add(SocketId socket, const Endpoint& remote, int error, std::string_view quoted) {
    if (gathered_.size() == kErrorsMax) return;
    gathered_.Add({socket, remote, error, quoted});
  }
  bool empty() const { return gathered_.size() == 0; }  // Of what is gathered.

  /// What was told is forgotten, and what was gathered is told until the next call.
  void NextTurn() {
    std::swap(gathered_, told_);
    gathered_.Clear();
  }
  std::span<const SendError> told() const { return told_.errors(); }

 private:
  class List {
   public:
    List() : quoted_(kErrorsMax) { errors_.reserve(kErrorsMax); }
    void Add(SendError error) {
      std::array<char, kQuotedMax>& room = quoted_[errors_.size()];
      const size_t size = error.quoted.copy(room.data(), room.size());
      error.quoted = {room.data(), size};
      errors_.push_back(error);
    }
    void Clear() { errors_.clear(); }
    size_t size() const { return errors_.size(); }
    std::span<const SendError> errors() const { return errors_; }

   private:
    std::vector<SendError> errors_;
    std::vector<std::array<char, kQuotedMax>> quoted_;  // Swapped with them, so views stay good.
  };

  List gathered_;
  List told_;
};

}  // namespace core::net

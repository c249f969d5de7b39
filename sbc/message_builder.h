#pragma once

#include <cstdint>
#include <memory>

#include "core/buffer/packet_pool.h"
#include "core/sip/message_writer.h"

namespace sbc {

/// Where messages are written before they are kept, at their own size, in a Packet of the store.
///
/// Errors: an empty Packet, counted, where a message is longer than a datagram or the store is dry.
/// Thread: one worker's, and one message at a time.
class MessageBuilder {
 public:
  explicit MessageBuilder(core::PacketStore* store)
      : store_(store), scratch_(std::make_unique<char[]>(core::PacketStore::kLargeBytes)) {}

  /// Runs `write(MessageWriter*)` and keeps the message.
  template <typename Write>
  core::Packet Build(Write&& write) {
    core::sip::MessageWriter out({scratch_.get(), core::PacketStore::kLargeBytes});
    write(&out);
    core::Packet packet;
    if (const auto size = out.Finish()) packet = store_->Copy({scratch_.get(), *size});
    if (!packet) ++unwritable_;
    return packet;
  }

  uint64_t unwritable() const { return unwritable_; }

 private:
  core::PacketStore* store_;
  std::unique_ptr<char[]> scratch_;
  uint64_t unwritable_ = 0;
};

}  // namespace sbc

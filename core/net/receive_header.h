#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <ctime>

#include "core/buffer/packet.h"

namespace core::net {

/// What the kernel writes before a datagram that a multishot recvmsg received:
/// io_uring_recvmsg_out, the sender's address and the control messages. It ends where the datagram
/// begins, so it lies in the Packet's headroom.
struct ReceiveHeader {
  static constexpr size_t kNameSize = 32;     // sockaddr_in6 and what keeps the next part aligned.
  static constexpr size_t kControlSize = 32;  // One SO_TIMESTAMPNS.

  uint32_t name_size;
  uint32_t control_size;
  uint32_t datagram_size;
  uint32_t flags;
  alignas(8) char name[kNameSize];
  alignas(8) char control[kControlSize];
};
static_assert(sizeof(ReceiveHeader) == 80);
static_assert(CMSG_SPACE(sizeof(timespec)) == ReceiveHeader::kControlSize);

/// The rest of the headroom is for the address of a send, so that a Packet can go out at once.
inline constexpr size_t kSendAddressOffset = Packet::kHeadroom;
static_assert(kSendAddressOffset - sizeof(ReceiveHeader) >= 28);

}  // namespace core::net

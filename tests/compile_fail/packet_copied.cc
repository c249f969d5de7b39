// A second owner of a datagram is made on purpose, with Share(), never by a copy that nobody saw.

#include "core/buffer/packet.h"

core::Packet Use(const core::Packet& packet) {
#ifdef MISUSE
  return packet;
#else
  return packet.Share();
#endif
}

// A view into a Packet that dies at the end of the statement would point into a slot of the pool
// that is free, or another datagram's.

#include <string_view>

#include "core/buffer/packet.h"

core::Packet Make();

bool Use() {
#ifdef MISUSE
  const std::string_view view = Make().text();
#else
  const core::Packet packet = Make();
  const std::string_view view = packet.text();
#endif
  return view.empty();
}

#pragma once

#include "core/base/address.h"
#include "core/buffer/packet.h"

namespace sbc {

/// How we look to one peer: the listener that it talks to and the address that it is told.
///
/// Shape: `sent_by` is "198.51.100.1:5060" or "[2001:db8::1]:5060": Via's sent-by and Contact's
/// host.
struct Face {
  core::SocketId socket;
  core::Endpoint local;
  core::Endpoint::Text sent_by;
};

}  // namespace sbc

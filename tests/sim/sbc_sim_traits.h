#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/dice.h"

namespace tests {

/// What is special about the world of one seed. Each is drawn by itself, so that they also meet.
struct SimTraits {
  uint16_t workers = 1;
  bool names = false;      // PBXs and trunk are host names whose answers change during calls.
  bool folds = false;      // Early dialogs are folded into one towards the customer.
  bool transfers = false;  // REFER and INVITE with Replaces pass, and are used.
  bool digest = false;     // The trunk challenges INVITEs.
  bool drains = false;     // SIGTERM in the middle: new calls are refused, the others go on.
  bool reloads = false;    // SIGHUP, with another configuration each time.
  bool media = false;      // RTP goes through the SBC, and some calls talk.
  bool ipv6 = false;       // One PBX is reached by IPv6, and has its media there.
  bool video = false;      // Video is relayed, where it is refused else; of those with media.
  bool digits = false;     // Customers say digits by INFO, and the trunk by RFC 4733; of the same.

  bool nat = false;        // A telephone behind a NAT calls, too.
  bool few_ports = false;  // Of the customers' side, so that calls and pictures want for them.

  static SimTraits Draw(Dice* dice);
  std::string Yaml() const;
};

}  // namespace tests

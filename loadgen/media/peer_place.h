#pragma once

#include "core/base/address.h"

namespace loadgen {

/// From where a call hears its peer: the place that the peer's SDP says.
///
/// Who sends from another port than it says (symmetric RTP is the rule, RFC 4961, and no must) is
/// heard as long as nothing came from the very one: the first such port of the address that the SDP
/// says. Whoever moves by a new SDP is heard where it was until it speaks from where it goes, as
/// packets are under way. Before any SDP has come nobody can be told from the peer.
class PeerPlace {
 public:
  void Say(const core::Endpoint& place) {
    if (place == said_) return;
    if (heard_.port != 0) former_ = heard_;
    if (former_.port == 0) former_ = said_;
    said_ = place;
    heard_ = {};
  }

  /// Whether what came from there is the peer's. Of several ports the first is, by this.
  bool Hear(const core::Endpoint& from) {
    if (said_.port == 0 || from == former_) return true;
    if (from != said_) {
      if (from.ip != said_.ip || (heard_.port != 0 && heard_ != from)) return false;
    }
    heard_ = from;
    former_ = {};
    return true;
  }
  bool is_said(const core::Endpoint& from) const { return from == said_; }

 private:
  core::Endpoint said_;    // Port 0: no SDP said any.
  core::Endpoint heard_;   // Of said_'s address. Port 0: nothing came yet.
  core::Endpoint former_;  // Where it was before, until it is heard where it is said to be.
};

}  // namespace loadgen

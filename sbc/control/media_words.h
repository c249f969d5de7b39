#pragma once

#include <string>

#include "sbc/media/media_summary.h"

namespace sbc {

/// Appends what a call's media did, of each leg:
///
///     caller_media="codec=pcmu received=3000 sent=2998 rtcp_received=12 rtcp_sent=12 expected=3003
///     lost=3 duplicates=0 reordered=0 late=0 jitter_ms=0.125 jitter_max_ms=2.500 gap_ms=60.000
///     ssrc_changes=0 payload_switches=0 mos_lq=4.35 dtmf=1 rtt_ms=19.434 mos_cq=4.30 peer_lost=0
///     peer_jitter_ms=0.250" callee_media="..."
///
/// What is not known is not there: all from `codec` and `expected` on where no RTP came. And
/// `wrong_source=N` stands before `dtmf` where RTP to this call's port came from somebody else.
void AppendMedia(const CallMedia& media, std::string* out);

}  // namespace sbc

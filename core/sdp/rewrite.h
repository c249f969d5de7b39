#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/address.h"
#include "core/buffer/text_writer.h"
#include "core/sdp/format_selection.h"
#include "core/sdp/session_description.h"

namespace core::sdp {

/// What becomes of one m= line on its way to the other side.
struct MediaRewrite {
  bool is_rejected = false;  // Written with port 0. A rejected source line stays rejected anyway.
  uint16_t port = 0;         // Ours, for RTP, or for UDPTL.
  uint16_t rtcp_port = 0;    // Ours; 0: none. a=rtcp is written where it is not the next port.
  bool has_rtcp_mux = false;
  bool keeps_security = false;  // The two ends' own keys cross (a=crypto and the like).
  // Requests of video's receivers cross (RFC 4585, RFC 5104), and so do the attributes that allow
  // them under AVPF: NACK, PLI and FIR. Of other media RTCP ends on each leg, and nothing is said
  // of them.
  bool keeps_feedback = false;
  /// Written in place of the source's transport; empty: the source's own. A secure line is rejected
  /// unless its keys cross or this says another: nobody could answer it.
  std::string_view protocol;
  Direction direction = Direction::kSendRecv;
  FormatSelection formats;
  /// telephone-event/8000 under this number behind them, which the source does not have: we make
  /// the events ourselves (see telephone_event.h). kNoNumber: none.
  uint8_t event_number = Format::kNoNumber;
};

/// A rewrite that keeps what can be kept: each format, and the direction that the source means.
MediaRewrite KeepMedia(const MediaDescription& media, std::span<const Format> formats);

/// What we write into a description in the peer's place.
struct Rewrite {
  std::string_view username = "-";
  uint64_t session_id = 0;
  uint64_t version = 0;
  IpAddress address;                    // Ours, for o= and c=.
  std::span<const MediaRewrite> media;  // One for each m= line of the source, in its order.
};

/// Writes `source` anew under `rewrite`, as a whole and in RFC 8866's order, with CRLF.
///
/// Shape:  the m= lines are those of the source, none dropped and none moved (RFC 3264 §5.1, §6).
///         One c= for all, at the session. Attributes cross in their order by the table in
///         attribute.cc; what s= says, u=, e=, p= (who to ask, on the other side) and k= (RFC 8866
///         §5.12) do not.
/// Errors: `out` is not ok() where it does not fit.
void WriteRewritten(const SessionDescription& source, const Rewrite& rewrite, TextWriter* out);

/// A hash of all that a description says but for o=: equal where RFC 3264 §8 wants the same
/// version. Of what WriteRewritten() wrote; not keyed, as whoever finds two that collide keeps his
/// own change from his own peer.
uint64_t ContentHash(std::string_view written);

/// Our side of o= on one leg (rule 15): one session id for its life, and a version that rises by
/// one with each change of what we send there, and with nothing else (RFC 3264 §8).
///
/// Lifetime: a plain value. Who is not sure to send what was written keeps the old one.
struct LocalOrigin {
  uint64_t session_id = 0;
  uint64_t version = 0;  // Of what was written last.
  uint64_t content_hash = 0;
  bool has_content = false;
};

/// WriteRewritten() for a leg: session id and version come from `origin`, which is then that of
/// what was written. Gives the size; nothing, and `origin` as it was, where it does not fit.
std::optional<size_t> WriteForLeg(const SessionDescription& source, Rewrite rewrite,
                                  LocalOrigin* origin, std::span<char> memory);

}  // namespace core::sdp

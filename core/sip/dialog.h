#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/buffer/packet_pool.h"
#include "core/sip/message.h"
#include "core/sip/message_writer.h"
#include "core/sip/uri.h"

namespace core::sip {

/// One end of a dialog (RFC 3261 §12): who talks with whom, where requests go, and their order.
///
/// Shape:    its texts stand one after the other in one KeptText of the store, so together they
/// have
///           at most what that holds. The rest is plain numbers.
/// Lifetime: views are good until the next FromRequest, FromResponse, Confirm or Refresh.
/// Errors:   see Result. What fails leaves the dialog as it was.
/// Thread:   one worker's.
class Dialog {
 public:
  enum class State : uint8_t { kNone, kEarly, kConfirmed };
  enum class [[nodiscard]] Result : uint8_t{
      kOk,
      kMalformed,  // A field that §12.1 needs cannot be read: 400, or drop a response.
      kStoreDry,   // No Packet for it: 503.
  };

  Dialog() = default;
  Dialog(Dialog&&) noexcept = default;
  Dialog& operator=(Dialog&&) noexcept = default;

  /// The end that answers (§12.1.1), once our To tag is chosen: early, until Confirm().
  Result FromRequest(const Message& request, std::string_view local_tag, PacketStore* store);

  /// The end that asked (§12.1.2), from a 101-199 with a To tag (early) or a 2xx (confirmed).
  /// `secure`: our request went over TLS to a sips URI.
  Result FromResponse(const Message& response, bool secure, PacketStore* store);

  /// Our own 2xx left.
  void Confirm() { state_ = State::kConfirmed; }
  /// The 2xx to our INVITE came: route set and remote target are taken anew from it (§13.2.2.4).
  Result Confirm(const Message& response, PacketStore* store);

  /// A re-INVITE or UPDATE of the peer, or its 2xx to ours: the Contact in it, if any, is the new
  /// remote target (§12.2.1.2, §12.2.2). The route set stays.
  Result Refresh(const Message& message, PacketStore* store);

  /// A request of the peer, or a response to a request of ours, that belongs here: Call-ID and both
  /// tags (§12.2.2). Without tags it is RFC 2543's.
  bool Matches(const Message& message) const;

  /// False where a request of the peer is older than one we have seen: 500 (§12.2.2). Takes the
  /// number otherwise. Not for ACK and CANCEL, which have their INVITE's.
  [[nodiscard]] bool TakeRemoteSequence(uint32_t sequence_number);
  /// The CSeq of our next request.
  uint32_t NextSequence() { return ++local_sequence_; }

  struct RequestHead {
    Method method = Method::kUnknown;
    std::string_view transport = "UDP";
    std::string_view sent_by;  // "198.51.100.1:5060": where we want the response.
    std::string_view branch;
    uint32_t sequence_number = 0;  // NextSequence(), or for an ACK the INVITE's.
    uint32_t max_forwards = 70;
  };
  /// Request line, Via (with rport), Max-Forwards, Route, From, To, Call-ID, CSeq (§12.2.1.1), also
  /// where the first route is a strict router (no `lr`): its URI is then the Request-URI, and the
  /// remote target the last Route.
  void WriteRequestHead(const RequestHead& head, MessageWriter* out) const;

  /// What WriteRequestHead() writes as the Request-URI.
  std::string_view request_uri() const;

  /// The URI whose host the next request goes to: the first route's, or the remote target. Who
  /// sends judges whether we may go there.
  std::string_view next_hop() const;
  ParseError NextHop(Uri* uri) const { return ParseUri(next_hop(), uri); }

  State state() const { return state_; }
  bool secure() const { return secure_; }
  uint32_t local_sequence() const { return local_sequence_; }
  uint32_t remote_sequence() const { return remote_sequence_; }
  void set_local_sequence(uint32_t sequence_number) { local_sequence_ = sequence_number; }

  std::string_view call_id() const { return text(kCallId); }
  std::string_view local_tag() const { return text(kLocalTag); }
  std::string_view remote_tag() const { return text(kRemoteTag); }
  std::string_view local_address() const { return text(kLocal); }         // name-addr, without tag.
  std::string_view remote_address() const { return text(kRemote); }       // name-addr, without tag.
  std::string_view remote_target() const { return text(kRemoteTarget); }  // A URI, verbatim.
  std::string_view route_set() const {
    return text(kRouteSet);
  }  // In our order, a comma list; or "".

 private:
  enum Text : uint8_t {
    kCallId,
    kLocalTag,
    kRemoteTag,
    kLocal,
    kRemote,
    kRemoteTarget,
    kRouteSet,
    kTextCount,
  };
  struct Parts;  // The texts before they are kept.

  struct Route {
    std::string_view uri;   // Of the first; empty where the route set is.
    std::string_view rest;  // The others.
    bool strict = false;    // No `lr`: RFC 2543's routing.
  };

  std::string_view text(Text which) const;
  Route FirstRoute() const;
  [[nodiscard]] static bool ReadPeers(const Message& message, bool from_is_local, Parts* parts);
  [[nodiscard]] static bool ReadTarget(const Message& message, Parts* parts);
  Result KeepResponse(const Message& response, PacketStore* store);
  Result Keep(const Parts& parts, PacketStore* store);
  Parts CurrentParts() const;

  KeptText kept_;
  std::array<uint16_t, kTextCount> ends_{};  // Where each text ends in it.
  State state_ = State::kNone;
  bool secure_ = false;
  bool has_remote_sequence_ = false;  // "Empty" until the peer's first request (§12.1.2).
  uint32_t local_sequence_ = 0;
  uint32_t remote_sequence_ = 0;
};

}  // namespace core::sip

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/bounded_vector.h"
#include "core/base/random.h"
#include "core/buffer/packet_pool.h"
#include "core/sdp/address_class.h"
#include "core/sdp/format_selection.h"
#include "core/sdp/session_description.h"
#include "sbc/config.h"
#include "sbc/media/leg_formats.h"
#include "sbc/media/media_relay.h"
#include "sbc/media/media_session.h"

namespace sbc {

/// Turns what descriptions say into what the relay does, and into what the other side is told: our
/// own addresses and ports (RFC 3264; rules 23, 24 and 26).
///
/// Shape:    one a worker; nothing is kept here between calls but memory to work in.
/// Lifetime: borrows the relay and the store.
/// Errors:   a status code where a description is refused: 400 malformed, 488 not acceptable, 500
///           no room, 503 no ports left.
/// Thread:   one worker's.
class MediaAnchor {
 public:
  /// One leg, as far as media goes.
  struct Party {
    Side side = Side::kCustomer;
    bool v4 = true;           // Of its signalling, and so of our ports there.
    bool told_local = false;  // In `local_networks`: told our own address.
    MediaSources sources;
    core::sdp::CodecPolicy codecs;  // What may be offered to it.
    // `dtmf: info`, of both legs: the customer's is told of no telephone-event, and the trunk's of
    // ours. Digits that the trunk presses are for this call.
    bool bridges_digits = false;
    bool relays_video = false;  // Else its lines are refused in their places (RFC 3264 §6).
    bool is_emergency = false;  // Rule 6: its voice does not wait for ports to rest.
    core::Handle<Call> call;
  };
  enum class Role : uint8_t { kOffer, kAnswer };

  struct Options {
    MediaRelay* relay = nullptr;
    core::PacketStore* store = nullptr;
    core::Random* random = nullptr;
    std::vector<core::Endpoint> control;  // Our own SIP and admin: never a place of media.
  };
  explicit MediaAnchor(Options options);

  bool enabled() const { return options_.relay->enabled(); }
  /// Whether IPv4: the family wanted if that side has ports of it, else the other.
  bool FamilyOf(Side side, bool v4) const {
    return options_.relay->AdvertisedAddress(side, v4).has_value() ? v4 : !v4;
  }

  /// A description that came from `from`. 0, or the code that refuses it.
  [[nodiscard]] uint16_t Take(MediaSession* session, LegId from, Role role, const Party parties[2],
                              std::string_view sdp, core::Instant now);
  /// The code for a body whose descriptions cannot be told for certain (SdpInBody::is_unread()).
  [[nodiscard]] uint16_t RefuseUnread() {
    return Refuse(415, "in a multipart body that can be read in two ways, or of another kind");
  }
  /// Why the last description that Take() refused was; for the call's record.
  std::string_view why_refused() const { return why_; }
  /// The peer says again, to a refresh that repeated what it had been told, where it is. What was
  /// agreed on stays. False where the description cannot be, or shared ports have no room for its
  /// new place: that changes nothing.
  [[nodiscard]] bool Move(MediaSession* session, LegId from, const Party& party,
                          std::string_view sdp);
  /// The offer was refused, or nobody answered it: what was agreed on before stays.
  static void DropOffer(MediaSession* session) { session->is_pending = false; }
  /// No message can repeat the answer to it any more, so its text need not be kept for hours.
  static void ForgetOffer(MediaSession* session) {
    if (!session->is_pending) session->offer.Reset();
  }
  /// Nothing that was agreed on is in force any more: what comes from either side ends here.
  void Suspend(MediaSession* session);
  /// Gives the leg other ports, for a peer of another family than the last one that was tried.
  /// False where its voice finds none, or no line of the call does.
  [[nodiscard]] bool Rebind(MediaSession* session, LegId leg, const Party& party,
                            core::Instant now);
  /// What `to` is told of a description that Take() took from the other leg; nothing where it
  /// cannot be written. Good until the next call.
  [[nodiscard]] std::optional<std::string_view> Write(MediaSession* session, LegId to, Role role,
                                                      const Party& party, std::string_view sdp);
  void End(MediaSession* session, core::Instant now);

  /// A digit for the trunk of a call that bridges digits.
  [[nodiscard]] DigitPlayer::Verdict PlayDigit(const MediaSession& session, const Digit& digit,
                                               core::Instant now);

  /// What both legs did since the call began and since the last time this was asked.
  void Summarize(const MediaSession& session, CallMedia* media);
  /// Since when nothing has come from a leg of which RTP is expected; since ever where nothing was
  /// agreed on. Nothing is expected while either side is held, has no place to send to, or sends a
  /// fax by T.38.
  std::optional<core::Instant> SilentSince(const MediaSession& session, LegId leg);

 private:
  static constexpr uint16_t kNotAcceptable = 488;
  using Media = core::sdp::MediaDescription;
  using PeerChanges = core::BoundedVector<MediaRelay::PeerChange, MediaRelay::kPeerChangesMax>;

  [[nodiscard]] uint16_t Refuse(uint16_t status_code, std::string_view why);
  static bool IsAnchored(const Media& media, const Party& party);
  static FormatsParty FormatsOf(const Party& party) {
    return {party.side, party.codecs, party.bridges_digits};
  }

  uint16_t TakeOffer(MediaSession* session, LegId from, const Party parties[2],
                     std::string_view sdp, core::Instant now);
  uint16_t TakeAnswer(MediaSession* session, LegId from, const Party parties[2]);
  /// A stream, and its m= line in an offer and in the answer. Null: an offer that has fewer lines
  /// than the last one, against RFC 3264 §8, has ended those that it lacks.
  struct Agreed {
    MediaStream* stream = nullptr;
    const Media* asked = nullptr;
    const Media* answered = nullptr;
    bool is_in_use = false;  // Else the stream takes nothing any more.
  };
  using AgreedLines = core::BoundedVector<Agreed, MediaSession::kStreamsMax>;
  AgreedLines ReadAgreed(const MediaSession& session, const Party parties[2]);
  bool HaveFormats(const AgreedLines& lines, const Party& offerer) const;
  bool SetPlaces(const AgreedLines& lines, LegId from, const Party parties[2]);
  void SetFormats(const Agreed& line, LegId from, const Party parties[2]);
  void BridgeDigits(MediaStream* stream, LegId answerer, std::span<const core::sdp::Format> told,
                    std::span<const core::sdp::Format> customers,
                    std::span<const core::sdp::Format> trunks);
  std::string_view JudgePlaces(const Party& party) const;
  PeerMedia ReadPeer(const Media& media, const Party& party) const;
  /// An m= line that is in use, and what for.
  struct Use {
    size_t line = 0;
    bool is_video = false;
  };
  MediaStream* FindStream(const MediaSession& session, const Use& use);
  MediaSession::Stream* FindSlot(MediaSession* session, const Use& use, const Party& party);
  bool AddStream(MediaSession* session, MediaSession::Stream* slot, const Use& use,
                 const Party parties[2], core::Instant now);

  Options options_;
  core::sdp::SessionDescription description_;  // What came.
  core::sdp::SessionDescription offer_;        // What it answers.
  std::string_view why_;
  std::unique_ptr<char[]> text_;
};

}  // namespace sbc

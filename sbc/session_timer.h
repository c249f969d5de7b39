#pragma once

#include <cstdint>

#include "core/base/instant.h"
#include "core/sip/message.h"
#include "core/sip/message_writer.h"

namespace sbc {

/// The session timer of one leg (RFC 4028): what was agreed there, and what is due when. Each leg
/// negotiates alone; a refresh is never relayed (rule 15).
///
/// Shape: seconds, as on the wire. Inactive until a 2xx was sent or received.
class SessionTimer {
 public:
  struct Settings {
    uint32_t session_expires_s = 1800;  // What we ask for.
    uint32_t min_se_s = 90;             // The least we accept; RFC 4028 §5 allows no less than 90.
  };
  enum class Role : uint8_t {
    kOff,        // Nothing agreed.
    kRefresher,  // We refresh, at half the interval (§10).
    kWatcher,    // The peer does; we hang up when it did not (§10).
  };

  explicit SessionTimer(const Settings& settings);

  /// As a UAS: false where the request asks for less than we accept and can be told so: 422 with
  /// Min-SE (§9).
  bool Acceptable(const core::sip::Message& request) const;
  /// As a UAS: agrees to an acceptable request; a 2xx that follows carries WriteAnswer().
  void AcceptRequest(const core::sip::Message& request, core::Instant now);
  /// Session-Expires, and Require where the peer must refresh.
  void WriteAnswer(core::sip::MessageWriter* out) const;

  /// As a UAC: Session-Expires and Min-SE of an INVITE or UPDATE. On a refresh the roles stay.
  void WriteOffer(core::sip::MessageWriter* out) const;
  /// As a UAC: a 422 raises what we ask for. False where it says nothing that helps, or was raised
  /// before to no avail.
  bool OnTooSmall(const core::sip::Message& response);
  /// As a UAC: takes what a 2xx agreed to.
  void AcceptResponse(const core::sip::Message& response, core::Instant now);

  /// When we must refresh or give up; kNever while off.
  core::Instant due() const { return due_; }
  Role role() const { return role_; }
  uint32_t interval_s() const { return interval_s_; }
  uint32_t min_se_s() const { return settings_.min_se_s; }

  /// A refresh of ours is on its way: what is due next is the end of the session.
  void OnRefreshSent();
  bool refresh_sent() const { return refresh_sent_; }
  void Stop() {
    role_ = Role::kOff;
    due_ = core::kNever;
  }

 private:
  void Agree(Role role, uint32_t interval_s, core::Instant now);

  Settings settings_;
  uint32_t interval_s_;
  uint32_t asked_min_se_s_;  // The largest Min-SE that a 422 told us.
  Role role_ = Role::kOff;
  bool refresh_sent_ = false;  // Since the last agreement.
  core::Instant agreed_at_{};
  core::Instant due_ = core::kNever;
};

}  // namespace sbc

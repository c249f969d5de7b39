#include "sbc/session_timer.h"

#include <algorithm>

#include "core/sip/small_headers.h"

namespace sbc {

using core::Instant;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using core::sip::SessionExpires;
using Refresher = SessionExpires::Refresher;
using std::chrono::seconds;

namespace {

bool ReadSessionExpires(const Message& message, SessionExpires* value) {
  const auto text = message.Find(HeaderId::kSessionExpires);
  return text.has_value() && core::sip::ParseSessionExpires(*text, value) == ParseError::kOk;
}

// A day, which the configuration cannot exceed either. More would be no timer at all.
constexpr uint32_t kIntervalMax = 86'400;

// The side that watches hangs up this long before the end (§10).
uint32_t Margin(uint32_t interval_s) { return std::min(32u, interval_s / 3); }

}  // namespace

SessionTimer::SessionTimer(const Settings& settings)
    : settings_(settings),
      interval_s_(std::max(settings.session_expires_s, settings.min_se_s)),
      asked_min_se_s_(settings.min_se_s) {}

bool SessionTimer::Acceptable(const Message& request) const {
  SessionExpires asked;
  if (!ReadSessionExpires(request, &asked)) return true;
  // Who does not know the extension (a proxy may have put the field in) would not understand a 422.
  if (!request.HasToken(HeaderId::kSupported, "timer")) return true;
  return asked.seconds >= settings_.min_se_s;
}

void SessionTimer::AcceptRequest(const Message& request, Instant now) {
  SessionExpires asked;
  const bool has_asked = ReadSessionExpires(request, &asked);
  const bool peer_knows = request.HasToken(HeaderId::kSupported, "timer");
  uint32_t min_se = 0;
  (void)request.Number(HeaderId::kMinSe, &min_se);  // Absent: 0, which asks for nothing.

  uint32_t interval = settings_.session_expires_s;
  if (has_asked) interval = std::min(interval, asked.seconds);
  // A Min-SE beyond what it asks for contradicts itself; we may not say more than it asked (§9).
  min_se = std::min(min_se, has_asked ? asked.seconds : kIntervalMax);
  interval = std::min(std::max({interval, settings_.min_se_s, min_se}), kIntervalMax);
  // §9 table 2: a peer that does not know the extension cannot refresh; else its choice counts, and
  // where it makes none the caller refreshes, who knows best whether it is still there.
  const bool peer_refreshes = peer_knows && asked.refresher != Refresher::kUas;
  Agree(peer_refreshes ? Role::kWatcher : Role::kRefresher, interval, now);
}

void SessionTimer::WriteAnswer(MessageWriter* out) const {
  if (role_ == Role::kOff) return;
  const bool peer_refreshes = role_ == Role::kWatcher;
  if (peer_refreshes) out->Header(HeaderId::kRequire, "timer");
  out->BeginHeader(HeaderId::kSessionExpires);
  out->value()->AppendNumber(interval_s_);
  out->value()->Append(peer_refreshes ? ";refresher=uac" : ";refresher=uas");
  out->EndHeader();
}

void SessionTimer::WriteOffer(MessageWriter* out) const {
  out->BeginHeader(HeaderId::kSessionExpires);
  out->value()->AppendNumber(std::max(interval_s_, asked_min_se_s_));
  // In a refresh the roles are kept by saying them (§7.4); in the first request the peer chooses.
  if (role_ == Role::kRefresher) out->value()->Append(";refresher=uac");
  if (role_ == Role::kWatcher) out->value()->Append(";refresher=uas");
  out->EndHeader();
  out->Header(HeaderId::kMinSe, uint64_t{asked_min_se_s_});
}

bool SessionTimer::OnTooSmall(const Message& response) {
  uint32_t min_se = 0;
  if (response.Number(HeaderId::kMinSe, &min_se) != ParseError::kOk) return false;
  if (min_se <= asked_min_se_s_ && min_se <= interval_s_) return false;
  if (min_se > kIntervalMax) return false;
  asked_min_se_s_ = std::max(asked_min_se_s_, min_se);
  interval_s_ = std::max(interval_s_, min_se);
  return true;
}

void SessionTimer::AcceptResponse(const Message& response, Instant now) {
  SessionExpires agreed;
  if (!ReadSessionExpires(response, &agreed)) {
    // The peer does not know the extension: we refresh, at our own interval (§7.2).
    Agree(Role::kRefresher, std::max(interval_s_, asked_min_se_s_), now);
    return;
  }
  // Less than what everybody here must accept would make us refresh in a tight loop.
  const uint32_t interval = std::clamp(agreed.seconds, settings_.min_se_s, kIntervalMax);
  Agree(agreed.refresher == Refresher::kUas ? Role::kWatcher : Role::kRefresher, interval, now);
}

void SessionTimer::OnRefreshSent() {
  refresh_sent_ = true;
  due_ = agreed_at_ + seconds(interval_s_) - seconds(Margin(interval_s_));
}

void SessionTimer::Agree(Role role, uint32_t interval_s, Instant now) {
  role_ = role;
  refresh_sent_ = false;
  interval_s_ = interval_s;
  agreed_at_ = now;
  due_ = role == Role::kRefresher ? now + seconds(interval_s) / 2
                                  : now + seconds(interval_s) - seconds(Margin(interval_s));
}

}  // namespace sbc

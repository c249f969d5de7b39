#pragma once

#include <cstdint>
#include <optional>

#include "core/base/instant.h"

namespace core::rtp {

/// Wall-clock time as RTCP carries it (RFC 3550 §4): seconds since 1900, their fraction in 2^-32.
struct NtpTime {
  uint32_t seconds = 0;
  uint32_t fraction = 0;

  static constexpr int64_t kUnixEpoch = 2'208'988'800;  // 1970 in seconds since 1900.

  static NtpTime From(WallTime wall) {
    const int64_t since_1900 = wall.unix_us + kUnixEpoch * 1'000'000;
    const int64_t us = since_1900 % 1'000'000;
    return {static_cast<uint32_t>(since_1900 / 1'000'000),  // Era 1 begins in 2036; so it wraps.
            static_cast<uint32_t>((static_cast<uint64_t>(us) << 32) / 1'000'000)};
  }

  NtpTime operator+(Duration later) const {  // Not of a time before it.
    constexpr uint64_t kNsPerSecond = 1'000'000'000;
    const auto ns = static_cast<uint64_t>(later.count());
    const uint64_t sum = (uint64_t{seconds} << 32 | fraction) + (ns / kNsPerSecond << 32) +
                         (ns % kNsPerSecond << 32) / kNsPerSecond;
    return {static_cast<uint32_t>(sum >> 32), static_cast<uint32_t>(sum)};
  }

  /// The middle 32 bits, in 2^-16 s: what LSR, LRR and the delays are counted in (§6.4.1).
  uint32_t middle() const { return seconds << 16 | fraction >> 16; }

  friend bool operator==(const NtpTime&, const NtpTime&) = default;
};

/// A delay in 2^-16 s (DLSR, DLRR). Saturates at 18 hours.
inline uint32_t ToShortNtp(Duration delay) {
  if (delay <= Duration::zero()) return 0;
  constexpr Duration kMax = std::chrono::seconds(65535);
  if (delay >= kMax) return 0xffff0000;
  return static_cast<uint32_t>((static_cast<uint64_t>(delay.count()) << 16) / 1'000'000'000);
}

inline Duration FromShortNtp(uint32_t delay) {
  return Duration(static_cast<int64_t>((uint64_t{delay} * 1'000'000'000) >> 16));
}

/// Longer than any path that a call can be held over: what a peer says beyond it is not believed.
inline constexpr Duration kRoundTripMax = std::chrono::seconds(30);

/// The time from our report to the peer's answer, less what the peer says it sat on it (§6.4.1).
///
/// Errors: nullopt if the peer claims to have held it longer than it was gone, or the result is
///         absurd. An unknown round trip is said as unknown.
inline std::optional<Duration> RoundTrip(Instant sent, Instant answered, uint32_t held) {
  const Duration round_trip = answered - sent - FromShortNtp(held);
  if (round_trip < Duration::zero() || round_trip > kRoundTripMax) return std::nullopt;
  return round_trip;
}

}  // namespace core::rtp

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/sdp/format_selection.h"
#include "core/sdp/session_description.h"

// telephone-event/8000 (RFC 4733) where only one of two sides has it, and we speak it for the other
// one: what is added to a description, and what is left out.

namespace core::sdp {

inline constexpr uint32_t kEventClockHz = 8000;
inline constexpr uint8_t kEventNumberPreferred = 101;  // What nearly all equipment gives it.
inline constexpr uint8_t kFlashEvent = 16;
inline constexpr std::string_view kOwnEvents = "0-16";  // Keys, and the hook's flash.

/// The first telephone-event/8000 of a line; null where it has none.
const Format* FindEvents(std::span<const Format> formats);

/// Under which number to add it to an offer of which `selection` goes on: kEventNumberPreferred, or
/// the first dynamic one that none of `formats` has.
///
/// Errors: kNoNumber where there is nothing to add: it is among the selection already, no voice of
///         its clock is (RFC 4733 §2.1), or every dynamic number is taken.
uint8_t EventNumberForOffer(std::span<const Format> formats, const FormatSelection& selection);

/// The same for an answer, where the number is the offer's; so none where that did not ask for it.
uint8_t EventNumberForAnswer(std::span<const Format> offered, std::span<const Format> answered,
                             const FormatSelection& selection);

/// What is left of a selection for who is not to hear of digits. A line of nothing else stays as it
/// is.
void DropEvents(std::span<const Format> formats, FormatSelection* selection);

/// The events 0 to 31 that a format's fmtp lists, a bit each: 0 to 15 where it lists none (§2.4.1);
/// of a list that cannot be read, what stands before its fault.
uint32_t EventsOf(std::string_view fmtp);

}  // namespace core::sdp

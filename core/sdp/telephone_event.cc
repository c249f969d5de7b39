#include "core/sdp/telephone_event.h"

#include <algorithm>
#include <optional>

#include "core/sdp/codec.h"

namespace core::sdp {
namespace {

constexpr uint8_t kDynamicFirst = 96;  // RFC 3551 §6.
constexpr uint8_t kDynamicLast = 127;
constexpr uint32_t kKeys = 0xffff;
constexpr uint32_t kListedMax = 31;

bool IsEvents(const Format& format) {
  return format.codec == Codec::kTelephoneEvent && format.clock_rate_hz == kEventClockHz &&
         format.number != Format::kNoNumber;
}

bool IsVoice(const Format& format) {
  return format.codec != Codec::kTelephoneEvent && format.codec != Codec::kComfortNoise &&
         format.codec != Codec::kRedundancy && format.codec != Codec::kRetransmission;
}

// Whether digits may go beside what was selected, and do not yet.
bool Wants(std::span<const Format> formats, const FormatSelection& selection) {
  bool has_voice = false;
  for (const FormatSelection::Entry& entry : selection.entries) {
    const Format& format = formats[entry.index];
    if (IsEvents(format)) return false;
    has_voice = has_voice || (IsVoice(format) && format.clock_rate_hz == kEventClockHz);
  }
  return has_voice;
}

// One number of a list, up to three digits; more than an event may be is none.
std::optional<uint32_t> TakeNumber(std::string_view* list) {
  uint32_t number = 0;
  size_t digits = 0;
  while (digits < list->size() && (*list)[digits] >= '0' && (*list)[digits] <= '9') {
    if (digits == 3) return std::nullopt;
    number = number * 10 + static_cast<uint32_t>((*list)[digits] - '0');
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  list->remove_prefix(digits);
  return number;
}

bool Take(char wanted, std::string_view* list) {
  while (!list->empty() && list->front() == ' ') list->remove_prefix(1);
  if (list->empty() || list->front() != wanted) return false;
  list->remove_prefix(1);
  while (!list->empty() && list->front() == ' ') list->remove_prefix(1);
  return true;
}

}  // namespace

const Format* FindEvents(std::span<const Format> formats) {
  const auto found = std::find_if(formats.begin(), formats.end(), IsEvents);
  return found == formats.end() ? nullptr : &*found;
}

uint8_t EventNumberForOffer(std::span<const Format> formats, const FormatSelection& selection) {
  if (!Wants(formats, selection)) return Format::kNoNumber;
  const auto is_free = [formats](uint8_t number) {
    return std::none_of(formats.begin(), formats.end(),
                        [number](const Format& format) { return format.number == number; });
  };
  if (is_free(kEventNumberPreferred)) return kEventNumberPreferred;
  for (uint8_t number = kDynamicFirst; number <= kDynamicLast; ++number) {
    if (is_free(number)) return number;
  }
  return Format::kNoNumber;
}

uint8_t EventNumberForAnswer(std::span<const Format> offered, std::span<const Format> answered,
                             const FormatSelection& selection) {
  const Format* events = FindEvents(offered);
  return events != nullptr && Wants(answered, selection) ? events->number : Format::kNoNumber;
}

void DropEvents(std::span<const Format> formats, FormatSelection* selection) {
  auto& entries = selection->entries;
  const auto has = [&](bool (*is)(const Format&)) {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const auto& entry) { return is(formats[entry.index]); });
  };
  const auto is_event = [](const Format& f) { return f.codec == Codec::kTelephoneEvent; };
  if (!has(IsVoice) || !has(is_event)) return;
  for (size_t i = entries.size(); i-- > 0;) {
    // Redundancy may name the digits' number in its fmtp (RFC 4733 §2.6.1), so it goes with them.
    const Codec codec = formats[entries[i].index].codec;
    if (codec == Codec::kTelephoneEvent || codec == Codec::kRedundancy) entries.EraseAt(i);
  }
}

uint32_t EventsOf(std::string_view fmtp) {
  // fmtp-list: "0-15,66,70"; "events=0-15" in who follows the registration to the letter (§7.1.1).
  constexpr std::string_view kName = "events=";
  if (fmtp.substr(0, kName.size()) == kName) fmtp.remove_prefix(kName.size());
  if (fmtp.empty()) return kKeys;
  uint32_t events = 0;
  do {
    const auto first = TakeNumber(&fmtp);
    if (!first.has_value()) return events;
    uint32_t last = *first;
    if (Take('-', &fmtp)) {
      const auto end = TakeNumber(&fmtp);
      if (!end.has_value()) return events;
      last = *end;
    }
    for (uint32_t event = *first; event <= std::min(last, kListedMax); ++event) {
      events |= uint32_t{1} << event;
    }
  } while (Take(',', &fmtp));
  return events;
}

}  // namespace core::sdp

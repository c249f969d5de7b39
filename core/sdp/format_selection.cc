#include "core/sdp/format_selection.h"

#include <algorithm>

#include "core/base/ascii.h"

namespace core::sdp {
namespace {

using Kept = std::array<bool, SessionDescription::kFormatsPerMediaMax>;

enum class Role { kVoice, kCompanion, kDependent };

Role RoleOf(Codec codec) {
  switch (codec) {
    case Codec::kTelephoneEvent:
    case Codec::kComfortNoise:
      return Role::kCompanion;
    case Codec::kRedundancy:
    case Codec::kRetransmission:
      return Role::kDependent;
    default:
      return Role::kVoice;
  }
}

bool HasVoiceAt(std::span<const Format> formats, const Kept& kept, bool is_kept, uint32_t rate) {
  for (size_t i = 0; i < formats.size(); ++i) {
    if (kept[i] == is_kept && RoleOf(formats[i].codec) == Role::kVoice &&
        formats[i].clock_rate_hz == rate) {
      return true;
    }
  }
  return false;
}

// A companion whose voice went would be digits at a clock that no stream has. One that never had a
// voice of its rate is left as the offerer wrote it: opus with telephone-event/8000 is common.
void DropCompanions(std::span<const Format> formats, Kept* kept) {
  const Kept before = *kept;
  for (size_t i = 0; i < formats.size(); ++i) {
    const uint32_t rate = formats[i].clock_rate_hz;
    if (RoleOf(formats[i].codec) == Role::kCompanion && HasVoiceAt(formats, before, false, rate) &&
        !HasVoiceAt(formats, before, true, rate)) {
      (*kept)[i] = false;
    }
  }
}

bool HasVoice(std::span<const Format> formats) {
  return std::any_of(formats.begin(), formats.end(),
                     [](const Format& format) { return RoleOf(format.codec) == Role::kVoice; });
}

bool HasVoice(std::span<const Format> formats, const FormatSelection& selection) {
  return std::any_of(selection.entries.begin(), selection.entries.end(), [&](const auto& entry) {
    return RoleOf(formats[entry.index].codec) == Role::kVoice;
  });
}

// A format whose fmtp names other numbers is only right while all of them stay as they were.
void DropDependents(std::span<const Format> formats, FormatSelection* selection) {
  bool is_changed = selection->entries.size() != formats.size();
  for (const auto& entry : selection->entries) {
    is_changed = is_changed || entry.number != formats[entry.index].number;
  }
  if (!is_changed) return;
  for (size_t i = selection->entries.size(); i-- > 0;) {
    const uint8_t index = selection->entries[i].index;
    if (RoleOf(formats[index].codec) == Role::kDependent) selection->entries.EraseAt(i);
  }
}

void SortByRank(std::span<const Format> formats, const CodecPolicy& policy,
                FormatSelection* selection) {
  // By insertion: few, mostly sorted already, stable, and without the buffer of stable_sort.
  auto& entries = selection->entries;
  // What is no voice stands behind all voices, in the offerer's order.
  const auto rank = [&](const auto& entry) { return policy.RankOf(formats[entry.index].codec); };
  for (size_t i = 1; i < entries.size(); ++i) {
    for (size_t k = i; k > 0 && rank(entries[k]) < rank(entries[k - 1]); --k) {
      std::swap(entries[k], entries[k - 1]);
    }
  }
}

void Append(const FormatSelection::Entry& entry, FormatSelection* selection) {
  CHECK(selection->entries.PushBack(entry));  // A line has no more formats than a selection.
}

// The offered format that `answer` stands for: under its own number if that is the same encoding,
// else the first of that encoding that no other took.
size_t FindOffered(std::span<const Format> offered, const Format& answer, const Kept& taken) {
  size_t found = offered.size();
  for (size_t i = 0; i < offered.size(); ++i) {
    if (taken[i] || !SameEncoding(offered[i], answer)) continue;
    if (offered[i].number == answer.number) return i;
    if (found == offered.size()) found = i;
  }
  return found;
}

// `taken`: which of the offered are out of question.
FormatSelection SelectAnswered(std::span<const Format> offered, std::span<const Format> answered,
                               Kept taken) {
  FormatSelection selection;
  for (size_t i = 0; i < answered.size(); ++i) {
    const size_t found = FindOffered(offered, answered[i], taken);
    if (found == offered.size()) continue;
    taken[found] = true;
    Append({static_cast<uint8_t>(i), offered[found].number}, &selection);
  }
  DropDependents(answered, &selection);
  // A line of digits alone may be offered (RFC 4733 allows it); where voice was, voice is wanted.
  const bool is_enough = HasVoice(answered, selection) || !HasVoice(offered);
  return is_enough ? selection : FormatSelection{};
}

}  // namespace

size_t CodecPolicy::RankOf(Codec codec) const {
  return static_cast<size_t>(std::find(allowed.begin(), allowed.end(), codec) - allowed.begin());
}

FormatSelection SelectAll(std::span<const Format> formats) {
  FormatSelection selection;
  for (size_t i = 0; i < formats.size(); ++i) {
    Append({static_cast<uint8_t>(i), formats[i].number}, &selection);
  }
  return selection;
}

FormatSelection SelectForOffer(const MediaDescription& media, std::span<const Format> formats,
                               const CodecPolicy& policy) {
  if (!policy.is_limited || media.type != MediaType::kAudio || !media.is_rtp()) {
    return SelectAll(formats);
  }
  Kept kept{};
  for (size_t i = 0; i < formats.size(); ++i) {
    kept[i] = RoleOf(formats[i].codec) == Role::kCompanion ||
              policy.RankOf(formats[i].codec) < policy.allowed.size();
  }
  DropCompanions(formats, &kept);
  FormatSelection selection;
  for (size_t i = 0; i < formats.size(); ++i) {
    if (kept[i]) Append({static_cast<uint8_t>(i), formats[i].number}, &selection);
  }
  DropDependents(formats, &selection);
  if (!HasVoice(formats, selection)) return {};
  if (policy.reorder) SortByRank(formats, policy, &selection);
  return selection;
}

FormatSelection SelectForAnswer(std::span<const Format> offered, std::span<const Format> answered) {
  return SelectAnswered(offered, answered, {});
}

FormatSelection SelectForAnswer(const MediaDescription& media, std::span<const Format> offered,
                                std::span<const Format> answered, const CodecPolicy& policy) {
  Kept stayed{};
  std::fill_n(stayed.begin(), offered.size(), true);
  for (const auto& entry : SelectForOffer(media, offered, policy).entries) {
    stayed[entry.index] = false;
  }
  return SelectAnswered(offered, answered, stayed);
}

void DropRepairs(std::span<const Format> formats, FormatSelection* selection) {
  for (size_t i = selection->entries.size(); i-- > 0;) {
    const uint8_t index = selection->entries[i].index;
    const bool is_repair = EqualsIgnoreCase(formats[index].encoding.substr(0, 7), "flexfec");
    if (formats[index].codec == Codec::kRetransmission || is_repair) selection->entries.EraseAt(i);
  }
}

PayloadMap MapPayloads(const PayloadMapSources& sources) {
  PayloadMap map;
  // What a sender has several of (H.264 in two packetizations) is told apart by its fmtp: a number
  // that was not agreed on is then nobody's.
  const auto is_one_of_several = [&](const Format& format) {
    return std::count_if(sources.said_by_sender.begin(), sources.said_by_sender.end(),
                         [&](const Format& each) { return SameEncoding(each, format); }) > 1;
  };
  const auto add = [&](std::span<const Format> formats, bool agreed) {
    for (const Format& format : formats) {
      if (format.number == Format::kNoNumber) continue;
      if (!agreed && is_one_of_several(format)) continue;
      if (map.Find(format.number) != PayloadMap::kRefused) continue;
      const size_t found = FindOffered(sources.said_by_receiver, format, Kept{});
      if (found < sources.said_by_receiver.size()) {
        map.Set(format.number, sources.said_by_receiver[found].number);
      }
    }
  };
  add(sources.told_to_sender, true);
  add(sources.said_by_sender, false);
  return map;
}

}  // namespace core::sdp

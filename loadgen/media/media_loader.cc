#include "loadgen/media/media_loader.h"

#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/sip/cursor.h"
#include "loadgen/media/digit_list.h"
#include "loadgen/text.h"

namespace loadgen {
namespace {

using Words = std::vector<std::string_view>;

std::string_view WordAt(const Words& words, size_t index) {
  return index < words.size() ? words[index] : std::string_view();
}

// A file's name, or "[key]" for the value of a -key. (Others are known only once a call is there.)
absl::Status FileName(const ElementReader& in, std::string_view word, const char* form,
                      std::string* name) {
  *name = std::string(word);
  if (word.starts_with('[') && word.ends_with(']') && in.state()->keys != nullptr) {
    const auto key = in.state()->keys->find(word.substr(1, word.size() - 2));
    if (key != in.state()->keys->end()) *name = key->second;
  }
  if (name->empty()) return in.Error(core::Concat(form, ": wanted the name of a file"));
  if (name->find('[') != std::string::npos) {
    return in.NotYet(core::Concat(form, "=\"", word, "\", a file that each call names itself,"));
  }
  return absl::OkStatus();
}

absl::Status ReadFormat(const ElementReader& in, std::string_view payload_type,
                        std::string_view name, AudioFormat* format) {
  uint32_t number = in.state()->rtp_payload_type;
  if (!payload_type.empty() && (!ParseNumber(payload_type, &number) || number > 127)) {
    return in.Error(
        core::Concat("rtp_stream: payload type \"", payload_type, "\": wanted a number, 0 to 127"));
  }
  if (core::sip::EqualsIgnoreCase(name, "H264/90000") || number == 13) {
    return in.NotYet(core::Concat("rtp_stream= of payload type ", number, " ", name));
  }
  const std::optional<AudioFormat> found = FindAudioFormat(static_cast<uint8_t>(number), name);
  if (!found) {
    return in.Error(core::Concat("rtp_stream: payload type ", number, " \"", name,
                                 "\": wanted 0, 8, 9, 18, or 96 to 127 with iLBC/8000"));
  }
  *format = *found;
  return absl::OkStatus();
}

absl::Status LoadPattern(const ElementReader& in, const Words& words, Action* action) {
  PlayPatternAction play;
  uint32_t id = 0;
  constexpr uint32_t kPatterns = 6;
  if (!ParseNumber(WordAt(words, 1), &id) || id < 1 || id > kPatterns) {
    return in.Error(core::Concat("rtp_stream: pattern \"", WordAt(words, 1), "\": wanted 1 to 6"));
  }
  play.pattern = static_cast<uint8_t>(0x99 + 0x11 * id);
  RETURN_IF_ERROR(ReadFormat(in, WordAt(words, 2), WordAt(words, 3), &play.format));
  action->what = play;
  return absl::OkStatus();
}

absl::Status LoadStream(const ElementReader& in, std::string_view text, Action* action) {
  Words words;
  for (const std::string_view word : Split(text, ',')) words.push_back(core::sip::Trim(word));
  const std::string_view first = WordAt(words, 0);
  for (const bool pause : {true, false}) {
    const std::string_view verb = pause ? "pause" : "resume";
    if (first == verb || first == core::Concat(verb, "apattern")) {
      action->what = PauseAudioAction{pause};
      return absl::OkStatus();
    }
    if (first == core::Concat(verb, "vpattern")) {
      return in.NotYet(core::Concat("rtp_stream=\"", first, "\""));
    }
  }
  if (first == "vpattern") return in.NotYet("rtp_stream=\"vpattern\"");
  if (first == "apattern") return LoadPattern(in, words, action);

  PlayAudioAction play;
  int64_t loops = 1;
  const std::string_view times = WordAt(words, 1);
  if (!times.empty() && (!ParseNumber(times, &loops) || loops == 0 ||
                         loops < PlayAudioAction::kForEver || loops > INT32_MAX)) {
    return in.Error(
        core::Concat("rtp_stream: loops \"", times, "\": wanted 1 or more, or -1 for no end"));
  }
  play.loops = static_cast<int32_t>(loops);
  AudioFormat format;
  RETURN_IF_ERROR(ReadFormat(in, WordAt(words, 2), WordAt(words, 3), &format));
  std::string name;
  RETURN_IF_ERROR(FileName(in, first, "rtp_stream", &name));
  absl::StatusOr<const AudioClip*> clip =
      in.state()->scenario->media_files.Audio(name, in.state()->file_name, format);
  if (!clip.ok()) return in.Annotate(clip.status());
  play.clip = *clip;
  action->what = play;
  return absl::OkStatus();
}

absl::Status LoadPcap(const ElementReader& in, std::string_view text, Action* action) {
  std::string name;
  RETURN_IF_ERROR(FileName(in, core::sip::Trim(text), "play_pcap_audio", &name));
  absl::StatusOr<const PcapClip*> clip =
      in.state()->scenario->media_files.Pcap(name, in.state()->file_name);
  if (!clip.ok()) return in.Annotate(clip.status());
  if ((*clip)->left_out > 0) {
    in.Warn(core::Concat("play_pcap_audio=\"", text, "\": ", (*clip)->left_out,
                         " packets are left out: not UDP to the lowest destination port"));
  }
  action->what = PlayPcapAction{*clip};
  return absl::OkStatus();
}

absl::Status LoadDigits(const ElementReader& in, std::string_view text, Action* action) {
  DigitList list;
  if (text.find('[') == std::string_view::npos && !ParseDigitList(text, &list)) {
    return in.Error(core::Concat("play_dtmf=\"", text, "\": wanted 1 to ", DigitList::kDigitsMax,
                                 " of 0-9 * # A-D, and where it is not 200, \",\" and 50 to 2000 "
                                 "ms"));
  }
  PlayDigitsAction play;
  RETURN_IF_ERROR(in.RequiredTemplate("play_dtmf", &play.text));
  action->what = std::move(play);
  return absl::OkStatus();
}

absl::Status LoadEchoCall(const ElementReader& in, std::string_view text, Action* action) {
  const std::string_view verb = core::sip::Trim(text.substr(0, text.find(',')));
  if (verb == "startvideo" || verb == "updatevideo" || verb == "stopvideo") {
    return in.NotYet(core::Concat("rtp_echo=\"", verb, "\""));
  }
  if (verb != "startaudio" && verb != "updateaudio" && verb != "stopaudio") {
    return in.Error(
        core::Concat("rtp_echo=\"", verb, "\": wanted startaudio, updateaudio or stopaudio"));
  }
  action->what = EchoCallAction{verb != "stopaudio"};
  return absl::OkStatus();
}

using Loader = absl::Status (*)(const ElementReader& in, std::string_view text, Action* action);
constexpr std::pair<const char*, Loader> kForms[] = {
    {"rtp_stream", LoadStream},
    {"play_pcap_audio", LoadPcap},
    {"play_dtmf", LoadDigits},
    {"rtp_echo", LoadEchoCall},
};

}  // namespace

absl::Status LoadMediaExec(const ElementReader& in, Action* action, bool* found) {
  *found = false;
  for (const auto& [form, load] : kForms) {
    const std::optional<std::string_view> text = in.Text(form);
    if (!text) continue;
    *found = true;
    in.state()->scenario->uses_media = true;
    return load(in, *text, action);
  }
  return absl::OkStatus();
}

absl::Status LoadEchoAll(const ElementReader& in, Action* action) {
  EchoAllAction echo;
  RETURN_IF_ERROR(in.Operand("value", "variable", &echo.on));
  in.state()->scenario->uses_media = true;
  action->what = echo;
  return absl::OkStatus();
}

}  // namespace loadgen

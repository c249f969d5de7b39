#pragma once

#include <cstdint>

#include "loadgen/media/audio_clip.h"
#include "loadgen/media/pcap_clip.h"
#include "loadgen/template.h"

namespace loadgen {

/// <exec rtp_stream="FILE[,LOOPS[,PAYLOAD TYPE[,NAME/CLOCK]]]">
struct PlayAudioAction {
  static constexpr int32_t kForEver = -1;
  const AudioClip* clip = nullptr;  // The scenario's library has it.
  int32_t loops = 1;
};

/// <exec rtp_stream="apattern,ID,PAYLOAD TYPE,NAME/CLOCK">: packets full of one byte, for ever.
struct PlayPatternAction {
  AudioFormat format;
  uint8_t pattern = 0;  // 0xaa for ID 1, to 0xff for ID 6.
};

/// <exec rtp_stream="pause"> and "resume", and the same of a pattern.
struct PauseAudioAction {
  bool pause = false;
};

/// <exec play_pcap_audio="FILE">
struct PlayPcapAction {
  const PcapClip* clip = nullptr;
};

/// <exec play_dtmf="DIGITS[,MILLISECONDS]">
struct PlayDigitsAction {
  MessageTemplate text;
};

/// <exec rtp_echo="startaudio|updateaudio|stopaudio,...">: of this call.
struct EchoCallAction {
  bool on = false;
};

}  // namespace loadgen

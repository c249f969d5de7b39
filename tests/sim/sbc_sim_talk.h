#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/sbc_sim_sdp.h"
#include "tests/sim/sbc_sim_truth.h"
#include "tests/support/media_peer.h"
#include "tests/support/sim_user_agent.h"

namespace tests {

// The ports of a conversation's ends, the first one's from the first on: each end moves up to seven
// times.
inline constexpr uint16_t kFirstPort = 6000;
inline constexpr uint16_t kPortsEach = 64;
inline constexpr uint16_t kVideoPorts = 40;  // Behind the first one of those.
inline constexpr uint16_t kFaxPorts = 44;
inline constexpr uint16_t kInnerPorts = 10000;  // What they are behind a NAT.

/// One end of a conversation: what it says of itself, what it was told, what it sent and heard.
///
/// Shape: plain.
struct Talker {
  /// A key that was said by INFO.
  struct Info {
    uint32_t sequence = 0;
    PressedKey key;
    int status = 0;  // Of the answer; 0: none came yet.
  };

  SimUserAgent* agent = nullptr;
  size_t call = 0;
  bool is_trunk = false;
  std::string address;         // Where its media is,
  uint16_t port = 0;           // and its voice.
  bool is_behind_nat = false;  // What it says of both is true on its side of that.
  SpokenSdp sdp;
  std::unique_ptr<MediaPeer> media;
  std::unique_ptr<MediaPeer> video;  // Null: it knows of none.
  std::unique_ptr<MediaPeer> fax;    // Null: it had none yet, or has it where the voice is.
  core::Endpoint to;                 // Where it was told to send its voice to,
  core::Endpoint video_to;           // its picture: port 0 where it was told of no place,
  core::Endpoint fax_to;             // and its fax.
  bool speaks = true;
  core::Instant began_at{};
  core::Instant hushed_at = core::kNever;
  core::Instant key_after{};    // It presses no key before.
  std::vector<Info> infos;      // Of a customer.
  size_t log_read = 0;          // Of the agent's log, for their answers.
  uint16_t pictures_sent = 0;   // Its video's sequence number,
  uint16_t pictures_asked = 0;  // and what it asked for of the other one's.
  std::vector<std::string> pages_got;

  // What the network brought to the SBC of what was right to send at that moment.
  std::vector<BroughtRtp> voice;
  uint32_t ssrc = 0;                  // Of what is the voice by now.
  std::vector<std::string> pictures;  // Without their first two bytes: numbers of formats differ.
  std::vector<BroughtRtcp> requests;
  std::vector<std::string> pages;
  uint64_t voice_rtcp = 0;
  uint64_t wrong_types = 0;        // Of what came from its place, but was not agreed on;
  uint64_t wrong_sources = 0;      // and what came to the SBC's port for it from elsewhere,
  uint64_t wrong_fax_sources = 0;  // and to the one for a fax on a line of its own.
  // From the SBC to the end and back, as each report took it that names one of the SBC's.
  std::vector<core::Duration> round_trips;
};

/// A call that talks.
///
/// Shape: plain. Nobody sends anything while they agree on something, so that all was sent under
/// one agreement.
struct Conversation {
  Talker& Other(const Talker* talker) { return talker == &caller ? callee : caller; }

  std::string number;
  uint16_t first_port = 0;  // Of both ends' media.
  std::string call_id;      // Of the caller, once it went well to its end.
  Talker caller;
  Talker callee;
  bool relays_video = false;  // What the connector's configuration was when it began.
  bool bridges_digits = false;
  bool is_clocked = true;  // Their timestamps go on while they say nothing.
  bool is_timed = true;    // All that they may speak has the clock of what they do speak.
  bool is_early = false;   // Before its answer.
  std::string early_body;  // What its callee says first, where that is not all.
  std::string codec;       // By its name in records; empty where nobody can tell.
  bool picture_flows = false;
  bool is_fax = false;
};

}  // namespace tests

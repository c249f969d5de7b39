#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/sip/digest.h"
#include "tests/sim/dice.h"
#include "tests/sim/sbc_sim_coverage.h"
#include "tests/sim/sbc_sim_plans.h"
#include "tests/sim/sbc_sim_sdp.h"
#include "tests/sim/sbc_sim_talk.h"
#include "tests/sim/sbc_sim_traits.h"
#include "tests/support/media_peer.h"
#include "tests/support/sbc_world.h"
#include "tests/support/sim_user_agent.h"

namespace tests {

/// One seed: the world, what happens in it, and what must be true at its end.
class SimulatedHour {
 public:
  explicit SimulatedHour(uint64_t seed);

  /// What went wrong, or nothing.
  std::string Run();
  void AddTo(SimCoverage* coverage);
  void Trace() { PrintTrace({&one_, &two_, &three_, &trunk_, &phone_}); }

 private:
  void Complain(const std::string& what) { complaint_ += "  " + what + "\n"; }

  // sbc_sim_hour.cc: what happens.
  void SetWeather();
  void ChangeLife();
  void ChangeAddresses();
  void Reload();
  void Drain();
  void Place(SimUserAgent* caller, SimPlan plan);
  SimPlan Answering(const SimUserAgent& callee, const SimMessage& invite);

  // sbc_sim_transfers.cc: who passes calls on, and who takes them.
  struct Talk {  // A confirmed dialog.
    size_t call;
    size_t dialog;
  };
  std::vector<Talk> TalksOf(const SimUserAgent& agent) const;
  void Transfer();
  void TakeOver();
  void GiveUpReplaced(SimUserAgent* agent, const SimMessage& invite);
  void OnRefer(SimUserAgent* agent, size_t call, const SimMessage& refer);

  // sbc_sim_media.cc: calls that talk, and what they agree on.
  void SetMediaWeather();
  void OnDelivered(const core::Endpoint& from, const core::Endpoint& to, std::string_view bytes);
  static void NoteWrongSource(Conversation* talk, const core::Endpoint& from,
                              const core::Endpoint& to);
  void GiveOwnSdp(const SimUserAgent& agent, SimPlan* plan, bool with_video);
  void Converse();
  void TalkThrough(Conversation* talk);
  Conversation& BeginConversation(bool to_trunk, bool has_video);
  bool JoinConversation(const SimUserAgent& callee, const SimMessage& invite, SimPlan* plan);
  void Seat(const Conversation& talk, Talker* talker, const std::string& address, bool has_video);
  void SettleFormats(Conversation* talk, const Talker& answered);
  bool FindTalkers(Conversation* talk);
  bool StillTalks(const Conversation& talk) const;
  void AgreeFormats(Conversation* talk, bool delayed);
  void AgreeVideo(Conversation* talk, const std::string& told_caller,
                  const std::string& told_callee);

  // sbc_sim_changes.cc: and what they agree on later.
  void PlanEarly(Conversation* talk, bool delayed, SimPlan* plan);
  bool TalkEarly(Conversation* talk);
  bool ChangeCodec(Conversation* talk, Talker* from);
  void Move(Talker* of);
  enum class Outcome : uint8_t { kAccepted, kRefused, kUnknown };
  bool Change(Conversation* talk);
  bool Hold(Conversation* talk, Talker* from);
  bool ChangeVideo(Conversation* talk, Talker* from);
  bool ChangeToFax(Conversation* talk, Talker* from);
  Outcome Offer(Conversation* talk, Talker* from);
  bool Reinvite(Conversation* talk, Talker* from, bool with_offer);

  // sbc_sim_speech.cc: what they send meanwhile.
  void Speak(Conversation* talk);
  void SendPages(Conversation* talk);
  void ShowPicture(const Conversation& talk, Talker* from);
  void AskForPicture(Conversation* talk, Talker* from);
  void BeginSpeech(Conversation* talk, Talker* from);
  void SayOtherwise(Talker* from);
  void PressKey(Conversation* talk, Talker* from);
  void SayByInfo(Talker* from);
  bool AwaitsAnswer(Conversation* talk);

  // sbc_sim_media_checks.cc, sbc_sim_quality_checks.cc: what must be true of them at the end.
  void CheckMedia();
  void CheckRelays();
  void CheckConversation(Conversation* talk, const sbc::CallMedia& told);
  void CheckVoice(const std::string& who, const Conversation& talk, const Talker& from,
                  const Talker& to, const sbc::MediaLegSummary& took,
                  const sbc::MediaLegSummary& gave);
  void CheckStatistics(const std::string& who, const Conversation& talk, const Talker& from,
                       const sbc::MediaLegSummary& took);
  void CheckQuality(const std::string& who, const Conversation& talk, const Talker& from,
                    const sbc::MediaLegSummary& took);
  void CheckRecord(const Conversation& talk, const sbc::CallReport& report);
  void CheckRest(const std::string& who, const Talker& from, const Talker& to);
  void CheckInfos(const std::string& who, const Conversation& talk, const Talker& customer);
  void CheckKeys(const std::string& who, const Talker& trunk, const Talker& customer);

  // sbc_sim_checks.cc: what must be true at the end.
  void CheckHeld();
  void CheckCallers();
  void CheckCallees();

  Dice dice_;
  Dice trait_dice_;  // Beside the other, so that one more trait leaves the plans as they were.
  SimTraits traits_;
  SimTraits in_force_;  // With what the last reload changed.
  SimNetwork network_;
  Simulation simulation_;
  SimUserAgent one_;
  SimUserAgent two_;
  SimUserAgent three_;
  SimUserAgent trunk_;
  SimUserAgent phone_;  // Behind a NAT: nobody can call it, and it calls nobody but to talk.
  SimUserAgent* agents_[5] = {&one_, &two_, &three_, &trunk_, &phone_};
  core::sip::DigestServer judge_;  // Of what answers the trunk's challenges.
  std::unique_ptr<SbcWorld> world_;
  std::set<core::IpAddress> cut_off_;
  std::string complaint_;
  size_t placed_ = 0;  // Each call has a number of its own.
  size_t reloads_ = 0;
  size_t challenges_ = 0;
  size_t addresses_changed_ = 0;
  std::vector<Conversation> conversations_;
  std::unique_ptr<MediaPeer> stranger_;  // Sends what nobody wants.
  bool reorders_ = false;
  size_t own_sdps_ = 0;
  std::map<std::string, uint64_t> changes_;  // What became of media in the middle of them.
  size_t compared_ = 0;  // Conversations whose records were held against the truth.
  uint64_t media_lost_ = 0;
  bool draining_ = false;
  bool stopped_ = false;
  bool calm_ = true;  // Nothing is lost and nobody dies: then no peer need end what we forgot.
};

}  // namespace tests

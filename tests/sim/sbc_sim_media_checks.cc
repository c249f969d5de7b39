// What must be true of the media of calls that talked: all that was right to send and came to the
// SBC went on, once, and nothing else did; and what the SBC tells of it is what was.

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/sim/sbc_sim_hour.h"
#include "tests/sim/sbc_sim_voice.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

constexpr size_t kVoiceBytes = 160;

std::vector<BroughtRtp> VoiceGot(const Talker& talker) {
  std::vector<BroughtRtp> got;
  for (const std::string& packet : talker.media->got_whole) {
    got.push_back(BroughtRtp::Read({}, packet));
  }
  return got;
}

// At the port that it said.
std::vector<std::string> RequestsOf(const Talker& talker) {
  return RequestsIn(talker.sdp.video_muxed ? talker.video->got_whole : talker.video->got_rtcp);
}

}  // namespace

void SimulatedHour::CheckMedia() {
  for (Conversation& talk : conversations_) {
    if (talk.call_id.empty()) continue;
    const sbc::CallReport* report = nullptr;
    for (const sbc::CallReport& each : world_->media()) {
      if (each.call.caller_call_id.view() == talk.call_id) report = &each;
    }
    if (report == nullptr) {
      Complain(talk.call_id + " talked, and there is no record of its media");
      continue;
    }
    ++compared_;
    const bool is_v6 =
        !talk.caller.agent->local().ip.is_v4() || !talk.callee.agent->local().ip.is_v4();
    if (talk.caller.is_behind_nat) ++changes_["conversation from behind a NAT"];
    if (is_v6) ++changes_["conversation between IPv6 and IPv4"];
    CheckConversation(&talk, report->media);
    CheckRecord(talk, *report);
  }
  CheckRelays();
}

// What all workers counted, beside what all ends got and were told.
void SimulatedHour::CheckRelays() {
  uint64_t relayed = 0;
  uint64_t feedback = 0;
  uint64_t told = 0;
  uint64_t taken = 0;
  uint64_t played = 0;
  uint64_t refused_types = 0;
  for (size_t i = 0; i < world_->workers(); ++i) {
    const sbc::MediaRelayCounters& media = world_->worker(i).media().counters();
    const auto& calls = world_->worker(i).CurrentSnapshot().calls;
    relayed += media.relayed;
    refused_types += media.payload_types;
    feedback += media.feedback_passed;
    told += calls.digits_told + calls.digits_failed + calls.digits_lost;
    taken += calls.digits_taken;
    played += media.digits.played + media.digits.dropped;
  }
  uint64_t got = 0;
  uint64_t asked = 0;
  uint64_t ended = 0;
  uint64_t wrong_types = 0;
  bool is_certain = true;  // No call ended under who still spoke.
  for (const Conversation& talk : conversations_) {
    const Talker& trunk = talk.caller.is_trunk ? talk.caller : talk.callee;
    if (talk.bridges_digits) ended += KeysEnded(trunk.voice).size();
    is_certain = is_certain && !talk.call_id.empty();
    for (const Talker* each : {&talk.caller, &talk.callee}) {
      wrong_types += each->wrong_types;
      got += each->media->got_whole.size() + each->pages_got.size();
      if (each->video == nullptr) continue;
      got += PicturesIn(each->video->got_whole).size();
      asked += RequestsOf(*each).size();
    }
  }
  const auto expect = [&](const char* what, uint64_t counted, uint64_t truth) {
    if (counted == truth) return;
    Complain(std::string(what) + ": " + std::to_string(counted) + ", in truth " +
             std::to_string(truth));
  };
  expect("datagrams relayed", relayed, got);
  expect("requests for pictures", feedback, asked);
  expect("digits played or dropped", played, taken);
  if (is_certain || refused_types > wrong_types) {
    expect("packets of a type that was not agreed on", refused_types, wrong_types);
  }
  changes_["packet of a wrong type refused"] += refused_types;
  // The answer to the last one of a call may come when the call is over.
  if (told > ended || calm_) expect("digits told, failed or lost", told, ended);
  if (stranger_ != nullptr && !stranger_->got_whole.empty()) Complain("a stranger got media");
}

void SimulatedHour::CheckConversation(Conversation* talk, const sbc::CallMedia& told) {
  Talker& caller = talk->caller;
  Talker& callee = talk->callee;
  const std::string who = talk->call_id;
  const auto& of_caller = told.leg(sbc::LegId::kCaller);
  const auto& of_callee = told.leg(sbc::LegId::kCallee);
  CheckVoice(who + ", caller", *talk, caller, callee, of_caller, of_callee);
  CheckVoice(who + ", callee", *talk, callee, caller, of_callee, of_caller);
  CheckStatistics(who + ", caller", *talk, caller, of_caller);
  CheckStatistics(who + ", callee", *talk, callee, of_callee);
  CheckQuality(who + ", caller", *talk, caller, of_caller);
  CheckQuality(who + ", callee", *talk, callee, of_callee);
  CheckRest(who + ", caller", caller, callee);
  CheckRest(who + ", callee", callee, caller);
  if (!talk->bridges_digits) return;
  Talker& customer = caller.is_trunk ? callee : caller;
  (void)AwaitsAnswer(talk);
  CheckInfos(who, *talk, customer);
  CheckKeys(who, talk->Other(&customer), customer);
}

// What `from` said and `to` heard, beside what the SBC says that it took of the one's leg and gave
// to the other's.
void SimulatedHour::CheckVoice(const std::string& who, const Conversation& talk, const Talker& from,
                               const Talker& to, const sbc::MediaLegSummary& took,
                               const sbc::MediaLegSummary& gave) {
  const auto expect = [&](const char* what, uint64_t told, uint64_t truth) {
    if (told == truth) return;
    Complain(who + ": " + what + " " + std::to_string(told) + ", in truth " +
             std::to_string(truth));
  };
  const VoiceTruth truth = VoiceTruth::Of(from.voice);
  const std::vector<BroughtRtp> got = VoiceGot(to);
  const bool ends_here = talk.bridges_digits && from.is_trunk;
  const uint64_t kept = truth.packets - (ends_here ? truth.keys : 0);
  expect("heard", got.size(), kept);
  expect("received", took.whole.received.packets, truth.packets);
  expect("sent", gave.whole.sent.packets, kept);
  expect("bytes received", took.whole.received.bytes, truth.bytes);
  uint64_t bytes_got = 0;
  for (const BroughtRtp& packet : got) bytes_got += packet.bytes;
  expect("bytes sent", gave.whole.sent.bytes, bytes_got);
  expect("each once", took.whole.stream.packets, truth.distinct);
  expect("each once at the other end", to.media->got_numbers.size(),
         ends_here ? truth.voices : truth.distinct);
  media_lost_ += truth.lost;
  // Behind us nothing is lost. What comes late may be missing when its receiver reports, and a
  // repeat that came to us meanwhile is in our count and not in that report.
  const uint64_t repeats = truth.packets - truth.distinct;
  const uint64_t behind = gave.sent_lost.value_or(0);
  if (!reorders_ && !truth.unproved && behind > repeats) expect("lost behind the SBC", behind, 0);
  if (!talk.bridges_digits) changes_["key of RFC 4733 across"] += truth.keys;
  size_t next = 0;
  for (const BroughtRtp& packet : from.voice) {
    if (packet.is_break || (ends_here && packet.is_key())) continue;
    if (next == got.size()) break;
    const BroughtRtp& went = got[next];
    // Where keys are said by INFO the voice's packet is its key's, under its own number.
    const bool is_voice = to.media->got[next++].size() == kVoiceBytes;
    const bool is_same =
        went.timestamp == packet.timestamp && went.type == packet.type && went.ssrc == packet.ssrc;
    const bool is_its_number = ends_here || went.number == packet.number;
    if (is_its_number && is_voice == !went.is_key() && (is_same || talk.bridges_digits)) continue;
    Complain(who + ": other packets went on than came");
    break;
  }
}

// Pictures, requests for pictures, and pages: as they came, in their order, and no others.
void SimulatedHour::CheckRest(const std::string& who, const Talker& from, const Talker& to) {
  if (from.pages != to.pages_got) {
    Complain(who + ": " + std::to_string(from.pages.size()) + " datagrams of a fax came, and " +
             std::to_string(to.pages_got.size()) + " went on, or others");
  }
  changes_["UDPTL across"] += from.pages.size();
  if (from.fax != nullptr && !from.fax->got_rtcp.empty()) Complain(who + ": RTCP of a fax");
  if (from.video == nullptr) return;
  std::vector<std::string> got;
  for (const std::string& picture : PicturesIn(to.video->got_whole)) {
    const bool is_its_format = (picture[1] & 0x7f) == to.sdp.video_number;
    if (!is_its_format) Complain(who + ": a picture has no format of its receiver's");
    got.push_back(picture.substr(2));
  }
  if (from.pictures != got) {
    Complain(who + ": " + std::to_string(from.pictures.size()) + " pictures came, and " +
             std::to_string(got.size()) + " went on, or others");
  }
  changes_["pictures across"] += got.size();
  const std::vector<std::string> asked = RequestsOf(to);
  if (RequestsThatPass(from.requests) != asked) {
    std::string all;
    for (const std::string& each : asked) all += " " + each;
    Complain(who + ": other requests for pictures went on than may:" + all);
  }
  changes_["requests for pictures across"] += asked.size();
}

// A customer's INFOs that were accepted are on the trunk, each once and in order. One whose answer
// was lost may be.
void SimulatedHour::CheckInfos(const std::string& who, const Conversation& talk,
                               const Talker& customer) {
  const Talker& trunk = &customer == &talk.caller ? talk.callee : talk.caller;
  const std::set<int> kMayBe = {0, 480, 481, 500};
  std::vector<PressedKey> accepted;
  bool is_certain = true;
  const bool has_events = trunk.sdp.Has(kEvents);
  for (const Talker::Info& info : customer.infos) {
    // 480: no voice that could carry it. 481: too late. 500: overtaken, or too many wait.
    const bool is_right = info.status == 200   ? has_events
                          : info.status == 488 ? !has_events || !talk.is_timed
                                               : kMayBe.contains(info.status);
    if (!is_right) Complain(who + ": an INFO was answered with " + std::to_string(info.status));
    if (info.status == 0) is_certain = false;
    if (info.status == 200) accepted.push_back(info.key);
    if (info.status == 480) ++changes_["digit by INFO refused, no voice"];
    if (info.status == 488) ++changes_["digit by INFO refused, no event"];
  }
  const std::vector<PressedKey> played = KeysBegun(VoiceGot(trunk));
  changes_["digit by INFO played"] += played.size();
  if (is_certain && played != accepted) {
    Complain(who + ": accepted" + Text(accepted) + ", played" + Text(played));
  }
  auto next = customer.infos.begin();
  for (const PressedKey& key : played) {
    next = std::find_if(next, customer.infos.end(),
                        [&](const Talker::Info& info) { return info.key == key; });
    if (next == customer.infos.end()) {
      return Complain(who + ": played" + Text(played) + ", which was not pressed so");
    }
    ++next;
  }
}

// The keys that the trunk pressed, as far as they came, are told to the customer, each once and in
// order; all of them where nothing is in the way of that.
void SimulatedHour::CheckKeys(const std::string& who, const Talker& trunk, const Talker& customer) {
  const std::vector<PressedKey> ended = KeysEnded(trunk.voice);
  std::map<uint32_t, PressedKey> by_sequence;
  std::vector<PressedKey> told;
  const std::string& call_id = customer.agent->call(customer.call).call_id;
  for (const SimUserAgent::Entry& entry : customer.agent->log()) {
    if (entry.sent || !entry.text.starts_with("INFO ")) continue;
    SimMessage info;
    if (!SimMessage::Parse(entry.text, &info) || info.call_id() != call_id) continue;
    if (info.body.empty()) continue;
    PressedKey key;
    const std::string keys = "0123456789*#ABCD";
    key.key = static_cast<uint8_t>(keys.find(info.body[7]));
    key.ms =
        static_cast<uint32_t>(std::atoi(info.body.substr(info.body.find("tion=") + 5).c_str()));
    if (by_sequence.emplace(info.sequence(), key).second) told.push_back(key);
  }
  changes_["digit of RFC 4733 told by INFO"] += told.size();
  const bool is_start =
      told.size() <= ended.size() && std::equal(told.begin(), told.end(), ended.begin());
  if (!is_start || (calm_ && told.size() != ended.size())) {
    Complain(who + ": the trunk pressed" + Text(ended) + ", told" + Text(told));
  }
}

}  // namespace tests

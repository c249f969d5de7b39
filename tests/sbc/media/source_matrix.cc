// The call of a cell of the matrix: how it gets where it is attacked, and what all saw of it.

#include "tests/sbc/media/source_matrix.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp_writer.h"

namespace tests {

using core::Endpoint;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr char kOffered[] = "0 8 101";
constexpr char kAnswered[] = "0 101";

std::string Text(const Endpoint& endpoint) {
  const Endpoint::Text text = endpoint.text();
  return std::string(text.view());
}
std::string Text(const core::IpAddress& ip) {
  const core::IpAddress::Text text = ip.text();
  return std::string(text.view());
}

template <typename T>
std::string Text(const std::optional<T>& value) {
  if (!value.has_value()) return "-";
  if constexpr (std::is_same_v<T, core::Duration>) {
    return absl::StrCat(value->count());
  } else {
    return absl::StrCat(*value);
  }
}

// All that is told of a leg, but how often somebody else was refused.
std::string Text(const sbc::MediaLegSummary& leg) {
  const auto counts = [](const sbc::MediaCounts& of) {
    return absl::StrCat(of.packets, "/", of.bytes, "/", of.rtcp_packets, "/", of.rtcp_bytes);
  };
  const auto span = [&](const sbc::MediaLegSummary::Span& of) {
    return absl::StrCat(" in ", counts(of.received), " out ", counts(of.sent), " stream ",
                        of.stream.packets, "/", of.stream.expected, "/", of.stream.bytes, "/",
                        of.stream.refused, "/", of.stream.ssrc_changes);
  };
  return absl::StrCat(span(leg.whole), span(leg.lately), " codec ", static_cast<int>(leg.codec),
                      " active ", leg.is_active, " packet ", Text(leg.packet_duration), " jitter ",
                      Text(leg.jitter), "/", Text(leg.jitter_max), " gap ", leg.longest_gap.count(),
                      " digits ", leg.dtmf_digits, " round trip ", Text(leg.round_trip),
                      " sent lost ", Text(leg.sent_lost), " sent jitter ", Text(leg.sent_jitter));
}

}  // namespace

const char* Name(MatrixState state) {
  switch (state) {
    case MatrixState::kOffered:
      return "Offered";
    case MatrixState::kEarly:
      return "EarlyMedia";
    case MatrixState::kTalking:
      return "Talking";
    case MatrixState::kHeld:
      return "HeldBySendonly";
    case MatrixState::kInactive:
      return "HeldByInactive";
    case MatrixState::kZero:
      return "HeldByZeroAddress";
    case MatrixState::kMusic:
      return "MusicOnHold";
    case MatrixState::kRefused:
      return "AfterARefusedReinvite";
    case MatrixState::kRefreshed:
      return "AfterARefreshByReinvite";
    case MatrixState::kUpdated:
      return "AfterARefreshByUpdate";
    case MatrixState::kOurRefresh:
      return "AfterARefreshOfOurs";
    case MatrixState::kOpen:
      return "ReinviteWithoutAnswer";
    case MatrixState::kEnded:
      return "AfterTheBye";
    case MatrixState::kLent:
      return "PortsLentToAnotherCall";
  }
  return "";
}

std::string SourceMatrix::Cell::name() const {
  return absl::StrCat(kind.name, ", the ", outbound ? "customer" : "trunk", " called, ",
                      Name(state));
}

Ear::Ear(const Endpoint& at, SimNetwork* network) : at_(at), network_(network) {
  CHECK(network->Bind(&at_, this) == 0);
}

size_t Ear::VoiceHeard() const {
  const auto is_voice = [](const Heard& heard) {
    return heard.bytes.size() > 1 && (static_cast<uint8_t>(heard.bytes[1]) & 0x7f) < 64;
  };
  return static_cast<size_t>(std::count_if(got.begin(), got.end(), is_voice));
}

// ---- who is there -------------------------------------------------------------------------------

Endpoint SourceMatrix::At(int host, uint16_t port) const {
  Endpoint at;
  CHECK(core::IpAddress::Parse(absl::StrCat(cell_.kind.v6 ? "fd00::" : "127.0.0.", host), &at.ip));
  at.port = port;
  return at;
}

SourceMatrix::SourceMatrix(const Cell& cell) : cell_(cell) {
  SimUserAgent::Options pbx;
  pbx.address = Text(At(4, 5060));
  pbx.sbc = Text(At(2, 5060));
  pbx_ = std::make_unique<SimUserAgent>(pbx, &network_, &simulation_);
  SimUserAgent::Options connector;
  connector.address = Text(At(9, 5060));
  connector.sbc = Text(At(3, 5060));
  connector.name = "trunk";
  connector.connector = true;
  connector_ = std::make_unique<SimUserAgent>(connector, &network_, &simulation_);
  world_ = std::make_unique<SbcWorld>(SbcWorld::Options{.yaml = Yaml()}, &network_, &simulation_);
  customer_.agent = pbx_.get();
  customer_.ssrc = 0x7e57;
  customer_.said = customer_.real = At(4, 4000);
  trunk_.agent = connector_.get();
  trunk_.ssrc = 0x7e58;
  trunk_.said = trunk_.real = At(9, 9000);
  if (cell_.kind.nat) {
    CHECK(core::IpAddress::Parse(cell_.kind.v6 ? "fd77::141" : "10.0.0.141", &customer_.said.ip));
    customer_.real.port = 61000;
  }
  Run(milliseconds(1));
}

std::string SourceMatrix::Yaml() const {
  const auto address = [this](int host) { return "\"" + Text(At(host, 1).ip) + "\""; };
  const auto block = [this](int host) {
    return absl::StrCat("\"", Text(At(host, 1).ip), cell_.kind.v6 ? "/125" : "/29", "\"");
  };
  const auto only = [this](int host) {
    return absl::StrCat("\"", Text(At(host, 1).ip), cell_.kind.v6 ? "/128" : "/32", "\"");
  };
  // Where the ports are to be lent again there is one pair of each side.
  const char* last = cell_.state == MatrixState::kLent ? "1" : "3";
  return absl::StrCat(
      "node: {name: sbc-1, workers: 1}\nlimits: {calls: 4}\nlisteners:\n"
      "  - {side: customer, address: ",
      address(2), ", port: 5060}\n  - {side: trunk, address: ", address(3),
      ", port: 5060}\nmedia:\n  - {side: customer, address: ", address(2), ", ports: 20000-2000",
      last, "}\n  - {side: trunk, address: ", address(3), ", ports: 30000-3000", last,
      cell_.kind.shared ? ", shared: true" : ", shared: false",
      "}\nconnectors:\n  - id: dr3rbaar376u5r4ntcnlq4\n    trunk: {host: ", address(9),
      ", cidrs: [", only(9), "]",
      cell_.kind.cidrs ? absl::StrCat(", media_cidrs: [", block(48), "]") : "",
      "}\n    termination: {CpsLimit: 0, CallingRegions: [US], Disabled: false}\n"
      "    customers: [{cidrs: [",
      only(4), "]", cell_.kind.nat ? ", nat: true" : "", "}]\n    routes: [{host: ", address(4),
      "}]\n", cell_.connector, "failover: {options_interval: 0s}\nsip: {session_expires: 200s}\n");
}

Ear& SourceMatrix::Listen(const Endpoint& at) {
  std::unique_ptr<Ear>& ear = ears_[at];
  if (ear == nullptr) ear = std::make_unique<Ear>(at, &network_);
  return *ear;
}

bool SourceMatrix::IsOfAPeer(const Endpoint& at) const {
  const auto is_of = [&at](const Party& party) {
    return at.ip == party.real.ip && at.port / 2 == party.real.port / 2;
  };
  return is_of(customer_) || is_of(trunk_);
}

void SourceMatrix::ForgetOthers() {
  for (auto& [at, ear] : ears_) {
    if (!IsOfAPeer(at)) ear->got.clear();
  }
}

size_t SourceMatrix::HeardByOthers() const {
  size_t heard = 0;
  for (const auto& [at, ear] : ears_) {
    if (!IsOfAPeer(at)) heard += ear->got.size();
  }
  return heard;
}

// ---- what they say ------------------------------------------------------------------------------

std::string SourceMatrix::Sdp(const Party& party, const std::string& formats,
                              const std::string& more) const {
  const std::string address =
      absl::StrCat(party.said.ip.is_v4() ? "IN IP4 " : "IN IP6 ", Text(party.said.ip));
  return absl::StrCat("v=0\r\no=someone 1 1 ", address, "\r\ns=-\r\nc=", address,
                      "\r\nt=0 0\r\nm=audio ", party.said.port, " RTP/AVP ", formats,
                      "\r\na=rtpmap:101 telephone-event/8000\r\n",
                      cell_.kind.mux ? "a=rtcp-mux\r\n" : "", more);
}

std::string SourceMatrix::Voice(Party* party, uint8_t payload_type) {
  constexpr size_t kHeader = core::rtp::PacketView::kHeaderBytes;
  std::string bytes(kHeader, '\0');
  const auto ticks = simulation_.now().time_since_epoch().count() / 125'000;
  core::rtp::WriteHeader(
      {.payload_type = payload_type,
       .sequence_number = party->sequence_number++,
       .timestamp = static_cast<uint32_t>(ticks),
       .ssrc = party->ssrc},
      std::span<uint8_t, kHeader>(reinterpret_cast<uint8_t*>(bytes.data()), kHeader));
  return bytes + "voice";
}

void SourceMatrix::SendVoice(Party* party, uint8_t payload_type) {
  if (party->told.port != 0) Send({party->real, party->told, Voice(party, payload_type)});
}

void SourceMatrix::SendReport(Party* party) {
  if (party->told.port == 0) return;
  uint8_t bytes[256];
  core::rtp::RtcpWriter out(bytes);
  const core::rtp::SenderReport report = {
      .ssrc = party->ssrc, .ntp = {0xe8000000, 0}, .packets = 10, .octets = 50};
  CHECK(out.PutSenderReport(report, {}) && out.PutCname(party->ssrc, "somebody"));
  const auto written = out.written();
  Shot shot = {
      party->real, party->told, {reinterpret_cast<const char*>(written.data()), written.size()}};
  if (!cell_.kind.mux) {
    ++shot.from.port;
    ++shot.to.port;
  }
  Send(shot);
}

bool SourceMatrix::may_speak(const Party& party) const {
  return &party != &customer_ || !is_unlearnt();
}

SourceMatrix::Crossed SourceMatrix::Speak() {
  const auto heard = [this](const Party& party) {
    const auto ear = ears_.find(party.real);
    return ear == ears_.end() ? 0 : ear->second->VoiceHeard();
  };
  const size_t at_trunk = heard(trunk_);
  const size_t at_customer = heard(customer_);
  for (Party* party : {&customer_, &trunk_}) {
    if (may_speak(*party)) SendVoice(party);
  }
  Run(milliseconds(20));
  return {heard(trunk_) > at_trunk, heard(customer_) > at_customer};
}

// ---- the call -----------------------------------------------------------------------------------

void SourceMatrix::Place() {
  SimPlan plan;
  plan.body = Sdp(caller(), kOffered);
  plan.sdp = Sdp(caller(), kAnswered);
  if (!cell_.outbound) std::swap(plan.number, plan.caller);
  SimPlan to;
  to.sdp = Sdp(callee(), kAnswered);
  to.script = {{.after = milliseconds(50), .status = 180}};
  if (cell_.state == MatrixState::kEarly) {
    to.script = {{.after = milliseconds(50), .status = 183, .body = to.sdp}};
  }
  if (cell_.state == MatrixState::kOurRefresh) {
    to.timer = to.updates = false;
  }
  callee().agent->Expect(to);
  call_ = caller().agent->Place(plan);
  is_on_ = true;
  is_answered_ = false;
  Run(milliseconds(200));
}

void SourceMatrix::SendAnswer() {
  const size_t call = callee().agent->calls() - 1;
  callee().agent->Do(call, {.status = 200, .body = Sdp(callee(), kAnswered)});
}

void SourceMatrix::ExpectAnswered() {
  CHECK(caller().agent->call(call_).final_status == 200);
  customer_.has_place = trunk_.has_place = is_answered_ = true;
}

void SourceMatrix::Answer() {
  SendAnswer();
  Run(milliseconds(200));
  ExpectAnswered();
}

void SourceMatrix::SetAnswers(int status) {
  SimPlan& plan = callee().agent->call(callee().agent->calls() - 1).plan;
  plan.answers["INVITE"] = status;
  plan.sdp = Sdp(callee(), kAnswered);
}

void SourceMatrix::Offer(const char* method, const std::string& sdp) {
  caller().agent->Do(call_, {.method = method, .fork = SimStep::kConfirmed, .body = sdp});
  Run(milliseconds(200));
}

void SourceMatrix::Change() {
  Party moved = caller();
  moved.said.port = 7200;
  moved.real.port = cell_.kind.nat && cell_.outbound ? uint16_t{61010} : uint16_t{7200};
  switch (cell_.state) {
    case MatrixState::kHeld:
      return Offer("INVITE", Sdp(caller(), kOffered, "a=sendonly\r\n"));
    case MatrixState::kInactive:
      return Offer("INVITE", Sdp(caller(), kOffered, "a=inactive\r\n"));
    case MatrixState::kZero: {
      Party held = caller();
      CHECK(core::IpAddress::Parse(cell_.kind.v6 ? "::" : "0.0.0.0", &held.said.ip));
      Offer("INVITE", Sdp(held, kOffered));
      caller().has_place = false;
      return;
    }
    case MatrixState::kMusic:
      other_places_.push_back(caller().real);
      // Of the trunk, and of a customer that is known, from another host too.
      if (!(cell_.kind.nat && cell_.outbound)) {
        moved.said.ip = moved.real.ip = At(cell_.outbound ? 5 : 10, 1).ip;
      }
      caller().said = moved.said;
      caller().real = moved.real;
      return Offer("INVITE", Sdp(caller(), kOffered, "a=sendonly\r\n"));
    case MatrixState::kRefused:
    case MatrixState::kOpen:
      other_places_.push_back(moved.real);
      SetAnswers(cell_.state == MatrixState::kRefused ? 488 : 0);
      return Offer("INVITE", Sdp(moved, kOffered));
    case MatrixState::kRefreshed:
      return Offer("INVITE", Sdp(caller(), kOffered));
    case MatrixState::kUpdated:
      return Offer("UPDATE", Sdp(caller(), kOffered));
    case MatrixState::kOurRefresh:
      Run(seconds(110));
      CHECK(callee().agent->Got("INVITE").size() == 2);
      return;
    default:
      return;
  }
}

void SourceMatrix::MoveParties(uint16_t by) {
  for (Party* party : {&customer_, &trunk_}) {
    other_places_.push_back(party->real);
    party->said.port = static_cast<uint16_t>(party->said.port + by);
    party->real.port = static_cast<uint16_t>(party->real.port + by);
    party->has_place = false;
  }
}

void SourceMatrix::Greet() {
  LearnPorts();
  for (int i = 0; i < 3; ++i) {
    for (Party* party : {&customer_, &trunk_}) {
      if (!may_speak(*party)) continue;
      SendVoice(party);
      SendReport(party);
    }
    Run(milliseconds(20));
  }
}

void SourceMatrix::Establish() {
  if (cell_.state == MatrixState::kLent) {
    Place();
    Answer();
    Greet();
    caller().agent->Do(call_, {.method = "BYE", .fork = SimStep::kConfirmed});
    Run(seconds(11));
    MoveParties(200);
  }
  Place();
  if (cell_.state == MatrixState::kEarly) {
    customer_.has_place = trunk_.has_place = true;
  } else if (cell_.state != MatrixState::kOffered) {
    Answer();
  }
  if (cell_.state == MatrixState::kOffered) {
    LearnPorts();
  } else {
    Greet();
  }
}

void SourceMatrix::Reach() {
  Establish();
  Change();
  if (cell_.state != MatrixState::kOffered) Greet();
  Run(seconds(3));  // What a new description lets happen, it lets happen at once.
  if (cell_.state == MatrixState::kEnded) {
    caller().agent->Do(call_, {.method = "BYE", .fork = SimStep::kConfirmed});
    Run(milliseconds(200));
    is_on_ = false;
    customer_.has_place = trunk_.has_place = false;
  }
  ForgetOthers();
}

void SourceMatrix::Finish() {
  if (cell_.state == MatrixState::kEnded) return;
  if (!is_answered_) Answer();
  LearnPorts();
  for (int i = 0; i < 2; ++i) {  // The first one of a customer that was unheard teaches its place.
    SendVoice(&customer_);
    Run(milliseconds(20));
    SendVoice(&trunk_);
    Run(milliseconds(20));
  }
  caller().agent->Do(call_, {.method = "BYE", .fork = SimStep::kConfirmed});
  Run(milliseconds(500));
}

Endpoint SourceMatrix::PortToldTo(const Party& party) const {
  Endpoint told;
  for (const SimUserAgent::Entry& entry : party.agent->log()) {
    const size_t media = entry.text.find("\r\nm=audio ");
    if (entry.sent || media == std::string::npos) continue;
    const size_t address = entry.text.find("\r\nc=IN IP") + 11;
    CHECK(core::IpAddress::Parse(
        std::string_view(entry.text).substr(address, entry.text.find("\r\n", address) - address),
        &told.ip));
    told.port = static_cast<uint16_t>(std::atoi(entry.text.c_str() + media + 10));
  }
  return told;
}

void SourceMatrix::LearnPorts() {
  for (Party* party : {&customer_, &trunk_}) {
    party->told = PortToldTo(*party);
    Listen(party->real);
    Listen({party->real.ip, static_cast<uint16_t>(party->real.port + 1)});
  }
}

uint32_t SourceMatrix::wrong_source_told() {
  return world_->media().empty() ? 0
                                 : world_->media().back().leg(sbc::Side::kCustomer).wrong_source;
}

// ---- what all saw -------------------------------------------------------------------------------

std::vector<std::string> SourceMatrix::Story() {
  std::vector<std::string> story;
  const auto at = [](core::Instant when) {
    return absl::StrCat(when.time_since_epoch().count() / 1000, " ");
  };
  for (const SimUserAgent* agent : {pbx_.get(), connector_.get()}) {
    for (const SimUserAgent::Entry& entry : agent->log()) {
      story.push_back(
          absl::StrCat(agent->name(), entry.sent ? " says " : " hears ", at(entry.at), entry.text));
    }
  }
  for (const Party* party : {&customer_, &trunk_}) {
    for (const uint16_t above : {uint16_t{0}, uint16_t{1}}) {
      const Endpoint place = {party->real.ip, static_cast<uint16_t>(party->real.port + above)};
      const auto ear = ears_.find(place);
      if (ear == ears_.end()) continue;
      for (const Ear::Heard& heard : ear->second->got) {
        story.push_back(absl::StrCat(Text(place), " gets ", at(heard.at), Text(heard.from), " ",
                                     absl::BytesToHexString(heard.bytes)));
      }
    }
  }
  for (const sbc::CallRecord& record : world_->records()) {
    story.push_back(absl::StrCat("record: end ", static_cast<int>(record.end), " at ",
                                 record.ended.unix_us, " status ", record.status_code));
  }
  for (const sbc::CallReport& report : world_->media()) {
    story.push_back(absl::StrCat("media:", report.media.streams, Text(report.media.legs[0]), ";",
                                 Text(report.media.legs[1])));
  }
  const sbc::MediaRelayCounters& counts = counters();
  story.push_back(absl::StrCat("relayed ", counts.relayed, " rtcp ", counts.rtcp_received, "/",
                               counts.rtcp_sent, " learnt ", counts.learnt, " unwanted ",
                               counts.unwanted, " feedback ", counts.feedback_passed, "/",
                               counts.feedback_ended, " events ", counts.events_ended));
  return story;
}

}  // namespace tests

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/base/instant.h"
#include "tests/support/sbc_world.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_user_agent.h"
#include "tests/support/simulation.h"

namespace tests {

/// Which legs a call has: (trunk, customer known, customer behind a NAT) of rule 23.
struct MatrixKind {
  const char* name;
  bool shared = true;   // The trunk's ports.
  bool cidrs = false;   // trunk.media_cidrs.
  bool nat = false;     // The customer is behind one,
  bool learnt = false;  // and has taught its place.
  bool v6 = false;
  bool mux = false;  // RTCP comes at the RTP port (RFC 5761).
};
inline constexpr MatrixKind kMatrixKinds[] = {
    {.name = "known customer, shared trunk ports"},
    {.name = "known customer, own trunk ports", .shared = false},
    {.name = "known customer, media_cidrs", .shared = false, .cidrs = true},
    {.name = "NATed customer, not learnt", .nat = true},
    {.name = "NATed customer, learnt", .nat = true, .learnt = true},
    {.name = "known customer, shared trunk ports, mux", .mux = true},
    {.name = "known customer, own trunk ports, mux", .shared = false, .mux = true},
    {.name = "NATed customer, not learnt, mux", .nat = true, .mux = true},
    {.name = "NATed customer, learnt, mux", .nat = true, .learnt = true, .mux = true},
    {.name = "IPv6, known customer, shared trunk ports", .v6 = true},
    {.name = "IPv6, known customer, own trunk ports", .shared = false, .v6 = true},
    {.name = "IPv6, known customer, media_cidrs", .shared = false, .cidrs = true, .v6 = true},
    {.name = "IPv6, NATed customer, not learnt", .nat = true, .v6 = true},
    {.name = "IPv6, NATed customer, learnt", .nat = true, .learnt = true, .v6 = true},
};

/// What the call is at. Who changes something is its caller.
enum class MatrixState : uint8_t {
  kOffered,  // No answer yet, and none of an early dialog.
  kEarly,    // The answer came in a 183.
  kTalking,
  kHeld,  // sendonly.
  kInactive,
  kZero,        // Held in the old way: c=0.0.0.0.
  kMusic,       // sendonly, and the music comes from somewhere else.
  kRefused,     // An offer of another place was answered 488.
  kRefreshed,   // A re-INVITE said the same again,
  kUpdated,     // or an UPDATE,
  kOurRefresh,  // or we did, to both.
  kOpen,        // An offer of another place has no answer yet.
  kEnded,       // The ports rest.
  kLent,        // The ports are another call's, whose peers are elsewhere.
};
const char* Name(MatrixState state);

enum class MatrixAttack : uint8_t {
  kOtherHosts,     // RTP to every port.
  kWrongPort,      // The right host.
  kOtherLeg,       // From the other leg's peer.
  kOurOwn,         // As if we had sent it.
  kNeverOffered,   // A payload type from the right source.
  kNotKept,        // One that was offered, and not in the answer.
  kRtcp,           // Valid, from other hosts: SR, BYE, XR, feedback.
  kRtcpAtRtpPort,  // From the right source, which does not multiplex.
  kGarbage,        // From everybody, the right source too.
  kOtherPlaces,    // Of the call before, or where one was offered or left.
};
inline constexpr MatrixAttack kMatrixAttacks[] = {
    MatrixAttack::kOtherHosts, MatrixAttack::kWrongPort,     MatrixAttack::kOtherLeg,
    MatrixAttack::kOurOwn,     MatrixAttack::kNeverOffered,  MatrixAttack::kNotKept,
    MatrixAttack::kRtcp,       MatrixAttack::kRtcpAtRtpPort, MatrixAttack::kGarbage,
    MatrixAttack::kOtherPlaces};
const char* Name(MatrixAttack attack);

/// Somebody's UDP port: it keeps what comes.
class Ear final : public SimSocket {
 public:
  struct Heard {
    core::Instant at;
    core::Endpoint from;
    std::string bytes;
  };
  Ear(const core::Endpoint& at, SimNetwork* network);
  ~Ear() override { network_->Unbind(at_, this); }
  void OnDatagram(const core::Endpoint& from, std::string_view bytes,
                  core::Instant arrived) override {
    got.push_back({arrived, from, std::string(bytes)});
  }
  void OnIcmp(const core::Endpoint&, int, std::string_view) override {}

  /// Of all that, the RTP.
  size_t VoiceHeard() const;

  std::vector<Heard> got;

 private:
  core::Endpoint at_;
  SimNetwork* network_;
};

/// One cell's call through a whole SBC, and all who would like to be part of it.
///
/// Use:    Reach() the state; then Attack() or, in the run that it is held against, Rest() as long;
///         Speak() between them; Finish(). What everybody who has a right to it saw is Story():
///         with an attack and without it is the same.
/// Thread: the test's. Allocates as it likes.
class SourceMatrix {
 public:
  struct Cell {
    MatrixKind kind;
    MatrixState state = MatrixState::kTalking;
    bool outbound = true;        // The customer calls, and so makes the offers.
    const char* connector = "";  // Further lines of the connector, indented by four.
    std::string name() const;
  };
  /// One end of the call.
  struct Party {
    SimUserAgent* agent = nullptr;
    core::Endpoint said;     // In its descriptions,
    core::Endpoint real;     // and where its media comes from.
    core::Endpoint told;     // Our port; without one where it knows of none yet.
    bool has_place = false;  // An answer put it into force.
    uint32_t ssrc = 0;
    uint16_t sequence_number = 100;
  };
  struct Shot {
    core::Endpoint from;
    core::Endpoint to;
    std::string bytes;
  };

  explicit SourceMatrix(const Cell& cell);
  SourceMatrix(const SourceMatrix&) = delete;
  SourceMatrix& operator=(const SourceMatrix&) = delete;

  void Reach();  // Establish() and Change(); then everybody speaks who may.
  void Establish();
  void Change();
  void Attack(MatrixAttack attack);
  void Rest() { Run(kAttackTime); }
  /// Nothing but the packets; how many.
  size_t Shoot(MatrixAttack attack);
  /// A packet each way, if that end may send one; whether it crossed.
  struct Crossed {
    bool to_trunk = false;
    bool to_customer = false;
  };
  Crossed Speak();
  void Finish();

  // The steps of all these.
  void Run(core::Duration duration) { simulation_.RunFor(duration); }
  core::Endpoint At(int host, uint16_t port) const;
  void Send(const Shot& shot) { network_.Send(shot.from, shot.to, shot.bytes); }
  std::string Voice(Party* party, uint8_t payload_type = 0);
  void SendVoice(Party* party, uint8_t payload_type = 0);
  void SendReport(Party* party);
  Ear& Listen(const core::Endpoint& at);
  /// From now on whatever comes to who is not in the call is one too many.
  void ForgetOthers();
  size_t HeardByOthers() const;
  std::string Sdp(const Party& party, const std::string& formats,
                  const std::string& more = "") const;
  void Offer(const char* method, const std::string& sdp);
  void SetAnswers(int status);
  /// The 200; all that comes of it; and both at once.
  void SendAnswer();
  void ExpectAnswered();
  void Answer();
  void LearnPorts();

  const Cell& cell() const { return cell_; }
  Party& customer() { return customer_; }
  Party& trunk() { return trunk_; }
  Party& caller() { return cell_.outbound ? customer_ : trunk_; }
  Party& callee() { return cell_.outbound ? trunk_ : customer_; }
  const sbc::MediaRelayCounters& counters() { return world_->worker().media().counters(); }
  /// Of the customer's leg, whose ports are its own: as its record has it.
  uint32_t wrong_source_told();
  SbcWorld& world() { return *world_; }
  bool may_speak(const Party& party) const;

  std::vector<std::string> Story();

 private:
  static constexpr core::Duration kAttackTime = std::chrono::milliseconds(1200);
  enum class Fate : uint8_t { kStray, kWrongSource, kMalformed, kPayloadType };

  std::string Yaml() const;
  void Place();
  void Greet();
  void MoveParties(uint16_t by);
  core::Endpoint PortToldTo(const Party& party) const;
  std::vector<core::Endpoint> OurPorts() const;
  bool IsOurs(const core::Endpoint& at) const;
  bool IsOfAPeer(const core::Endpoint& at) const;
  bool knows_ports() const { return customer_.told.port != 0 && trunk_.told.port != 0; }
  bool is_unlearnt() const { return cell_.kind.nat && !cell_.kind.learnt; }
  std::vector<Shot> ShotsOf(MatrixAttack attack) const;
  Fate FateOf(const Shot& shot) const;
  void ToEveryPort(const std::vector<core::Endpoint>& sources,
                   const std::vector<std::string>& contents, std::vector<Shot>* shots) const;

  Cell cell_;
  SimNetwork network_{1};
  Simulation simulation_{&network_};
  std::unique_ptr<SimUserAgent> pbx_;
  std::unique_ptr<SimUserAgent> connector_;
  Party customer_;
  Party trunk_;
  std::unique_ptr<SbcWorld> world_;
  std::map<core::Endpoint, std::unique_ptr<Ear>> ears_;
  std::vector<core::Endpoint> other_places_;
  size_t call_ = 0;  // The caller's.
  bool is_on_ = false;
  bool is_answered_ = false;
};

}  // namespace tests

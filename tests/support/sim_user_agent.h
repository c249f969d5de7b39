#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "tests/support/sim_io.h"
#include "tests/support/sim_message.h"
#include "tests/support/simulation.h"

namespace tests {

inline constexpr char kHold[] =
    "v=0\r\no=- 1 2 IN IP4 192.0.2.77\r\ns=-\r\nt=0 0\r\na=sendonly\r\n";
inline constexpr char kSdp[] =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
    "m=audio 25388 RTP/AVP 0\r\n";

/// One thing that a scripted user agent does: a response to the call's INVITE (`status`) or a
/// request of its own (`method`). What its call cannot do any more at that moment is left out.
struct SimStep {
  static constexpr size_t kConfirmed = SIZE_MAX;
  core::Duration after{};  // From the step before it, or from what began its script.
  int status = 0;
  std::string method{};
  size_t fork = 0;        // Which early dialog: each has a To tag of its own. kConfirmed: that one.
  bool reliable = false;  // A 18x that asks for PRACK.
  bool rude = false;      // A CANCEL that does not wait for a provisional response; a BYE without
                          // a confirmed dialog.
  std::string body{};     // kSdp, or anything.
  std::string fields{};   // Further header fields, whole lines.
};

/// What a scripted user agent does in one call.
struct SimPlan {
  std::vector<SimStep> script;     // From the INVITE that it sent or got.
  std::vector<SimStep> confirmed;  // From its 2xx's ACK, that it sent or got.
  std::string number = "+18155558245";
  std::string caller = "+16185558387";
  std::string fields{};  // Of the INVITE.
  std::string body = kSdp;
  std::string content_type = "application/sdp";  // Of `body`.
  std::string sdp = kSdp;  // Its answers to offers, and offers where none came, inside the dialog.
  bool ack = true;
  core::Duration ack_delay{};
  bool prack = true;
  std::string prack_body{};  // The answer to an offer in what it acknowledges, or an offer.
  bool supports_100rel = false;
  bool requires_100rel = false;
  bool silent = false;                   // Gives no response at all, to nothing.
  bool timer = true;                     // Knows RFC 4028.
  bool updates = true;                   // Names UPDATE in its Allow.
  bool refreshes = true;                 // Does what it agreed to by RFC 4028.
  std::string refresher{};               // What a callee chooses: "uac", "uas" or nothing.
  uint32_t session_expires = 0;          // 0: takes the INVITE's.
  std::map<std::string, int> answers{};  // To requests in the dialog; 200 by default, 0: silence.
  std::map<std::string, std::string> answer_fields{};
};

struct SimDialog {
  enum class State : uint8_t { kEarly, kConfirmed, kEnded };
  State state = State::kEarly;
  std::string local_tag;
  std::string remote_tag;
  std::string target;
  std::vector<std::string> routes;
  uint32_t local_sequence = 0;
  uint32_t rseq = 0;
  uint32_t last_rseq_seen = 0;
  bool answered = false;  // A 2xx went or came.
  bool acked = false;     // Its ACK came or went.
  bool bye_received = false;
  core::Instant bye_received_at{};
  std::string bye_fields;  // Of the BYE that it sent before it got one.
  bool bye_sent = false;
  bool reinviting = false;
  core::Instant answered_at{};
  core::Instant ended_at{};
  core::Instant session_due = core::kNever;
  bool session_mine = false;
  uint32_t session_interval = 0;
  std::string ack;  // Of the last 2xx, to send again.
};

struct SimCall {
  bool caller = false;
  SimPlan plan;
  std::string call_id;
  std::string local;  // The From or To value without tag.
  std::string remote;
  std::string local_tag;
  SimMessage invite;
  std::vector<SimDialog> dialogs;
  uint32_t sequence = 0;
  bool provisional = false;
  bool cancel_wanted = false;
  bool cancelled = false;     // A CANCEL went or came.
  int final_status = 0;       // That was sent or that came.
  std::vector<int> statuses;  // Those that came, repeats left out where they are equal.
};

/// A minimal SIP user agent in the simulation, which does what its plans say: the PBX's and the
/// Voice Connector's side of calls, with their own retransmissions and their own view of what the
/// SBC said.
///
/// Thread: the test's. Allocates as it likes.
class SimUserAgent final : public Participant {
 public:
  struct Options {
    std::string address = "127.0.0.4:5060";
    std::string sbc = "127.0.0.2:5060";
    std::string name = "pbx";  // In its tags, Call-IDs, User-Agent.
    bool connector = false;    // Like the Voice Connector: Record-Route, a second Via, a private
                               // Contact with `alias`.
    std::string contact{};     // A URI instead of its own.
  };
  struct Entry {
    core::Instant at;
    bool sent;
    std::string text;
  };

  SimUserAgent(Options options, SimNetwork* network, Simulation* simulation);
  ~SimUserAgent() override;

  void Turn() override;
  core::Instant NextDue() const override;

  /// Calls; gives the call's index.
  size_t Place(SimPlan plan);
  /// What it does with INVITEs that come: the queue first, then `planner`, then the default, which
  /// rings and answers.
  void Expect(SimPlan plan) { expected_.push_back(std::move(plan)); }
  void set_planner(std::function<SimPlan(const SimMessage&)> planner) {
    planner_ = std::move(planner);
  }
  /// After a 2xx of its own to a REFER.
  void set_on_refer(std::function<void(size_t, const SimMessage&)> on_refer) {
    on_refer_ = std::move(on_refer);
  }
  void Do(size_t call, SimStep step);
  void SendRaw(const std::string& text);
  void SendRaw(const std::string& text, const core::Endpoint& to);
  /// Dies or lives again: what comes meanwhile is not looked at.
  void set_dead(bool dead) { dead_ = dead; }
  void set_contact(std::string uri) { options_.contact = std::move(uri); }

  SimCall& call(size_t index) { return *calls_[index]; }
  const SimCall& call(size_t index) const { return *calls_[index]; }
  size_t calls() const { return calls_.size(); }
  size_t OpenDialogs() const;
  const std::vector<Entry>& log() const { return log_; }
  /// What came, of that method; of responses, by their CSeq and status.
  std::vector<SimMessage> Got(std::string_view method, int status = 0) const;
  std::vector<SimMessage> Sent(std::string_view method, int status = 0) const;
  void ClearLog() { log_.clear(); }
  const std::string& name() const { return options_.name; }
  core::Endpoint local() const { return local_; }
  core::Endpoint sbc() const { return sbc_; }

 private:
  struct Client {
    std::string branch;
    std::string method;
    std::string text;
    core::Endpoint to;
    size_t call = 0;
    size_t dialog = 0;
    uint32_t sequence = 0;
    core::Instant resend_at = core::kNever;
    core::Duration interval{};
    core::Instant give_up = core::kNever;
    bool provisional = false;
    bool over = false;
    std::string ack;  // Of a 300-699.
  };
  struct Server {
    std::string key;
    std::string response;
    core::Endpoint to;
    core::Instant forget_at;
  };
  /// A response that is sent again until it is acknowledged.
  struct Repeat {
    std::string text;
    core::Endpoint to;
    size_t call = 0;
    size_t dialog = 0;
    uint32_t sequence = 0;  // Of the INVITE.
    uint32_t rseq = 0;      // Not 0: a reliable provisional, until its PRACK.
    bool success = false;
    core::Instant resend_at;
    core::Duration interval;
    core::Instant give_up;
  };
  struct Due {
    size_t call;
    std::vector<SimStep> steps;  // The first is due.
  };

  // sim_user_agent.cc: the network, transactions, time.
  void Send(const std::string& text, const core::Endpoint& to);
  void OnDatagram(std::string_view text, const core::Endpoint& from);
  void OnTimers(core::Instant now);
  void OnGiveUp(const Client& client);
  void OnRepeatGiveUp(const Repeat& repeat);
  /// `dialog`: the one that the script is about; else each step says its own.
  void Begin(size_t call, std::vector<SimStep> script, size_t dialog = SIZE_MAX);
  void SendRequest(size_t call, size_t dialog, const std::string& method, uint32_t sequence,
                   const std::string& text, const core::Endpoint& to);
  void RespondTo(const SimMessage& request, const core::Endpoint& to, int status,
                 const std::string& tag, const std::string& fields, const std::string& body,
                 std::string* text = nullptr);
  std::string NewBranch() { return "z9hG4bK" + options_.name + "-" + std::to_string(++serial_); }
  std::string NewTag() { return options_.name + "tag" + std::to_string(++serial_); }
  core::Instant now() { return network_->clock().Now(); }

  // sim_user_agent_call.cc: what the messages mean.
  std::string Vias(const std::string& branch) const;
  std::string Identity() const;
  std::string Contact() const;
  std::string RecordRoute() const;
  void OnRequest(const SimMessage& request, const core::Endpoint& from);
  void OnInvite(const SimMessage& invite, const core::Endpoint& from);
  void OnInDialog(const SimMessage& request, const core::Endpoint& from);
  void OnAck(const SimMessage& ack);
  bool OnPrack(size_t call, size_t dialog, const SimMessage& prack);
  void OnCancel(const SimMessage& cancel, const core::Endpoint& from);
  void OnResponse(const SimMessage& response);
  void OnInviteResponse(size_t call, Client* client, const SimMessage& response);
  void OnSuccess(size_t call, const Client& client, const SimMessage& response);
  void OnOtherResponse(const Client& client, const SimMessage& response);
  void Respond(size_t call, const SimStep& step);
  void Request(size_t call, const SimStep& step);
  void SendCancel(size_t call);
  void SendInDialog(size_t call, size_t dialog, const SimStep& step);
  std::string InDialogText(const SimCall& call, const SimDialog& dialog, const std::string& method,
                           uint32_t sequence, const std::string& fields, const std::string& body);
  core::Endpoint HopOf(const SimDialog& dialog) const;
  void Prack(size_t call, size_t dialog, const SimMessage& response);
  void AgreeSession(const SimCall& call, SimDialog* dialog, const std::string& session_expires,
                    bool asked);
  std::string SessionAnswer(const SimCall& call, const SimMessage& request) const;  // A value.
  void End(SimDialog* dialog);
  size_t DialogOf(SimCall* call, const SimMessage& response);
  bool Find(const SimMessage& request, size_t* call, size_t* dialog) const;
  void EnsureFork(SimCall* call, size_t fork);
  void AnswerInvite(size_t call, size_t dialog, const SimMessage& invite,
                    const core::Endpoint& from);

  Options options_;
  SimNetwork* network_;
  Simulation* simulation_;
  core::PacketStore store_{{.small = 256, .medium = 256, .large = 8}};
  SimIo io_;
  core::SocketId socket_;
  core::Endpoint local_;
  core::Endpoint sbc_;
  std::deque<std::unique_ptr<SimCall>> calls_;
  std::deque<SimPlan> expected_;
  std::function<SimPlan(const SimMessage&)> planner_;
  std::function<void(size_t, const SimMessage&)> on_refer_;
  std::vector<Client> clients_;
  std::vector<Server> servers_;
  std::vector<Repeat> repeats_;
  std::multimap<core::Instant, Due> due_;
  std::vector<Entry> log_;
  uint64_t serial_ = 0;
  bool dead_ = false;
};

/// All that these said and heard, in order, to standard error.
void PrintTrace(const std::vector<const SimUserAgent*>& agents);

}  // namespace tests

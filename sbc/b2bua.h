#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/fixed_hash_map.h"
#include "core/base/pool.h"
#include "core/base/random.h"
#include "core/engine/placement.h"
#include "core/sip/digest.h"
#include "core/sip/identifier.h"
#include "core/sip/small_headers.h"
#include "core/sip/transaction_table.h"
#include "core/sip/transaction_user.h"
#include "core/time/timer_wheel.h"
#include "core/transport/transport.h"
#include "sbc/admission.h"
#include "sbc/b2bua_counters.h"
#include "sbc/b2bua_host.h"
#include "sbc/call.h"
#include "sbc/caller_identity.h"
#include "sbc/connector_ledger.h"
#include "sbc/host_table.h"
#include "sbc/media/media_anchor.h"
#include "sbc/message_builder.h"
#include "sbc/orphan_answers.h"
#include "sbc/replaced_dialog.h"
#include "sbc/route_health.h"
#include "sbc/transaction_mark.h"
#include "sbc/transfer_target.h"
#include "sbc/uri_rewrite.h"

namespace sbc {

/// The back-to-back user agent of one worker: its calls, from the INVITE to the last BYE.
///
/// Shape:    `calls_max` calls, the emergency reserve with them: the host says who has a place.
/// Lifetime: borrows all of Options. Every call has ended when it dies, or is dropped silently.
/// Errors:   what cannot be taken is refused with the protocol's own answer; see the counters.
/// Thread:   one worker's.
class B2bua final : public core::sip::TransactionUser {
 public:
  struct Options {
    size_t calls_max = 0;
    const core::engine::Placement* placement = nullptr;  // Gives each call its shard.
    uint8_t shard = 0;  // One of this worker's own: for what belongs to no call.
    core::sip::TransactionTable* table = nullptr;
    core::transport::Transport* transport = nullptr;
    core::PacketStore* store = nullptr;
    core::TimerWheel* wheel = nullptr;
    core::Random* random = nullptr;
    core::sip::IdentifierMint* mint = nullptr;
    core::sip::DigestServer* digest = nullptr;
    HostTable* hosts = nullptr;
    MediaAnchor* media = nullptr;
    B2buaHost* host = nullptr;
    core::sip::TimerValues timers;
    SessionTimer::Settings session;
    core::HashKey tag_key{};
  };

  explicit B2bua(const Options& options);
  ~B2bua() override;

  void OnRequest(core::sip::ServerTransaction& transaction, const core::sip::Message& request,
                 const core::Packet& packet, core::Instant now) override;
  bool IsUrgent(const core::sip::Message& request, const core::Packet& packet) override;
  void OnCancel(core::sip::ServerTransaction& invite, const core::sip::Message& cancel,
                core::Instant now) override;
  void OnAck(const core::sip::Message& ack, const core::Packet& packet, core::Instant now) override;
  void OnUnacknowledged(core::sip::ServerTransaction& invite, core::Instant now) override;
  void OnResponse(core::sip::ClientTransaction& transaction, const core::sip::Message& response,
                  const core::Packet& packet, core::Instant now) override;
  void OnFailure(core::sip::ClientTransaction& transaction, core::sip::Failure failure,
                 core::Instant now) override;
  void OnStrayResponse(const core::sip::Message& response, const core::Packet& packet,
                       core::Instant now) override;

  /// The home worker's answer to an Ask() that had none at once. A call that is gone by now gives
  /// its grant back.
  void OnGrant(const Connector& connector, const Grant& grant, core::Instant now);

  /// What another worker's AskReplaced() is told: 0, or the code that refuses what names the
  /// dialog. `text` is written to, and `described` borrows it.
  uint16_t DescribeReplaced(const core::sip::Replaces& replaces, Side side,
                            core::sip::TextWriter* text, ReplacedDialog* described);
  /// Its answer, or what stands for one that did not come. What waited for it may be gone.
  void OnReplaced(uint64_t question, uint16_t refusal, const ReplacedDialog& replaced,
                  core::Instant now);
  void OnHeard(const HeardDigit& heard, core::Instant now);

  /// True where the message belongs to a dialog of a call here: whoever sent it may (rule 2).
  bool Knows(const core::sip::Message& message);

  /// Visits the side and the address of each peer that a call talks with now.
  template <typename Visit>
  void ForEachPeer(Visit&& visit) {
    calls_.ForEach([&](Call* call) {
      for (const CallLeg& leg : call->legs) visit(leg.side, leg.peer.ip);
    });
  }

  /// Ends every call with BYE, CANCEL or 503: the end of a drain.
  void EndAll(core::Instant now);

  /// The face on which a peer of that side is talked to; false where no listener has its family.
  bool FaceTowards(const Policy& policy, Side side, const core::Endpoint& peer, Face* face) const;
  /// The side is what the worker found for the packet at hand (rule 3).
  void set_side(Side side) { side_ = side; }
  Side side() const { return side_; }

  /// Sends an OPTIONS of the worker's own (rule 10). False when nothing could be sent.
  bool SendProbe(const RouteHealth::Probe& probe, core::Instant now);

  size_t calls() const { return calls_.size(); }
  size_t tags() const { return tags_.size(); }
  B2buaCounters counters() const;

 private:
  /// Where a tag of ours leads.
  struct TagEntry {
    core::Handle<Call> call;
    LegId leg = LegId::kCaller;
    uint8_t fork = 0;
    friend bool operator==(const TagEntry&, const TagEntry&) = default;
  };

  // b2bua.cc: what belongs to no call, and the parts that all others use.
  void AnswerOutside(core::sip::ServerTransaction& transaction, const core::sip::Message& request,
                     core::Instant now);
  void AnswerOptions(core::sip::ServerTransaction& transaction, const core::sip::Message& request,
                     core::Instant now);
  void Answer(core::sip::ServerTransaction& transaction, const core::sip::Message& request,
              uint16_t status_code, core::Instant now);
  /// The last word to a request. Where even that finds no Packet the transaction is dropped, so
  /// that nothing is held for ever and a repeat is taken as new: `transaction` may be gone then.
  void Answer(core::sip::ServerTransaction& transaction, const core::sip::Message& request,
              const core::sip::TransactionTable::Answer& answer, core::Instant now);
  /// Allow and Supported of that leg: what we take there.
  void WriteAbilities(const Call& call, LegId leg, bool offer_100rel,
                      core::sip::MessageWriter* out) const;
  static void WriteAllow(const Policy& policy, Side side, core::sip::MessageWriter* out);
  static void WriteAbilities(const Policy& policy, Side side, bool offer_100rel,
                             core::sip::MessageWriter* out);
  void WriteContact(const Face& face, core::sip::MessageWriter* out) const;

  // b2bua_media.cc: offers and answers.
  MediaAnchor::Party PartyOf(const Call& call, LegId id) const;
  uint16_t TakeSdp(Call* call, LegId from, MediaAnchor::Role role,
                   const core::sip::Message& message, core::Instant now);
  uint16_t RefuseUnread();
  uint16_t TakeDescription(Call* call, LegId from, MediaAnchor::Role role, std::string_view sdp,
                           core::Instant now);
  uint16_t TakeEarlySdp(Call* call, Fork* fork, LegId from, MediaAnchor::Role role,
                        const core::sip::Message& message, core::Instant now);
  uint16_t TakeFinalSdp(Call* call, Fork* fork, const core::sip::Message& response,
                        core::Instant now);
  uint16_t TakeOfferAgain(Call* call, Fork* fork, LegId answerer, core::Instant now);
  void KeepAgreed(Call* call, const Fork& fork);
  void KeepDescription(Call* call, LegId sent_to, MediaAnchor::Role role, std::string_view text);
  uint16_t ResumeSdp(Call* call, Fork* fork, core::Instant now);
  void WriteBody(Call* call, LegId to, MediaAnchor::Role role, const core::sip::Message& message,
                 core::sip::MessageWriter* out);
  void KeepSdp(Call* call, LegId sent_to, MediaAnchor::Role role,
               const core::sip::Message& message);
  uint16_t TakeFirstOffer(Call* call, core::Instant now);
  void TakeRefreshed(Call* call, LegId from, const core::sip::Message& response);
  bool AcceptFirstOffer(Call* call, core::Instant now);
  void FailSetup(Call* call, uint16_t status, std::string_view detail, core::Instant now);
  // Of an answered call: what its media did is told once a minute, and its silence ends it.
  void WatchMedia(Call* call);
  std::optional<core::Instant> SilentSince(const Call& call, LegId leg) const;
  void OnMediaTimer(Call* call, core::Instant now);
  bool EndIfSilent(Call* call, core::Instant now);
  uint64_t TagHash(std::string_view tag) const { return core::SipHash(options_.tag_key, tag); }
  void AddTag(std::string_view tag, const TagEntry& entry) { tags_.Insert(TagHash(tag), entry); }
  void RemoveTag(std::string_view tag, const TagEntry& entry);
  static std::string_view ToTag(const core::sip::Message& message);
  Call* FindByDialog(const core::sip::Message& message, TagEntry* entry);
  static Fork* EarlyDialog(Call* call, const TagEntry& entry, const core::sip::Message& message);
  Call* FindCall(const TransactionMark& mark) {
    return mark.is_calls() ? calls_.Find(mark.call) : nullptr;
  }

  /// A request of ours inside a dialog: head, our Contact, then `write`. Null: it could not go.
  struct OutRequest {
    core::sip::Method method = core::sip::Method::kUnknown;
    uint32_t sequence = 0;
    uint32_t max_forwards = 70;
    TransactionMark mark;
  };
  template <typename Write>
  core::sip::ClientTransaction* SendInDialog(Call* call, LegId leg, core::sip::Dialog* dialog,
                                             const OutRequest& request, core::Instant now,
                                             Write&& write);
  core::sip::Hop HopOf(Call* call, LegId leg, const core::sip::Dialog& dialog);

  // b2bua_setup.cc: from the INVITE to the first route.
  void OnInvite(core::sip::ServerTransaction& transaction, const core::sip::Message& invite,
                const core::Packet& packet, core::Instant now);
  /// What is found out about an INVITE before it has a Call.
  struct NewCall {
    const Policy* policy = nullptr;
    const Connector* connector = nullptr;
    const CustomerConfig* customer = nullptr;
    Takeover takeover;
    std::optional<size_t> replaced_on;  // The worker to ask what it takes over.
    CallRecord record;
  };
  uint16_t CheckTakeover(core::sip::ServerTransaction& transaction,
                         const core::sip::Message& invite, NewCall* asked, core::Instant now);
  std::optional<Refusal> FindConnector(const core::sip::Message& invite, const core::Packet& packet,
                                       NewCall* asked) const;
  std::optional<Refusal> CheckCall(const core::sip::Message& invite, const core::Packet& packet,
                                   NewCall* asked) const;
  void FillCall(Call* call, NewCall* asked, core::sip::ServerTransaction& transaction,
                const core::sip::Message& invite, const core::Packet& packet, core::Instant now);
  bool Authenticate(core::sip::ServerTransaction& transaction, const core::sip::Message& invite,
                    const CustomerConfig& customer, core::Instant now);
  void BeginRecord(const core::sip::Message& invite, const core::Packet& packet,
                   CallRecord* record) const;
  std::optional<Refusal> CheckNode(const NewCall& asked) const;
  void AskHome(Call* call, core::Instant now);
  void OnGrantTimeout(Call* call, core::Instant now);
  void StartCall(Call* call, core::Instant now);
  void OnGranted(Call* call, const Grant& grant, core::Instant now);

  // b2bua_refusal.cc: what is refused, and its record.
  /// What we may be Required to know, each with all before it: for a request inside a dialog, for a
  /// new call, for one that may take over another. The value is the count of their option tags.
  enum class AbilitiesOf : uint8_t { kDialog = 1, kCall = 2, kTransfer = 3 };
  /// Both: 0, or the code that was answered; this one where it needs what we cannot do.
  uint16_t CheckAbilities(core::sip::ServerTransaction& transaction,
                          const core::sip::Message& request, AbilitiesOf of, core::Instant now);
  uint16_t JudgeInvite(core::sip::ServerTransaction& transaction, const core::sip::Message& invite,
                       core::Instant now);
  uint16_t AnswerRefusal(core::sip::ServerTransaction& transaction,
                         const core::sip::Message& request, const Refusal& refusal,
                         core::Instant now);
  void RecordRefusal(CallRecord* record, RejectionCause cause, uint16_t status_code,
                     std::string_view detail);
  void RecordProtocolRefusal(CallRecord* record, uint16_t status_code);
  void RefuseInvite(core::sip::ServerTransaction& transaction, const core::sip::Message& invite,
                    const Refusal& refusal, CallRecord* record, core::Instant now);

  // b2bua_route.cc: one route after the other.
  void TryNextRoute(Call* call, core::Instant now);
  bool SendAttempt(Call* call, const RouteTarget& target, core::Instant now);
  bool SendInvite(Call* call, const core::sip::Message& invite, core::Instant now);
  /// A request of ours outside of a dialog, made of one that came.
  struct OutsideHead {
    core::sip::Method method = core::sip::Method::kUnknown;
    Side towards = Side::kCustomer;
    const Face* face = nullptr;
    core::Endpoint peer;
    std::string_view branch;
    std::string_view from_tag;
    std::string_view call_id;
    uint32_t sequence = 1;
  };
  /// What WriteOutsideHead() made of it, for what else is written.
  struct OutsideParties {
    CallerIdentity caller;
    UriHost ours;
    bool untouched = false;      // From and To say the same numbers as before.
    core::BoundedText<512> uri;  // Empty where it was longer: then the message cannot be written.
  };
  /// From the request line to CSeq, and P-Asserted-Identity.
  OutsideParties WriteOutsideHead(const OutsideHead& head, const Connector& connector,
                                  const core::sip::Message& in, core::sip::MessageWriter* out);
  void WriteInvite(Call* call, const core::sip::Message& invite, std::string_view branch,
                   core::sip::MessageWriter* out);
  void OnAttemptResponse(Call* call, core::sip::ClientTransaction& transaction,
                         const core::sip::Message& response, core::Instant now);
  bool RetryAttempt(Call* call, const core::sip::Message& response, core::Instant now);
  void OnAttemptFinal(Call* call, const core::sip::Message& response, core::Instant now);
  void OnAttemptFailed(Call* call, core::sip::Failure failure, core::Instant now);
  void AbandonAttempt(Call* call, core::Instant now);
  void OnRouteTimer(Call* call, core::Instant now);
  void ArmRouteTimer(Call* call);
  void FailCall(Call* call, const core::sip::Message* response, core::Instant now);

  // b2bua_digest.cc: who we are to a trunk that asks.
  /// Keeps the challenge of a 401 or 407 to answer it. False where it cannot be answered, or was
  /// and the peer asks again.
  bool AcceptChallenge(Call* call, LegId leg, const core::sip::Message& response,
                       bool had_credentials);
  void WriteCredentials(Call* call, LegId leg, const core::sip::DigestRequest& request,
                        core::sip::MessageWriter* out);
  /// Sends a request inside the dialog once more, as its peer asked. False: the response is final.
  bool AnswerChallenge(Call* call, const core::sip::ClientTransaction& transaction,
                       const core::sip::Message& response, core::Instant now);

  // b2bua_early.cc: early dialogs, and what the caller must acknowledge of them.
  Fork* ForkOf(Call* call, const core::sip::Message& response);
  Fork* ForkWithoutRoom(Call* call, core::sip::Dialog dialog);
  bool ShowDialog(Call* call, Fork* fork);
  void OnProvisional(Call* call, const core::sip::Message& response, core::Instant now);
  void SendReliable(Call* call, Fork* fork, core::Packet packet, core::Instant now);
  void OnReliableTimer(Call* call, core::Instant now);
  void OnPrack(Call* call, Fork* named, core::sip::ServerTransaction& transaction,
               const core::sip::Message& request, const core::Packet& packet, core::Instant now);
  void PassHeld(Call* call, Fork* acknowledged, core::Instant now);
  void OnHeldBye(Call* call, Fork* fork, core::Instant now);
  void OnEarlyBye(Call* call, Fork* fork, const core::sip::Message& bye, core::Instant now);
  void OnEndedAnswer(Call* call, core::Instant now);

  // b2bua_answer.cc: what the callee answers becomes what the caller hears.
  void OnAnswer(Call* call, core::sip::ClientTransaction& transaction,
                const core::sip::Message& response, core::Instant now);
  void PassAnswer(Call* call, Fork* fork, const core::sip::Message& response, core::Instant now);
  struct ResponseExtras {
    uint32_t rseq = 0;
    bool require_100rel = false;
    bool drop_body = false;
  };
  core::Packet WriteResponse(Call* call, LegId to, core::sip::ServerTransaction* transaction,
                             Fork* fork, const core::sip::Message& response,
                             const ResponseExtras& extras);

  // b2bua_exchange.cc: INVITEs inside the dialog: their time, their ACKs, who may make an offer.
  void BeginExchange(Call* call, const InviteExchange& exchange, core::Instant now);
  void OnExchangeTimer(Call* call, core::Instant now);
  core::Packet WriteAck(Call* call, LegId to, const core::sip::Dialog& dialog, uint32_t sequence,
                        const core::sip::Message* carrier);
  void SendAck(Call* call, LegId to, Fork* fork, uint32_t sequence,
               const core::sip::Message* carrier);
  void AckAgain(Call* call, LegId to, Fork* fork, core::sip::ClientTransaction& transaction,
                const core::sip::Message& response);
  static std::optional<LegId> OfferFrom(const Call& call, const Fork& fork);
  void AnswerGlare(bool own, core::sip::ServerTransaction& transaction,
                   const core::sip::Message& request, core::Instant now);
  void RefuseAnswer(Call* call, LegId to, core::Instant now);

  // b2bua_orphan.cc: answers that no call wants.
  static uint16_t TrunkOf(const Call& call);
  static void Disown(const Call& call, core::sip::ClientTransaction* invite);
  void DropHeldAnswer(Call* call, Fork* fork, Call* live, core::Instant now);
  void DropHeldAnswers(Call* call, Call* live, core::Instant now);
  /// `live`: the call that another early dialog of this INVITE belongs to, if there is one.
  void OnOrphanAnswer(core::sip::ClientTransaction& transaction, const core::sip::Message& response,
                      Call* live, core::Instant now);

  // b2bua_dialog.cc: requests inside the dialog.
  void OnInDialog(core::sip::ServerTransaction& transaction, const core::sip::Message& request,
                  const core::Packet& packet, core::Instant now);
  void FollowPeer(Call* call, LegId leg, const core::sip::ServerTransaction& transaction);
  void OnReinvite(Call* call, LegId leg, core::sip::ServerTransaction& transaction,
                  const core::sip::Message& request, const core::Packet& packet, core::Instant now);
  void OnUpdate(Call* call, LegId leg, Fork* fork, core::sip::ServerTransaction& transaction,
                const core::sip::Message& request, const core::Packet& packet, core::Instant now);
  void OnBye(Call* call, LegId leg, Fork* fork, core::sip::ServerTransaction& transaction,
             const core::sip::Message& request, core::Instant now);
  /// False where it was answered here, and did not cross.
  bool PassRequest(Call* call, LegId from, Fork* fork, core::sip::ServerTransaction& transaction,
                   const core::sip::Message& request, const core::Packet& packet, core::Instant now,
                   std::string_view refer_to = {});
  void OnRelayResponse(Call* call, size_t slot, const core::sip::Message& response,
                       core::Instant now);
  void OnReinviteResponse(Call* call, core::sip::ClientTransaction& transaction,
                          const core::sip::Message& response, core::Instant now);
  void AcceptOnLeg(Call* call, LegId leg, const core::sip::Message& response, core::Instant now);
  void PassFinal(Call* call, LegId to, core::sip::ServerTransaction* server,
                 const core::sip::Message& response, core::Instant now);
  void AnswerLater(core::sip::ServerTransaction& transaction, const core::sip::Message& request,
                   core::Instant now);
  bool AcceptTimer(Call* call, LegId leg, core::sip::ServerTransaction& transaction,
                   const core::sip::Message& request, core::Instant now);

  // b2bua_digits.cc: digits in INFO.
  bool TakeDigit(Call* call, LegId from, core::sip::ServerTransaction& transaction,
                 const core::sip::Message& request, core::Instant now);
  void SendDigit(Call* call, core::Instant now);
  void OnDigitAnswered(Call* call, uint16_t status_code, core::Instant now);

  // b2bua_message.cc: MESSAGE, above all outside of a dialog.
  static bool MayMessage(const Policy& policy, Side side);
  /// One on its way to its only route; its response goes back by it.
  struct PagerMessage {
    core::Handle<core::sip::ServerTransaction> server;
  };
  void OnPagerMessage(core::sip::ServerTransaction& transaction, const core::sip::Message& message,
                      const core::Packet& packet, core::Instant now);
  bool SendPagerMessage(core::sip::ServerTransaction& transaction,
                        const core::sip::Message& message, const core::Packet& packet,
                        const NewCall& asked, const RouteTarget& target, core::Instant now);
  void OnPagerResponse(const TransactionMark& mark, const core::sip::Message& response,
                       core::Instant now);
  void OnPagerFailure(const TransactionMark& mark, core::Instant now);

  // b2bua_replaced.cc: the dialogs that a Replaces names, here or on another worker.
  /// A dialog that is to be given up: the leg on which the other side has it.
  struct Replaced {
    Call* call = nullptr;  // Null: there is none.
    LegId leg = LegId::kCaller;
    const core::sip::Dialog& dialog() const { return call->bridged()->dialog(leg); }
  };
  struct PendingQuestion {
    PendingQuestion(const ReplacedQuestion& question, B2bua* of)
        : asked(question), owner(of), timer(&FireQuestion, this) {}
    ReplacedQuestion asked;
    B2bua* owner;
    core::Timer timer;
  };
  static constexpr size_t kQuestionsMax = 64;   // Transfers are few; more are told 503.
  static constexpr size_t kReplacedMax = 1024;  // A Call-ID and two tags, as told there.
  Replaced FindReplaced(const core::sip::Replaces& replaces, Side side);
  std::optional<size_t> OtherWorkerOf(const core::sip::Replaces& replaces) const;
  bool AskForReplaced(size_t worker, std::string_view replaces, const ReplacedQuestion& asked,
                      core::Instant now);
  bool ReadTakeover(const core::sip::Message& invite, Takeover* takeover,
                    std::optional<size_t>* elsewhere);
  bool KeepTakeover(const ReplacedDialog& replaced, Takeover* takeover);
  void OnTakeoverFound(Call* call, core::sip::ServerTransaction& transaction,
                       const core::sip::Message& invite, uint16_t refusal,
                       const ReplacedDialog& replaced, core::Instant now);
  void RefuseTakeover(Call* call, core::sip::ServerTransaction& transaction,
                      const core::sip::Message& invite, core::Instant now);
  static void FireQuestion(void* question, core::Timer* timer, core::Instant now);

  // b2bua_transfer.cc: REFER and 3xx (rule 18).
  static bool MayTransfer(const Policy& policy, Side side);
  void OnRefer(Call* call, LegId from, Fork* fork, core::sip::ServerTransaction& transaction,
               const core::sip::Message& request, const core::Packet& packet, core::Instant now);
  void OnReferTargetFound(Call* call, LegId from, core::sip::ServerTransaction& transaction,
                          const core::sip::Message& request, const core::Packet& packet,
                          uint16_t refusal, const ReplacedDialog& replaced, core::Instant now);
  uint16_t JudgeReferTo(const Call& call, LegId from, const core::sip::Message& request,
                        TransferTarget* target);
  void PassRefer(Call* call, LegId from, core::sip::ServerTransaction& transaction,
                 const core::sip::Message& request, const core::Packet& packet,
                 const TransferTarget& target, const ReplacedDialog* replaced, core::Instant now);
  void WriteRedirect(const Call& call, const core::sip::Message& response,
                     const core::sip::Message& invite, core::sip::TextWriter* out);
  uint16_t JudgeNewTarget(const Call& call, const core::sip::Message& request,
                          std::string_view user);

  static void WriteEvent(const Call& call, LegId to, const core::sip::Message& request,
                         core::sip::MessageWriter* out);

  // b2bua_end.cc: refreshes and ends.
  void OnSessionTimer(Call* call, LegId leg, core::Instant now);
  void ArmSessionTimer(Call* call, LegId leg);
  void SendRefresh(Call* call, LegId leg, core::Instant now);
  void OnOwnInviteResponse(Call* call, LegId leg, const core::sip::Message& response,
                           core::Instant now);
  void OnRefreshResponse(Call* call, LegId leg, const core::sip::Message& response,
                         core::Instant now);
  void CancelCall(Call* call, const core::sip::Message& cancel, core::Instant now);
  /// Says BYE on each leg but `spare`, records the call, and frees it once those are answered.
  /// `bye`: the peer's own, whose fields pass on instead of `reason`.
  void EndCall(Call* call, CallEnd end, std::optional<LegId> spare, std::string_view reason,
               core::Instant now, const core::sip::Message* bye = nullptr);
  bool SendBye(Call* call, LegId leg, std::string_view reason, core::Instant now,
               const core::sip::Message* bye = nullptr);
  void RefuseWaiting(core::Handle<core::sip::ServerTransaction> handle, uint16_t status_code,
                     core::Instant now);
  void RefuseRelays(Call* call, core::Instant now);
  void RefuseInvites(Call* call, core::Instant now);
  static CallRecord RecordOf(const Call& call);
  void Record(Call* call, CallEnd end, uint16_t status_code, core::Instant now,
              std::string_view detail = {});
  core::BoundedText<120> DetailOfSdp(std::string_view whose) const;
  void Free(Call* call, core::Instant now);

  static void FireSessionCaller(void* call, core::Timer* timer, core::Instant now);
  static void FireSessionCallee(void* call, core::Timer* timer, core::Instant now);
  static void FireRoute(void* call, core::Timer* timer, core::Instant now);
  static void FireReliable(void* call, core::Timer* timer, core::Instant now);

  Options options_;
  core::Pool<Call> calls_;
  core::Pool<Fork> forks_;  // Beyond each call's first.
  core::Pool<CallSetup> setups_;
  core::Pool<PagerMessage> pagers_;
  core::Pool<PendingQuestion> questions_{kQuestionsMax};
  core::FixedHashMap<TagEntry> tags_;
  Side side_ = Side::kCustomer;
  core::sip::Message scratch_message_;    // A kept request, read again to answer it.
  std::unique_ptr<char[]> body_scratch_;  // Where bodies are written before their messages.
  MessageBuilder builder_;
  TrunkCredentials credentials_;
  OrphanAnswers orphans_;
  B2buaCounters counters_;
};

}  // namespace sbc

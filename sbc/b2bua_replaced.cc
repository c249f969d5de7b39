// Which dialog the Replaces of an INVITE or of a REFER names (RFC 3891). Its call may live on
// another worker: then that one is asked by mailbox, and who asked waits for its word.

#include "core/sip/text_writer.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/transfer_target.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::Dialog;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::ParseError;
using core::sip::Replaces;
using core::sip::ServerTransaction;
using core::sip::TextWriter;

namespace {

// What the other side calls the dialog: there the peer is who is to give it up, so its tag is the
// to-tag (RFC 3891 §3).
void WriteReplaces(const Dialog& dialog, bool early_only, TextWriter* out) {
  out->Append(dialog.call_id());
  out->Append(";to-tag=");
  out->Append(dialog.remote_tag());
  out->Append(";from-tag=");
  out->Append(dialog.local_tag());
  if (early_only) out->Append(";early-only");
}

}  // namespace

// Its to-tag is ours, its from-tag the peer's. Only what was answered can be taken over.
B2bua::Replaced B2bua::FindReplaced(const Replaces& replaces, Side side) {
  Replaced found;
  (void)tags_.Find(TagHash(replaces.to_tag), [&](const TagEntry& candidate) {
    Call* call = calls_.Find(candidate.call);
    Fork* fork = call == nullptr ? nullptr : call->bridged();
    if (fork == nullptr || call->state == Call::State::kEnding ||
        call->leg(candidate.leg).side != side) {
      return false;
    }
    const Dialog& dialog = fork->dialog(candidate.leg);
    if (dialog.call_id() != replaces.call_id || dialog.local_tag() != replaces.to_tag ||
        dialog.remote_tag() != replaces.from_tag) {
      return false;
    }
    found = {call, Other(candidate.leg)};
    return true;
  });
  return found;
}

uint16_t B2bua::DescribeReplaced(const Replaces& replaces, Side side, TextWriter* text,
                                 ReplacedDialog* described) {
  const Replaced replaced = FindReplaced(replaces, side);
  if (replaced.call == nullptr) return 481;
  WriteReplaces(replaced.dialog(), replaces.early_only, text);
  if (!text->ok()) return 513;
  *described = {text->text(), replaced.dialog().remote_target(),
                replaced.call->leg(replaced.leg).peer};
  return 0;
}

std::optional<size_t> B2bua::OtherWorkerOf(const Replaces& replaces) const {
  const auto owner = options_.placement->OwnerOfReplaced(replaces, *options_.mint);
  const bool here = owner == options_.placement->WorkerOf(options_.shard);
  return here ? std::nullopt : owner;
}

bool B2bua::AskForReplaced(size_t worker, std::string_view replaces, const ReplacedQuestion& asked,
                           Instant now) {
  PendingQuestion* question = questions_.Acquire(asked, this);
  if (question == nullptr) return false;
  const Side side = calls_.Find(asked.call)->leg(asked.from).side;
  if (!options_.host->AskReplaced(worker, questions_.HandleOf(question).bits(), side, replaces)) {
    questions_.Release(question);
    return false;
  }
  options_.wheel->Arm(&question->timer, now + kWordTimeout);
  return true;
}

// What waits may be gone: the call has ended, or the INVITE was cancelled.
void B2bua::OnReplaced(uint64_t id, uint16_t refusal, const ReplacedDialog& replaced, Instant now) {
  PendingQuestion* question = questions_.Find(core::Handle<PendingQuestion>::FromBits(id));
  if (question == nullptr) return;
  const ReplacedQuestion asked = question->asked;
  questions_.Release(question);
  ServerTransaction* transaction = options_.table->Find(asked.server);
  if (transaction == nullptr || transaction->final_status() != 0) return;
  Call* call = calls_.Find(asked.call);
  // A copy, for the transaction may let its own go while this is read.
  const Packet packet = options_.store->Copy(transaction->request());
  Message request;
  if (!packet || request.Index(packet.text()) != ParseError::kOk) {
    return options_.table->Drop(*transaction, now);  // As Answer() does where nothing can be said.
  }
  if (transaction->is_invite()) {
    if (call != nullptr) OnTakeoverFound(call, *transaction, request, refusal, replaced, now);
  } else if (call == nullptr || call->state == Call::State::kEnding) {
    Answer(*transaction, request, 481, now);
  } else {
    OnReferTargetFound(call, asked.from, *transaction, request, packet, refusal, replaced, now);
  }
}

void B2bua::FireQuestion(void* question, core::Timer* /*timer*/, Instant now) {
  auto* of = static_cast<PendingQuestion*>(question);
  B2bua* self = of->owner;
  self->OnReplaced(self->questions_.HandleOf(of).bits(), 503, {}, now);
}

// ---- an INVITE that takes over ----------------------------------------------------------------

// An INVITE that takes over a dialog of its own side: it goes to who has that dialog's other end,
// and names the dialog as it is known there. False where it may not, or there is no such dialog
// here; where another worker may have it, `elsewhere` is that worker.
bool B2bua::ReadTakeover(const Message& invite, Takeover* takeover,
                         std::optional<size_t>* elsewhere) {
  Replaces replaces;
  if (!MayTransfer(*options_.host->policy(), side_) ||
      core::sip::ParseReplaces(invite.Find(HeaderId::kReplaces).value_or(""), &replaces) !=
          ParseError::kOk) {
    return false;
  }
  *elsewhere = OtherWorkerOf(replaces);
  if (elsewhere->has_value()) return true;
  char bytes[kReplacedMax];
  TextWriter text({bytes, sizeof(bytes)});
  ReplacedDialog replaced;
  return DescribeReplaced(replaces, side_, &text, &replaced) == 0 &&
         KeepTakeover(replaced, takeover);
}

bool B2bua::KeepTakeover(const ReplacedDialog& replaced, Takeover* takeover) {
  takeover->replaces = options_.store->texts()->Copy(replaced.replaces);
  takeover->peer = replaced.peer;
  return static_cast<bool>(takeover->replaces);
}

void B2bua::OnTakeoverFound(Call* call, ServerTransaction& transaction, const Message& invite,
                            uint16_t refusal, const ReplacedDialog& replaced, Instant now) {
  if (refusal == 0 && KeepTakeover(replaced, &call->setup->takeover)) return AskHome(call, now);
  if (refusal != 481) return RefuseTakeover(call, transaction, invite, now);
  ++counters_.no_dialog;
  Answer(transaction, invite, 481, now);
  Record(call, CallEnd::kFailed, 481, now);
  Free(call, now);
}

// Even an emergency call (rule 6): who cannot have the dialog that it names may call without it.
void B2bua::RefuseTakeover(Call* call, ServerTransaction& transaction, const Message& invite,
                           Instant now) {
  CallRecord record = RecordOf(*call);
  RefuseInvite(transaction, invite,
               Refuse(RejectionCause::kOverload, call->connector->config->rejections,
                      "the worker of the call that is to be replaced does not answer"),
               &record, now);
  Free(call, now);
}

}  // namespace sbc

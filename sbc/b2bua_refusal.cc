// What is refused: for what it asks of us by the RFCs, or for what the configuration says. Each new
// call that is refused is one record (rule 27).

#include "core/sip/verdict.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"

namespace sbc {

using core::Instant;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::ParseError;
using core::sip::ServerTransaction;
using core::sip::TransactionTable;

namespace {

// What we may be Required to know (§8.2.2.3), by AbilitiesOf. Inside a dialog nothing is taken over
// (RFC 3891 §3), and responses to a re-INVITE are not reliable: who insists gets 420 (RFC 3262 §3).
constexpr std::string_view kOptionTags[] = {"timer", "100rel", "replaces"};

// Bodies that an offer or an answer may stand in (§8.2.3); an emergency call has its place beside
// it (rule 6). What stands beside it in a multipart body is for the far end to judge.
constexpr std::string_view kMediaTypes[] = {"application/sdp", "multipart/mixed",
                                            "multipart/alternative", "multipart/related"};

// A 420 names as many as fit, each whole. More than anybody has; and as a message has room for what
// the request had room for, there is room for these in its answer.
constexpr size_t kUnsupportedMax = 16'384;

constexpr uint32_t kRetryAfterSeconds = 5;  // A drain or an overload is not over sooner.

// For the log line.
std::string_view DetailOf(uint16_t status_code) {
  switch (status_code) {
    case 406:
      return "Accept names no body that we write";
    case 415:
      return "the body is of a type or an encoding that we do not read";
    case 420:
      return "Require names what is not supported";
    case 422:
      return "Session-Expires is less than min_se";
    case 481:
      return "Replaces names no dialog that may be taken over";
    case 483:
      return "Max-Forwards is 0";
    default:
      return "";
  }
}

}  // namespace

uint16_t B2bua::CheckAbilities(ServerTransaction& transaction, const Message& request,
                               AbilitiesOf of, Instant now) {
  const std::span<const std::string_view> known =
      std::span(kOptionTags).first(static_cast<size_t>(of));
  const core::sip::Verdict verdict =
      core::sip::JudgeAbilities(request, {.option_tags = known, .media_types = kMediaTypes});
  if (verdict.ok()) return 0;
  ++counters_.unsupported;
  if (transaction.is_invite()) ++counters_.final_responses[verdict.status_code / 100];
  core::sip::TextWriter unsupported({body_scratch_.get(), kUnsupportedMax});
  TransactionTable::Answer answer;
  answer.status_code = verdict.status_code;
  answer.reason = verdict.reason;
  if (verdict.status_code == 420) {
    core::sip::WriteUnsupportedTags(request, known, &unsupported);
    if (unsupported.size() > 0) {
      answer.field = HeaderId::kUnsupported;
      answer.field_value = unsupported.text();
    }
  } else if (verdict.status_code == 415) {  // §21.4.13: what would have done.
    const bool encoded = core::sip::IsEncoded(request);
    answer.field = encoded ? HeaderId::kAcceptEncoding : HeaderId::kAccept;
    answer.field_value = encoded ? "identity" : kAccept;
  }
  Answer(transaction, request, answer, now);
  return verdict.status_code;
}

uint16_t B2bua::JudgeInvite(ServerTransaction& transaction, const Message& invite, Instant now) {
  const auto of =
      MayTransfer(*options_.host->policy(), side_) ? AbilitiesOf::kTransfer : AbilitiesOf::kCall;
  if (const uint16_t status_code = CheckAbilities(transaction, invite, of, now)) {
    return status_code;
  }
  uint32_t hops = 70;
  if (invite.MaxForwards(&hops) == ParseError::kOk && hops == 0) {
    ++counters_.loops;
    Answer(transaction, invite, 483, now);
    return 483;
  }
  const SessionTimer timer(options_.session);
  if (!timer.Acceptable(invite)) {
    ++counters_.final_responses[4];
    char number[16];
    core::sip::TextWriter min_se({number, sizeof(number)});
    min_se.AppendNumber(timer.min_se_s());
    TransactionTable::Answer answer;
    answer.status_code = 422;
    answer.field = HeaderId::kMinSe;
    answer.field_value = min_se.text();
    Answer(transaction, invite, answer, now);
    return 422;
  }
  return 0;
}

// Answers and counts it; the code that it was.
uint16_t B2bua::AnswerRefusal(ServerTransaction& transaction, const Message& request,
                              const Refusal& refusal, Instant now) {
  ++counters_.refused[static_cast<size_t>(refusal.cause)];
  // A drop has no transaction (SbcWorker::Dropped); were one to come here, it would need a code.
  const uint16_t status_code = refusal.is_drop() ? 403 : refusal.status_code;
  ++counters_.final_responses[status_code / 100];
  char seconds[16];
  core::sip::TextWriter retry_after({seconds, sizeof(seconds)});
  retry_after.AppendNumber(kRetryAfterSeconds);
  TransactionTable::Answer answer;
  answer.status_code = status_code;
  answer.reason = refusal.reason.view();
  if (refusal.retry_after) {
    answer.field = HeaderId::kRetryAfter;
    answer.field_value = retry_after.text();
  }
  Answer(transaction, request, answer, now);
  return status_code;
}

void B2bua::RefuseInvite(ServerTransaction& transaction, const Message& invite,
                         const Refusal& refusal, CallRecord* record, Instant now) {
  const uint16_t status_code = AnswerRefusal(transaction, invite, refusal, now);
  RecordRefusal(record, refusal.cause, status_code, refusal.detail.view());
}

void B2bua::RecordRefusal(CallRecord* record, RejectionCause cause, uint16_t status_code,
                          std::string_view detail) {
  record->end = CallEnd::kRefused;
  record->cause = cause;
  record->status_code = status_code;
  record->detail.AssignTruncated(detail);
  record->ended = options_.host->wall();
  options_.host->OnRecord(*record, {});
}

// Of what was judged by the RFCs alone, and answered where it was.
void B2bua::RecordProtocolRefusal(CallRecord* record, uint16_t status_code) {
  ++counters_.refused[static_cast<size_t>(RejectionCause::kProtocol)];
  RecordRefusal(record, RejectionCause::kProtocol, status_code, DetailOf(status_code));
}

}  // namespace sbc

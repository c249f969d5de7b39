// Digits of a customer who says them in SIP INFO, and of a trunk that has them in RTP (`dtmf:
// info`).

#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/dtmf_info.h"
#include "sbc/product.h"

namespace sbc {

using core::Instant;
using core::sip::ClientTransaction;
using core::sip::Dialog;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ServerTransaction;
using core::sip::TransactionTable;
using Kind = TransactionMark::Kind;
using Verdict = DigitPlayer::Verdict;

namespace {

constexpr uint16_t kNotAcceptable = 488;
constexpr uint16_t kUnavailable = 480;

LegId CustomerOf(const Call& call) {
  return call.leg(LegId::kCaller).side == Side::kCustomer ? LegId::kCaller : LegId::kCallee;
}

std::string_view TextOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNoEvents:
      return "The trunk agreed to no telephone-event";
    case Verdict::kNotThatEvent:
      return "The trunk does not take this event";
    case Verdict::kNoVoice:
      return "No voice flows that could carry the digit";
    case Verdict::kFull:
    case Verdict::kQueued:
      break;
  }
  return "";
}

// RFC 3261 §20.43: 399 is for texts that people read.
TransactionTable::Answer Explained(uint16_t status_code, std::string_view text,
                                   core::sip::TextWriter* warning) {
  warning->Append("399 ringfence \"");
  warning->Append(text);
  warning->Append('"');
  TransactionTable::Answer answer;
  answer.status_code = status_code;
  answer.field = HeaderId::kWarning;
  answer.field_value = warning->text();
  return answer;
}

}  // namespace

bool B2bua::TakeDigit(Call* call, LegId from, ServerTransaction& transaction,
                      const Message& request, Instant now) {
  const bool bridges = call->connector->config->dtmf == DtmfKind::kInfo &&
                       call->leg(from).side == Side::kCustomer && options_.media->enabled();
  const DtmfBody kind = DtmfBodyOf(request.Find(HeaderId::kContentType).value_or(""));
  if (!bridges || kind == DtmfBody::kNone) return false;
  char bytes[128];
  core::sip::TextWriter warning({bytes, sizeof(bytes)});
  if (request.Has(HeaderId::kContentEncoding)) {
    ++counters_.digits_refused;
    TransactionTable::Answer answer;
    answer.status_code = 415;  // §21.4.13: what would have done.
    answer.field = HeaderId::kAcceptEncoding;
    answer.field_value = "identity";
    Answer(transaction, request, answer, now);
    return true;
  }
  Digit digit;
  const DtmfInfoError error = ParseDtmfInfo(kind, request.body(), &digit);
  if (error != DtmfInfoError::kOk) {
    ++counters_.digits_refused;
    Answer(transaction, request, Explained(400, Name(error), &warning), now);
    return true;
  }
  const Verdict verdict = options_.media->PlayDigit(call->media, digit, now);
  ++(verdict == Verdict::kQueued ? counters_.digits_taken : counters_.digits_refused);
  if (verdict == Verdict::kQueued) {
    Answer(transaction, request, 200, now);
  } else if (verdict == Verdict::kFull) {
    AnswerLater(transaction, request, now);
  } else {
    const uint16_t status = verdict == Verdict::kNoVoice ? kUnavailable : kNotAcceptable;
    Answer(transaction, request, Explained(status, TextOf(verdict), &warning), now);
  }
  return true;
}

void B2bua::OnHeard(const HeardDigit& heard, Instant now) {
  Call* call = calls_.Find(heard.call);
  if (call == nullptr || call->state == Call::State::kEnding ||
      !call->digits.PushBack(heard.digit)) {
    ++counters_.digits_lost;
    return;
  }
  SendDigit(call, now);
}

// In order, so one at a time: RFC 3261 has none for requests that are under way at once.
void B2bua::SendDigit(Call* call, Instant now) {
  const LegId to = CustomerOf(*call);
  Fork* fork = call->bridged();
  if (fork == nullptr) {  // Early media has digits, too.
    const bool has_one = call->sdp_fork < call->forks.size();
    fork = has_one ? &call->forks[call->sdp_fork] : &call->forks.first();
  }
  Dialog& dialog = fork->dialog(to);
  while (!call->digit_sent && !call->digits.empty()) {
    const Digit digit = call->digits[0];
    call->digits.EraseAt(0);
    if (fork->ended || dialog.state() == Dialog::State::kNone) {
      ++counters_.digits_lost;
      continue;
    }
    char bytes[kDtmfBodyMax];
    core::TextWriter body({bytes, sizeof(bytes)});
    WriteDtmfRelay(digit, &body);
    const ClientTransaction* sent =
        SendInDialog(call, to, &dialog,
                     {.method = Method::kInfo,
                      .sequence = dialog.NextSequence(),
                      .mark = {Kind::kDigit, static_cast<uint8_t>(to), calls_.HandleOf(call)}},
                     now, [&](MessageWriter* out) {
                       out->Header(HeaderId::kUserAgent, kProduct);
                       out->Body("application/dtmf-relay", body.text());
                     });
    call->digit_sent = sent != nullptr;
    if (sent == nullptr) ++counters_.digits_lost;
  }
}

// `status_code` 0: none came.
void B2bua::OnDigitAnswered(Call* call, uint16_t status_code, Instant now) {
  if (status_code != 0 && status_code < 200) return;
  call->digit_sent = false;
  ++(status_code / 100 == 2 ? counters_.digits_told : counters_.digits_failed);
  if (call->state == Call::State::kEnding) return;
  const bool is_gone = status_code == 0 || status_code == 481 || status_code == 408;
  if (is_gone && call->bridged() != nullptr) {
    return EndCall(call, CallEnd::kPeerLost, std::nullopt,
                   status_code == 0 ? "SIP;cause=408;text=\"No response\""
                                    : "SIP;cause=481;text=\"Peer lost\"",
                   now);
  }
  SendDigit(call, now);
}

}  // namespace sbc

// What workers ask each other of a dialog that is to be taken over (RFC 3891): it lives with its
// call, and who names it may be on any worker.

#include "core/sip/text_writer.h"
#include "sbc/envelopes.h"
#include "sbc/sbc_worker.h"

namespace sbc {

using core::Instant;
using core::engine::Envelope;
using core::sip::ParseError;
using core::sip::Replaces;
using core::sip::TextWriter;

bool SbcWorker::AskReplaced(size_t worker, uint64_t question, Side side,
                            std::string_view replaces) {
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kAskReplaced);
  envelope.words = {question, static_cast<uint64_t>(side), 0, 0};
  envelope.bytes = replaces;
  if (options_.outbox->Post(worker, envelope)) return true;
  ++counters_.mailbox_full;
  return false;
}

void SbcWorker::OnAskReplaced(const Envelope& envelope) {
  char bytes[2048];  // A Call-ID, two tags and a URI.
  TextWriter text({bytes, sizeof(bytes)});
  Replaces replaces;
  ReplacedDialog replaced;
  uint16_t refusal = 481;
  if (core::sip::ParseReplaces(envelope.bytes, &replaces) == ParseError::kOk) {
    refusal =
        b2bua_.DescribeReplaced(replaces, static_cast<Side>(envelope.words[1]), &text, &replaced);
  }
  const size_t replaces_size = replaced.replaces.size();
  text.Append(replaced.target);
  if (refusal == 0 && !text.ok()) refusal = 513;
  Envelope answer;
  answer.kind = static_cast<uint16_t>(EnvelopeKind::kReplaced);
  answer.words = {envelope.words[0], refusal, replaces_size, 0};
  answer.remote = replaced.peer;
  if (refusal == 0) answer.bytes = text.text();
  // A full mailbox: nobody hears of it, and the asker's patience ends by itself.
  if (!options_.outbox->Post(envelope.from, answer)) ++counters_.mailbox_full;
}

void SbcWorker::OnReplaced(const Envelope& envelope, Instant now) {
  const auto refusal = static_cast<uint16_t>(envelope.words[1]);
  ReplacedDialog replaced;
  if (refusal == 0) {
    replaced = {envelope.bytes.substr(0, envelope.words[2]),
                envelope.bytes.substr(envelope.words[2]), envelope.remote};
  }
  b2bua_.OnReplaced(envelope.words[0], refusal, replaced, now);
}

}  // namespace sbc

#include "core/sip/message.h"

#include <benchmark/benchmark.h>

#include <string>

#include "core/base/check.h"
#include "core/sip/message_writer.h"
#include "core/sip/uri.h"
#include "core/sip/verdict.h"
#include "tests/support/corpus.h"

// What one message costs before anyone decides anything about it, on the trunk's own INVITE (953
// bytes, 13 header fields, SDP). Run from the root of the project.

namespace core::sip {
namespace {

const std::string& Invite() {
  static const std::string invite = ReadCorpus("seed/inbound-invite.sip");
  return invite;
}

// INVITEs one core indexes in a second.
void BM_IndexInvite(benchmark::State& state) {
  const std::string& invite = Invite();
  Message message;
  for (auto _ : state) {
    benchmark::DoNotOptimize(message.Index(invite));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_IndexInvite);

// Indexed anew each time, as a message keeps what was parsed of it.
void BM_IndexAndJudgeInvite(benchmark::State& state) {
  Message message;
  for (auto _ : state) {
    benchmark::DoNotOptimize(message.Index(Invite()));
    benchmark::DoNotOptimize(Judge(message));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_IndexAndJudgeInvite);

// What the layers ask of a message again and again: who sent it, from where to whom.
void BM_AskWhatWasAskedBefore(benchmark::State& state) {
  Message message;
  CHECK(message.Index(Invite()) == ParseError::kOk);
  Via via;
  NameAddr address;
  for (auto _ : state) {
    benchmark::DoNotOptimize(message.TopVia(&via));
    benchmark::DoNotOptimize(message.From(&address));
    benchmark::DoNotOptimize(message.To(&address));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_AskWhatWasAskedBefore);

// What every message pays for beyond its index: who sent it, from where to whom.
void BM_ParseViaFromToContact(benchmark::State& state) {
  Message message;
  CHECK(message.Index(Invite()) == ParseError::kOk);
  Via via;
  NameAddr address;
  Uri uri;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ParseVia(*message.Find(HeaderId::kVia), &via));
    benchmark::DoNotOptimize(ParseNameAddr(*message.Find(HeaderId::kFrom), &address));
    benchmark::DoNotOptimize(ParseNameAddr(*message.Find(HeaderId::kTo), &address));
    benchmark::DoNotOptimize(ParseNameAddr(*message.Find(HeaderId::kContact), &address));
    benchmark::DoNotOptimize(ParseUri(address.uri, &uri));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_ParseViaFromToContact);

void BM_PeekCallId(benchmark::State& state) {
  const std::string& invite = Invite();
  for (auto _ : state) benchmark::DoNotOptimize(PeekCallId(invite));
}
BENCHMARK(BM_PeekCallId);

void BM_WriteResponse(benchmark::State& state) {
  Message message;
  CHECK(message.Index(Invite()) == ParseError::kOk);
  char memory[2048];
  for (auto _ : state) {
    MessageWriter out(memory);
    out.StatusLine(180, "");
    for (size_t i = message.FirstIndex(HeaderId::kVia); i != Message::kNone;
         i = message.NextIndex(i)) {
      out.Header(HeaderId::kVia, message.header(i).value);
    }
    out.Header(HeaderId::kRecordRoute, *message.Find(HeaderId::kRecordRoute));
    out.Header(HeaderId::kFrom, *message.Find(HeaderId::kFrom));
    out.Header(HeaderId::kTo, {*message.Find(HeaderId::kTo), ";tag=", "8b29e8c9"});
    out.Header(HeaderId::kCallId, message.call_id());
    out.Header(HeaderId::kCSeq, *message.Find(HeaderId::kCSeq));
    out.Header(HeaderId::kContact, "<sip:198.51.100.204:5060>");
    out.NoBody();
    CHECK(out.Finish().has_value());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_WriteResponse);

void BM_WriteInvite(benchmark::State& state) {
  Message message;
  CHECK(message.Index(Invite()) == ParseError::kOk);
  char memory[2048];
  for (auto _ : state) {
    MessageWriter out(memory);
    out.RequestLine("INVITE", message.request_uri());
    for (size_t i = 0; i < message.header_count(); ++i) {
      const HeaderField field = message.header(i);
      if (field.id == HeaderId::kContentType || field.id == HeaderId::kContentLength) continue;
      out.RawHeader(field.name, field.value);
    }
    out.Body("application/sdp", message.body());
    CHECK(out.Finish().has_value());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_WriteInvite);

}  // namespace
}  // namespace core::sip

#include "core/sdp/session_description.h"

#include <benchmark/benchmark.h>

#include <string>

#include "core/base/check.h"
#include "core/sdp/answer_judge.h"
#include "core/sdp/rewrite.h"
#include "tests/support/corpus.h"

// What anchoring costs each message that carries a description: read it, and write ours in its
// place. The descriptions are files, so that numbers compare across commits. Run from the root of
// the project.

namespace core::sdp {
namespace {

const char* const kNames[] = {"trunk", "asterisk", "browser"};  // 12, 17 and 49 lines.

std::string Description(const benchmark::State& state) {
  return ReadCorpus(std::string("fuzz/sdp/") + kNames[state.range(0)] + ".sdp");
}

void BM_Parse(benchmark::State& state) {
  const std::string text = Description(state);
  SessionDescription description;
  for (auto _ : state) {
    benchmark::DoNotOptimize(description.Parse(text));
    benchmark::ClobberMemory();
  }
  state.SetLabel(kNames[state.range(0)]);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(BM_Parse)->DenseRange(0, 2);

struct Prepared {
  explicit Prepared(const std::string& text) {
    CHECK(description.Parse(text) == ParseError::kOk);
    for (const MediaDescription& line : description.media()) {
      media[count] = KeepMedia(line, description.formats(line));
      media[count].port = 20000;
      media[count].rtcp_port = 20001;
      media[count].keeps_security = true;  // Or a browser's lines would be rejected in no time.
      ++count;
    }
    rewrite.address = IpAddress::FromV4(0xcb00710a);
    rewrite.media = std::span(media).first(count);
  }
  SessionDescription description;
  MediaRewrite media[SessionDescription::kMediaMax];
  size_t count = 0;
  Rewrite rewrite;
};

void BM_Rewrite(benchmark::State& state) {
  const std::string text = Description(state);
  const Prepared prepared(text);
  char memory[4096];
  for (auto _ : state) {
    TextWriter out(memory);
    WriteRewritten(prepared.description, prepared.rewrite, &out);
    CHECK(out.ok());
    benchmark::ClobberMemory();
  }
  state.SetLabel(kNames[state.range(0)]);
}
BENCHMARK(BM_Rewrite)->DenseRange(0, 2);

// All of it, as a leg does it: parse, select by policy, write, compare with what was written last.
void BM_ParseSelectAndWriteForLeg(benchmark::State& state) {
  const std::string text = Description(state);
  CodecPolicy policy;
  policy.is_limited = policy.allowed.PushBack(Codec::kPcmu);
  SessionDescription description;
  MediaRewrite media[SessionDescription::kMediaMax];
  LocalOrigin origin;
  char memory[4096];
  for (auto _ : state) {
    CHECK(description.Parse(text) == ParseError::kOk);
    size_t count = 0;
    for (const MediaDescription& line : description.media()) {
      const auto formats = description.formats(line);
      MediaRewrite& rewrite = media[count++];
      rewrite.port = 20000;
      rewrite.rtcp_port = 20001;
      rewrite.keeps_security = true;
      rewrite.formats = SelectForOffer(line, formats, policy);
    }
    Rewrite rewrite;
    rewrite.address = IpAddress::FromV4(0xcb00710a);
    rewrite.media = std::span(media).first(count);
    CHECK(WriteForLeg(description, rewrite, &origin, memory).has_value());
    benchmark::ClobberMemory();
  }
  state.SetLabel(kNames[state.range(0)]);
}
BENCHMARK(BM_ParseSelectAndWriteForLeg)->DenseRange(0, 2);

void BM_JudgeAnswer(benchmark::State& state) {
  const std::string text = Description(state);
  const Prepared prepared(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(JudgeAnswer(prepared.description, prepared.description));
  }
  state.SetLabel(kNames[state.range(0)]);
}
BENCHMARK(BM_JudgeAnswer)->DenseRange(0, 2);

}  // namespace
}  // namespace core::sdp

// A whole SBC between scripted PBXs and a Voice Connector on a network that loses, repeats,
// reorders and delays, with peers that die, refuse, ring for ever, answer twice, cancel at any
// moment. Each seed is one such hour, and draws what is special about its world (SimTraits): names
// that resolve anew, folded early dialogs, transfers, digest, a drain, reloads, IPv6, media, and
// with that video, digits by INFO, and a telephone behind a NAT. What must hold at its end holds
// for all (style guide, section 9):
//
//   - nothing is held: calls, transactions, timers, packets, policies, ports of media;
//   - each call has ended exactly once, in exactly one record (rule 27);
//   - at most one downstream dialog is bridged, every other 2xx is ACKed and BYEd (rule 14);
//   - no peer is left in a dialog whose other leg is gone;
//   - neither side was shown anything of the other in a header field (rule 16);
//   - of voice, video and faxes what its sender was agreed to send went on as the network brought
//     it, and nothing else; each key that was pressed is on the other side once, in its order;
//   - what the SBC tells of the media of calls that talk is what their peers sent and heard:
//   counts,
//     jitter, gaps, digits, the way there and back, opinions by the E-model, codec and duration;
//   - each worker has said once that it is drained where it was told to, and else not.
//
// And the run as a whole has gone all the ways that it is there for, often enough.
//
// A failing seed is printed. RINGFENCE_SIM_SEED=<seed> runs it alone and prints all that was said;
// RINGFENCE_SIM_SEEDS=<n> or RINGFENCE_LONG=1 runs more of them; RINGFENCE_SIM_TABLE=1 prints how
// often each way was gone.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(SbcSimulationTest, HoldsItsInvariantsForEverySeed) {
  const uint64_t only = FromEnvironment("RINGFENCE_SIM_SEED", 0);
  const uint64_t usual = std::getenv("RINGFENCE_LONG") != nullptr ? 5000 : 300;
  const uint64_t count = only != 0 ? 1 : FromEnvironment("RINGFENCE_SIM_SEEDS", usual);
  const uint64_t first = only != 0 ? only : 1;
  SimCoverage coverage;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SimulatedHour hour(seed);
    const std::string complaint = hour.Run();
    if (only != 0) hour.Trace();
    hour.AddTo(&coverage);
    EXPECT_EQ(complaint, "") << "RINGFENCE_SIM_SEED=" << seed << " replays it";
  }
  if (count >= 300) {
    EXPECT_EQ(coverage.Missing(), "") << coverage.Table();
    if (std::getenv("RINGFENCE_SIM_TABLE") != nullptr) std::fputs(coverage.Table().c_str(), stderr);
  }
}

}  // namespace
}  // namespace tests

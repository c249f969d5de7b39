// A whole SBC between scripted PBXs and a Voice Connector on a network that loses, repeats,
// reorders and delays, with peers that die, refuse, ring for ever, answer twice, cancel at any
// moment. Each seed is one such hour; what must hold at its end holds for all (style guide, section
// 9):
//
//   - nothing is held: calls, transactions, timers, packets, policies;
//   - each call has ended exactly once, in exactly one record (rule 27);
//   - at most one downstream dialog is bridged, every other 2xx is ACKed and BYEd (rule 14);
//   - no peer is left in a dialog whose other leg is gone;
//   - neither side was shown anything of the other in a header field (rule 16).
//
// And the run as a whole has gone all the ways that it is there for, often enough.
//
// A failing seed is printed. RINGFENCE_SIM_SEED=<seed> runs it alone and prints all that was said;
// RINGFENCE_SIM_SEEDS=<n> or RINGFENCE_LONG=1 runs more of them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "tests/sim/sbc_sim_coverage.h"
#include "tests/support/sbc_world.h"
#include "tests/support/sim_user_agent.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::Duration;
using core::Random;

constexpr char kFallback[] = "X-Fallback: 1\r\n";

/// All chance of one seed, in words that plans are made of.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  bool Chance(double p) { return random_.Chance(p); }
  size_t Below(size_t n) { return static_cast<size_t>(random_.Below(n)); }
  Duration Within(Duration longest) {
    return Duration(
        static_cast<int64_t>(random_.Below(static_cast<uint64_t>(longest.count()) + 1)));
  }
  template <typename T, size_t kSize>
  T Of(const T (&values)[kSize]) {
    return values[Below(kSize)];
  }

 private:
  Random random_;
};

std::string MaybeSdp(Dice* dice) { return dice->Chance(0.5) ? kSdp : ""; }

void AddTalk(Dice* dice, SimPlan* plan) {
  constexpr const char* kMethods[] = {"INFO",   "UPDATE",  "INVITE", "MESSAGE",
                                      "NOTIFY", "OPTIONS", "REFER"};
  for (size_t i = dice->Below(4); i > 0; --i) {
    SimStep step;
    step.after = dice->Chance(0.3) ? 0s : dice->Within(20s);  // Some right behind the last.
    step.method = dice->Of(kMethods);
    if (step.method == "INVITE" || step.method == "UPDATE") step.body = MaybeSdp(dice);
    plan->confirmed.push_back(step);
  }
}

void AddAnswers(Dice* dice, SimPlan* plan) {
  constexpr int kRefusals[] = {488, 491, 500, 200};
  if (dice->Chance(0.15)) plan->answers["INVITE"] = dice->Of(kRefusals);
  if (dice->Chance(0.15)) plan->answers["UPDATE"] = dice->Of(kRefusals);
  if (dice->Chance(0.03)) plan->answers["INFO"] = 481;
  if (dice->Chance(0.03)) plan->answers["INFO"] = 0;
  if (dice->Chance(0.03)) plan->answers["BYE"] = 0;
  plan->timer = dice->Chance(0.7);
  plan->updates = dice->Chance(0.6);
  plan->refreshes = dice->Chance(0.9);
  plan->session_expires = dice->Chance(0.3) ? 85 + static_cast<uint32_t>(dice->Below(300)) : 0;
  constexpr const char* kRefreshers[] = {"", "uac", "uas"};
  plan->refresher = dice->Of(kRefreshers);
}

SimPlan CalleePlan(Dice* dice) {
  SimPlan plan;
  AddAnswers(dice, &plan);
  plan.silent = dice->Chance(0.05);
  const size_t forks = dice->Chance(0.2) ? 1 + dice->Below(5) : 1;
  if (dice->Chance(0.7)) plan.script.push_back({.after = dice->Within(200ms), .status = 100});
  const bool hushed = dice->Chance(0.03);  // Never more than this.
  plan.silent |= hushed && plan.script.empty();
  if (hushed) return plan;
  constexpr int kProvisionals[] = {180, 180, 183, 181, 199};
  for (size_t i = dice->Below(4); i > 0; --i) {
    plan.script.push_back({.after = dice->Within(3s),
                           .status = dice->Of(kProvisionals),
                           .fork = dice->Below(forks),
                           .reliable = dice->Chance(0.3),
                           .body = MaybeSdp(dice)});
  }
  if (!plan.script.empty() && dice->Chance(0.04)) return plan;  // Rings for ever.
  if (dice->Chance(0.25)) {
    constexpr int kFinals[] = {302, 401, 404, 407, 408, 422, 480,
                               486, 487, 500, 503, 504, 600, 603};
    plan.script.push_back({.after = dice->Within(5s), .status = dice->Of(kFinals)});
    return plan;
  }
  plan.script.push_back({.after = dice->Within(5s),
                         .status = dice->Chance(0.95) ? 200 : 202,
                         .fork = dice->Below(forks),
                         .body = kSdp});
  if (forks > 1 && dice->Chance(0.4)) {
    plan.script.push_back(
        {.after = dice->Within(1s), .status = 200, .fork = dice->Below(forks), .body = kSdp});
  }
  AddTalk(dice, &plan);
  if (dice->Chance(0.4)) plan.confirmed.push_back({.after = dice->Within(100s), .method = "BYE"});
  plan.confirmed.push_back({.after = 1800s, .method = "BYE", .fields = kFallback});
  return plan;
}

SimPlan CallerPlan(Dice* dice, bool to_trunk, size_t index) {
  SimPlan plan;
  AddAnswers(dice, &plan);
  char digits[8];
  std::snprintf(digits, sizeof(digits), "%04zu", index);
  plan.caller = to_trunk ? "+16185558387" : "+18155558245";
  plan.number = std::string(to_trunk ? "+1815555" : "+1618555") + digits;
  plan.supports_100rel = dice->Chance(0.5);
  plan.requires_100rel = dice->Chance(0.1);
  plan.prack = dice->Chance(0.95);
  if (dice->Chance(0.2)) plan.body.clear();
  plan.ack = dice->Chance(0.96);
  if (dice->Chance(0.2)) plan.ack_delay = dice->Within(1500ms);
  if (dice->Chance(0.25)) {
    plan.script.push_back(
        {.after = dice->Within(7s), .method = "CANCEL", .rude = dice->Chance(0.3)});
  }
  if (dice->Chance(0.05)) {  // A BYE in the early dialog, or before the ACK.
    plan.script.push_back({.after = dice->Within(5s), .method = "BYE", .rude = true});
  }
  AddTalk(dice, &plan);
  plan.confirmed.push_back({.after = dice->Within(400s), .method = "BYE"});
  // Who never acknowledged, or never heard the BYE, has had enough some day.
  plan.script.push_back(
      {.after = 3600s, .method = "BYE", .fork = SimStep::kConfirmed, .fields = kFallback});
  return plan;
}

SimUserAgent::Options Agent(const char* address, const char* name, bool connector) {
  SimUserAgent::Options options;
  options.address = address;
  options.sbc = connector ? "127.0.0.3:5060" : "127.0.0.2:5060";
  options.name = name;
  options.connector = connector;
  return options;
}

constexpr char kYaml[] = R"(
limits: {calls: 200}
listeners:
  - {side: customer, address: 127.0.0.2, port: 5060}
  - {side: trunk, address: 127.0.0.3, port: 5060}
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    trunk: {host: trunk.test, cidrs: [127.0.0.9/32]}
    termination: {CpsLimit: 0, CallingRegions: [US], CidrAllowedList: [127.0.0.4/30]}
    origination:
      Routes:
        - {Host: 127.0.0.4, Priority: 1, Weight: 3}
        - {Host: 127.0.0.5, Priority: 1, Weight: 1}
        - {Host: 127.0.0.6, Priority: 2, Weight: 1}
failover: {options_interval: 0s}
sip: {session_expires: 200s}
)";

/// One seed: the world, what happens in it, and what must be true at its end.
class SimulatedHour {
 public:
  explicit SimulatedHour(uint64_t seed)
      : dice_(seed),
        network_(seed),
        simulation_(&network_),
        one_(Agent("127.0.0.4:5060", "pbxone", false), &network_, &simulation_),
        two_(Agent("127.0.0.5:5060", "pbxtwo", false), &network_, &simulation_),
        three_(Agent("127.0.0.6:5060", "pbxthree", false), &network_, &simulation_),
        trunk_(Agent("127.0.0.9:5060", "trunk", true), &network_, &simulation_) {
    SbcWorld::Options options;
    options.workers = dice_.Chance(0.3) ? 4 : 1;
    yaml_ = std::string(kYaml) + "node: {name: sim, workers: " + std::to_string(options.workers) +
            "}\n";
    options.yaml = yaml_;
    options.seed = seed;
    world_ = std::make_unique<SbcWorld>(options, &network_, &simulation_);
    core::Endpoint trunk;
    CHECK(core::Endpoint::Parse("127.0.0.9:5060", &trunk));
    world_->SetAddresses("trunk.test", {trunk});
    for (SimUserAgent* agent : agents_) {
      agent->set_planner([this](const SimMessage&) { return CalleePlan(&dice_); });
    }
  }

  /// What went wrong, or nothing.
  std::string Run() {
    simulation_.RunFor(1ms);
    SetWeather();
    const size_t count = 3 + dice_.Below(14);
    for (size_t i = 0; i < count; ++i) {
      simulation_.RunFor(dice_.Within(8s));
      if (dice_.Chance(0.15)) ChangeLife();
      const bool to_trunk = dice_.Chance(0.5);
      SimUserAgent* caller = to_trunk ? agents_[dice_.Below(3)] : &trunk_;
      if (dice_.Chance(0.02)) world_->Reload(yaml_);
      caller->Place(CallerPlan(&dice_, to_trunk, i));
    }
    if (dice_.Chance(0.05)) world_->PostAll(sbc::EnvelopeKind::kStop);
    simulation_.RunFor(60s);
    for (SimUserAgent* agent : agents_) {
      agent->set_dead(false);
      network_.SetUnreachable(agent->local().ip, false);
      network_.SetPartition(agent->local().ip, SbcOf(*agent), false);
    }
    const bool idle = simulation_.RunUntilIdle(simulation_.now() + 10h);
    simulation_.RunFor(1s);
    if (!idle) Complain("something goes on for ever");
    CheckHeld();
    CheckCallers();
    CheckCallees();
    const std::string leak = FindLeak({&one_, &two_, &three_}, trunk_);
    if (!leak.empty()) Complain(leak);
    return complaint_;
  }

  void AddTo(SimCoverage* coverage) {
    coverage->CountHour(*world_, network_, {&one_, &two_, &three_, &trunk_});
  }
  void Trace() { PrintTrace({&one_, &two_, &three_, &trunk_}); }

 private:
  void Complain(const std::string& what) { complaint_ += "  " + what + "\n"; }

  void SetWeather() {
    SimLink link;
    link.delay = 1ms + dice_.Within(dice_.Chance(0.8) ? 50ms : 600ms);
    if (dice_.Chance(0.6)) {
      calm_ = false;
      link.loss = dice_.Chance(0.5) ? 0.05 : 0.01 * static_cast<double>(dice_.Below(31));
      link.duplicate = 0.01 * static_cast<double>(dice_.Below(20));
      link.reorder = 0.01 * static_cast<double>(dice_.Below(30));
      link.jitter = dice_.Within(100ms);
    }
    network_.SetDefaultLink(link);
  }

  // A PBX or the trunk dies, with an ICMP error or in silence, or is cut off, or comes back.
  void ChangeLife() {
    calm_ = false;
    SimUserAgent* agent = agents_[dice_.Below(4)];
    const bool dead = dice_.Chance(0.5);
    const core::IpAddress sbc = SbcOf(*agent);
    const size_t way = dice_.Below(4);
    if (way < 2) {
      agent->set_dead(dead);
    } else if (way == 2) {
      network_.SetPartition(agent->local().ip, sbc, dead);
    } else {
      network_.SetUnreachable(agent->local().ip, dead);
      cut_off_.insert(agent->local().ip);
    }
    if (!dead) return;
    simulation_.RunFor(dice_.Within(5s));
    if (dice_.Chance(0.5)) network_.SetUnreachable(agent->local().ip, false);
    if (dice_.Chance(0.5)) network_.SetPartition(agent->local().ip, sbc, false);
  }

  core::IpAddress SbcOf(const SimUserAgent& agent) const {
    return core::IpAddress::FromV4(&agent == &trunk_ ? 0x7f000003 : 0x7f000002);
  }

  void CheckHeld() {
    if (world_->calls() != 0) Complain(std::to_string(world_->calls()) + " calls held");
    if (world_->transactions() != 0) {
      Complain(std::to_string(world_->transactions()) + " transactions held");
    }
    if (world_->packets() != 0) Complain(std::to_string(world_->packets()) + " packets held");
    if (world_->timers() != 0) Complain(std::to_string(world_->timers()) + " timers armed");
    for (size_t i = 0; i < world_->workers(); ++i) {
      if (world_->worker(i).policies() != 1) Complain("an old policy is held");
    }
  }

  void CheckCallers() {
    std::map<std::string, size_t> records;
    for (const sbc::CallRecord& record : world_->records()) {
      ++records[std::string(record.caller_call_id.view())];
    }
    for (const SimUserAgent* agent : agents_) {
      for (size_t i = 0; i < agent->calls(); ++i) {
        const SimCall& call = agent->call(i);
        if (!call.caller) continue;
        const size_t found = records[call.call_id];
        records.erase(call.call_id);
        if (found > 1) Complain(call.call_id + " has " + std::to_string(found) + " records");
        // One that asked for too short a session is told to ask again, and is no call yet.
        if (found == 0 && !call.statuses.empty() && call.final_status != 422) {
          Complain(call.call_id + " has no record");
        }
        if (calm_ && call.final_status == 0) Complain(call.call_id + " never ended");
        size_t answered = 0;
        for (const SimDialog& dialog : call.dialogs) answered += dialog.answered ? 1u : 0u;
        if (answered > 1) Complain(call.call_id + " was answered more than once");
      }
    }
    for (const auto& [call_id, count] : records) Complain("a record of no call: " + call_id);
  }

  void CheckCallees() {
    std::map<std::string, size_t> kept;  // By the number called, which each call has for itself.
    for (SimUserAgent* agent : agents_) {
      for (size_t i = 0; i < agent->calls(); ++i) {
        const SimCall& call = agent->call(i);
        for (const SimDialog& dialog : call.dialogs) {
          if (dialog.state == SimDialog::State::kConfirmed) {
            Complain(agent->name() + " is left in " + call.call_id);
          }
          if (calm_ && dialog.bye_fields == kFallback) {
            Complain(call.call_id + " had to be hung up by hand");
          }
          if (!dialog.answered || call.caller) continue;
          // One that was let go at once was not the one that was bridged.
          const auto end = dialog.bye_received ? dialog.bye_received_at : dialog.ended_at;
          const bool let_go = end - dialog.answered_at < 80s;
          // A BYE that the network refused with an ICMP error is not sent again (§8.1.3.1): then it
          // is the peer's session timer that ends its dialog.
          const bool cut_off = cut_off_.contains(agent->local().ip);
          kept[call.remote + call.local] += let_go || cut_off ? 0u : 1u;
          // The ACK of a delayed offer waits for the caller's, which some never send.
          const bool waits = call.invite.body.empty() && dialog.bye_sent;
          if (calm_ && !dialog.acked && !waits) {
            Complain(call.call_id + ": a 2xx was never acknowledged");
          }
          if (calm_ && !dialog.bye_received && !dialog.bye_sent) {
            Complain(call.call_id + ": an answered dialog without a BYE");
          }
        }
      }
    }
    for (const auto& [number, count] : kept) {
      if (count > 1) Complain(number + " has " + std::to_string(count) + " bridged dialogs");
    }
  }

  Dice dice_;
  SimNetwork network_;
  Simulation simulation_;
  SimUserAgent one_;
  SimUserAgent two_;
  SimUserAgent three_;
  SimUserAgent trunk_;
  SimUserAgent* agents_[4] = {&one_, &two_, &three_, &trunk_};
  std::unique_ptr<SbcWorld> world_;
  std::set<core::IpAddress> cut_off_;
  std::string yaml_;
  std::string complaint_;
  bool calm_ = true;  // Nothing is lost and nobody dies: then no peer need end what we forgot.
};

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
  }
}

}  // namespace
}  // namespace tests

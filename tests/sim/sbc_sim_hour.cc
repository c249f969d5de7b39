#include "tests/sim/sbc_sim_hour.h"

#include <array>

namespace tests {

using namespace std::chrono_literals;
using core::Endpoint;

namespace {

constexpr uint64_t kTraits = 0x7261697473;  // Apart from the seed of the plans.
constexpr size_t kReloadsMax = 4;           // The control thread waits for old ones to be done.

Endpoint At(const char* text) {
  Endpoint endpoint;
  CHECK(Endpoint::Parse(text, &endpoint));
  return endpoint;
}

SimUserAgent::Options Agent(const char* address, const char* name, bool connector) {
  SimUserAgent::Options options;
  options.address = address;
  options.sbc = connector           ? "127.0.0.3:5060"
                : address[0] == '[' ? "[fd00::2]:5060"
                                    : "127.0.0.2:5060";
  options.name = name;
  options.connector = connector;
  return options;
}

}  // namespace

SimulatedHour::SimulatedHour(uint64_t seed)
    : dice_(seed),
      trait_dice_(seed ^ kTraits),
      traits_(SimTraits::Draw(&trait_dice_)),
      in_force_(traits_),
      network_(seed),
      simulation_(&network_),
      one_(Agent("127.0.0.4:5060", "pbxone", false), &network_, &simulation_),
      two_(Agent("127.0.0.5:5060", "pbxtwo", false), &network_, &simulation_),
      three_(Agent(traits_.ipv6 ? "[fd00::6]:5060" : "127.0.0.6:5060", "pbxthree", false),
             &network_, &simulation_),
      trunk_(Agent("127.0.0.9:5060", "trunk", true), &network_, &simulation_),
      phone_(Agent("127.0.0.8:5060", "phonefour", false), &network_, &simulation_),
      judge_("aws", std::array<uint8_t, 32>{1, 2, 3}, 10h) {
  SbcWorld::Options options;
  options.workers = traits_.workers;
  options.yaml = traits_.Yaml();
  options.seed = seed;
  world_ = std::make_unique<SbcWorld>(options, &network_, &simulation_);
  world_->SetAddresses("trunk.test", {At("127.0.0.9:5060")});
  world_->SetAddresses("pbx.test", {At("127.0.0.4:5060")});
  for (SimUserAgent* agent : agents_) {
    agent->set_planner([this, agent](const SimMessage& invite) {
      if (invite.Has("Replaces")) GiveUpReplaced(agent, invite);
      return Answering(*agent, invite);
    });
    agent->set_on_refer(
        [this, agent](size_t call, const SimMessage& refer) { OnRefer(agent, call, refer); });
  }
}

void SimulatedHour::AddTo(SimCoverage* coverage) {
  coverage->CountHour(*world_, network_, {&one_, &two_, &three_, &trunk_, &phone_});
  coverage->Count("reload during calls", reloads_);
  coverage->Count("drain during calls", draining_ ? 1 : 0);
  coverage->Count("challenge answered", challenges_);
  coverage->Count("addresses that change during calls", addresses_changed_);
  coverage->Count("conversation compared", compared_);
  coverage->Count("RTP lost, and told", media_lost_);
  for (const auto& [what, times] : changes_) coverage->Count(what.c_str(), times);
  if (traits_.ipv6) coverage->CountIpv6(three_);
  if (traits_.folds) coverage->CountFolded({&one_, &two_, &three_});
}

std::string SimulatedHour::Run() {
  simulation_.RunFor(1ms);
  SetWeather();
  if (traits_.media) SetMediaWeather();
  const size_t count = 3 + dice_.Below(14);
  for (size_t i = 0; i < count; ++i) {
    simulation_.RunFor(dice_.Within(8s));
    if (dice_.Chance(0.15)) ChangeLife();
    if (traits_.names && trait_dice_.Chance(0.4)) ChangeAddresses();
    if (traits_.reloads && trait_dice_.Chance(0.3)) Reload();
    if (traits_.drains && trait_dice_.Chance(0.1)) Drain();
    if (traits_.transfers && trait_dice_.Chance(0.5)) Transfer();
    if (traits_.transfers && trait_dice_.Chance(0.3)) TakeOver();
    if (traits_.media && trait_dice_.Chance(0.3)) Converse();
    const bool to_trunk = dice_.Chance(0.5);
    SimUserAgent* caller = to_trunk ? agents_[dice_.Below(3)] : &trunk_;
    Place(caller, CallerPlan(&dice_, to_trunk, placed_++));
  }
  if (dice_.Chance(0.05)) {
    stopped_ = true;
    world_->PostAll(sbc::EnvelopeKind::kStop);
  }
  simulation_.RunFor(60s);
  for (SimUserAgent* agent : agents_) {
    agent->set_dead(false);
    network_.SetUnreachable(agent->local().ip, false);
    network_.SetPartition(agent->local().ip, agent->sbc().ip, false);
  }
  const bool idle = simulation_.RunUntilIdle(simulation_.now() + 10h);
  simulation_.RunFor(1s);
  if (!idle) Complain("something goes on for ever");
  CheckHeld();
  CheckCallers();
  CheckCallees();
  CheckMedia();
  const std::string leak = FindLeak({&one_, &two_, &three_, &phone_}, trunk_);
  if (!leak.empty()) Complain(leak);
  return complaint_;
}

void SimulatedHour::Place(SimUserAgent* caller, SimPlan plan) {
  const bool with_video = !plan.body.empty() && traits_.media && trait_dice_.Chance(0.3);
  GiveOwnSdp(*caller, &plan, with_video);
  caller->Place(std::move(plan));
}

// What a callee does. A trunk that wants to know who calls asks before anything else.
SimPlan SimulatedHour::Answering(const SimUserAgent& callee, const SimMessage& invite) {
  SimPlan plan;
  if (!JoinConversation(callee, invite, &plan)) plan = CalleePlan(&dice_);
  GiveOwnSdp(callee, &plan, invite.body.find("m=video ") != std::string::npos);
  if (&callee != &trunk_ || !traits_.digest) return plan;
  const std::string value = invite.Get("Proxy-Authorization");
  core::sip::DigestCredentials credentials;
  if (!value.empty() &&
      core::sip::ParseDigestCredentials(value, &credentials) == core::sip::ParseError::kOk &&
      judge_.Verify(credentials, {.method = "INVITE", .uri = invite.uri(), .body = invite.body},
                    "p", "", simulation_.now()) == core::sip::DigestServer::Outcome::kAccepted) {
    ++challenges_;
    return plan;
  }
  if (!value.empty()) Complain(invite.call_id() + " has credentials that prove nothing");
  char bytes[1024];
  core::sip::TextWriter challenge({bytes, sizeof(bytes)});
  judge_.WriteChallenge(core::sip::DigestAlgorithm::kSha256, false, "", simulation_.now(),
                        &challenge);
  plan.script = {{.after = 10ms,
                  .status = 407,
                  .fields = "Proxy-Authenticate: " + std::string(challenge.text()) + "\r\n"}};
  return plan;
}

void SimulatedHour::SetWeather() {
  SimLink link;
  link.delay = 1ms + dice_.Within(dice_.Chance(0.8) ? 50ms : 600ms);
  if (dice_.Chance(0.6)) {
    calm_ = false;
    link.loss = dice_.Chance(0.5) ? 0.05 : 0.01 * static_cast<double>(dice_.Below(31));
    link.duplicate = 0.01 * static_cast<double>(dice_.Below(20));
    link.reorder = 0.01 * static_cast<double>(dice_.Below(30));
    link.jitter = dice_.Within(100ms);
    reorders_ = link.reorder > 0;
  }
  network_.SetDefaultLink(link);
}

// A PBX or the trunk dies, with an ICMP error or in silence, or is cut off, or comes back.
void SimulatedHour::ChangeLife() {
  calm_ = false;
  SimUserAgent* agent = agents_[dice_.Below(4)];
  const bool dead = dice_.Chance(0.5);
  const core::IpAddress sbc = agent->sbc().ip;
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

// DNS answers anew: other addresses, another order, one that nobody lives at, or none at all.
void SimulatedHour::ChangeAddresses() {
  if (world_->calls() > 0) ++addresses_changed_;
  const std::vector<Endpoint> kPbx[] = {{At("127.0.0.4:5060")},
                                        {At("127.0.0.5:5060"), At("127.0.0.4:5060")},
                                        {At("127.0.0.6:5060")},
                                        {}};
  const std::vector<Endpoint> kTrunk[] = {{At("127.0.0.9:5060")},
                                          {At("127.0.0.10:5060"), At("127.0.0.9:5060")},
                                          {At("127.0.0.9:5060"), At("127.0.0.10:5060")},
                                          {At("127.0.0.10:5060")}};
  if (trait_dice_.Chance(0.5)) {
    world_->SetAddresses("pbx.test", kPbx[trait_dice_.Below(4)]);
  } else {
    world_->SetAddresses("trunk.test", kTrunk[trait_dice_.Below(4)]);
  }
}

// Another configuration: calls keep the one that they began with.
void SimulatedHour::Reload() {
  if (reloads_ == kReloadsMax) return;
  ++reloads_;
  SimTraits other = traits_;
  if (trait_dice_.Chance(0.5)) other.transfers = trait_dice_.Chance(0.5);
  other.folds = trait_dice_.Chance(0.5);
  if (trait_dice_.Chance(0.5)) other.video = !other.video;
  if (trait_dice_.Chance(0.5)) other.digits = !other.digits;
  in_force_ = other;
  world_->Reload(other.Yaml());
}

void SimulatedHour::Drain() {
  draining_ = true;
  world_->PostAll(sbc::EnvelopeKind::kDrain);
}

}  // namespace tests

#include "tests/sim/sbc_sim_plans.h"

#include <cstdio>

namespace tests {

using namespace std::chrono_literals;

namespace {

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

}  // namespace

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

}  // namespace tests

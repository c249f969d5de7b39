#include "tests/sim/sbc_sim_traits.h"

namespace tests {
namespace {

// A PBX that is in the reach by its route's name alone is out of it when the name changes, and its
// calls with it (DESIGN.md, section 4). So all PBXs are in the CIDRs.
constexpr bool kReachedByNameAlone = true;

constexpr char kListeners[] = R"(
limits: {calls: 200}
listeners:
  - {side: customer, address: 127.0.0.2, port: 5060}
  - {side: trunk, address: 127.0.0.3, port: 5060}
)";

}  // namespace

SimTraits SimTraits::Draw(Dice* dice) {
  SimTraits traits;
  traits.workers = dice->Chance(0.3) ? 4 : 1;
  traits.names = dice->Chance(0.3);
  traits.folds = dice->Chance(0.2);
  traits.transfers = dice->Chance(0.3);
  traits.digest = dice->Chance(0.2);
  traits.drains = dice->Chance(0.1);
  traits.reloads = dice->Chance(0.2);
  traits.ipv6 = dice->Chance(0.2);
  traits.media = dice->Chance(traits.ipv6 ? 0.6 : 0.3);
  traits.video = dice->Chance(0.5);
  traits.digits = dice->Chance(0.5);
  traits.few_ports = dice->Chance(0.3);
  traits.nat = dice->Chance(0.4);
  return traits;
}

std::string SimTraits::Yaml() const {
  std::string yaml = kListeners;
  if (ipv6) yaml += "  - {side: customer, address: \"fd00::2\", port: 5060}\n";
  const std::string v4 = kReachedByNameAlone && names ? "127.0.0.4/31" : "127.0.0.4/30";
  yaml +=
      "connectors:\n  - id: dr3rbaar376u5r4ntcnlq4\n"
      "    trunk: {host: trunk.test, cidrs: [127.0.0.9/32]}\n"
      "    termination: {CpsLimit: 0, CallingRegions: [US], CidrAllowedList: [" +
      v4 + "]}\n";
  if (ipv6 || nat) {
    yaml += "    customers: [{cidrs: [" + v4 + (ipv6 ? ", \"fd00::6/128\"]}" : "]}");
    yaml += nat ? ", {cidrs: [127.0.0.8/32], nat: true}]\n" : "]\n";
  }
  if (media && video) yaml += "    video: relay\n";
  if (media && digits) yaml += "    dtmf: info\n";
  if (digest) yaml += "    credentials: {username: u, password: p}\n";
  yaml += "    origination:\n      Routes:\n        - {Host: ";
  yaml += names ? "pbx.test" : "127.0.0.4";
  yaml += ", Priority: 1, Weight: 3}\n        - {Host: 127.0.0.5, Priority: 1, Weight: 1}\n";
  yaml += "        - {Host: ";
  yaml += ipv6 ? "\"[fd00::6]\"" : "127.0.0.6";
  yaml += ", Priority: 2, Weight: 1}\nfailover: {options_interval: 0s}\n";
  yaml += "sip: {session_expires: 200s, fold_early_dialogs: {customer: ";
  yaml += folds ? "true}}\n" : "false}}\n";
  if (media) {
    yaml += "media:\n  - {side: customer, address: 127.0.0.2, ports: ";
    yaml += few_ports ? "20000-20015}\n" : "20000-20079}\n";
    yaml += "  - {side: trunk, address: 127.0.0.3, ports: 30000-30039}\n";
    if (ipv6) yaml += "  - {side: customer, address: \"fd00::2\", ports: 20000-20079}\n";
  }
  if (transfers) yaml += "transfer: pass\n";
  return yaml + "node: {name: sim, workers: " + std::to_string(workers) + "}\n";
}

}  // namespace tests

// What must be true at the end of each hour, whatever happened in it.

#include <map>
#include <string>

#include "tests/sim/sbc_sim_hour.h"

namespace tests {

using namespace std::chrono_literals;

void SimulatedHour::CheckHeld() {
  if (world_->calls() != 0) Complain(std::to_string(world_->calls()) + " calls held");
  if (world_->transactions() != 0) {
    Complain(std::to_string(world_->transactions()) + " transactions held");
  }
  if (world_->packets() != 0) Complain(std::to_string(world_->packets()) + " packets held");
  if (world_->timers() != 0) Complain(std::to_string(world_->timers()) + " timers armed");
  for (size_t i = 0; i < world_->workers(); ++i) {
    if (world_->worker(i).policies() != 1) Complain("an old policy is held");
    const sbc::MediaRelay& media = world_->worker(i).media();
    const size_t ports =
        media.ports_used(sbc::Side::kCustomer) + media.ports_used(sbc::Side::kTrunk);
    if (ports != 0) Complain(std::to_string(ports) + " media ports held");
    if (media.streams() != 0) Complain(std::to_string(media.streams()) + " streams held");
  }
  const size_t drained = draining_ || stopped_ ? world_->workers() : 0;
  if (world_->drained() != drained) {
    Complain(std::to_string(world_->drained()) + " workers said that they are drained");
  }
}

void SimulatedHour::CheckCallers() {
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
      if (found == 0 && !call.statuses.empty()) {
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

void SimulatedHour::CheckCallees() {
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

}  // namespace tests

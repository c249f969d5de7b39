#include "tests/sim/sbc_sim_coverage.h"

#include <algorithm>
#include <set>

#include "tests/sim/sbc_sim_sdp.h"

namespace tests {
namespace {

// A usual run is 300 seeds and some 3000 calls. The least is two fifths of what such a run gave
// when this was written: a way that is gone so seldom has rotted, or nearly.
struct Way {
  const char* name;
  uint64_t least;
};

constexpr Way kWays[] = {
    {"end: refused", 8},
    {"end: failed", 290},
    {"end: cancelled", 190},
    {"end: caller hung up", 250},
    {"end: callee hung up", 180},
    {"end: session expired", 20},
    {"end: no ACK", 20},
    {"end: peer lost", 30},
    {"end: stopped", 15},
    {"CANCEL before any provisional", 8},
    {"CANCEL that crossed a 2xx", 12},
    {"CANCEL that the SBC sent", 290},
    {"a second 2xx of one INVITE, ended", 20},
    {"BYE in an early dialog", 20},
    {"several early dialogs at a caller", 70},
    {"delayed offer", 100},
    {"PRACK across", 230},
    {"PRACK that ends at the SBC", 120},
    {"491 from the SBC", 30},
    {"500 with Retry-After from the SBC", 2},
    {"422 from the SBC", 5},
    {"422 to the SBC", 12},
    {"481 from the SBC", 120},
    {"403 to REFER", 170},
    {"re-INVITE across", 470},
    {"UPDATE across", 120},
    {"failover", 100},
    {"a route that said nothing", 130},
    {"a route with an ICMP error", 10},
    {"refresh by the SBC", 490},
    {"orphan 2xx", 50},
    {"glare", 20},
    {"merged or repeated request", 1490},
    {"handed over to another worker", 3650},
    {"reload during calls", 65},
    {"drain during calls", 7},
    {"challenge answered", 90},
    {"addresses that change during calls", 125},
    {"call by IPv6", 16},
    {"folded early dialog", 130},
    {"REFER across", 80},
    {"REFER that names a call across", 19},
    {"NOTIFY of a REFER across", 70},
    {"INVITE with Replaces across", 54},
    {"CANCEL of an INVITE with Replaces", 5},
    {"503 while draining", 75},
    {"conversation compared", 84},
    {"conversation with a delayed offer", 22},
    {"conversation held", 15},
    {"conversation moved", 13},
    {"conversation moved, both ends", 18},
    {"conversation offered anew by who was asked", 23},
    {"video offered by who says nothing", 113},
    {"fax answered with voice", 1},
    {"video agreed on", 18},
    {"video refused by the SBC", 32},
    {"video refused by who was asked", 4},
    {"video without ports", 3},
    {"video begun in the middle", 2},
    {"video ended in the middle", 6},
    {"pictures across", 711},
    {"requests for pictures across", 342},
    {"fax in the voice's place", 12},
    {"fax on a line of its own", 10},
    {"fax refused", 7},
    {"fax that became voice again", 18},
    {"UDPTL across", 556},
    {"digit by INFO played", 242},
    {"digit by INFO refused, no voice", 24},
    {"digit by INFO refused, no event", 84},
    {"digit of RFC 4733 told by INFO", 148},
    {"key of RFC 4733 across", 776},
    {"jitter compared", 108},
    {"RTP lost, and told", 1400},
    {"reordered packets compared", 91},
    {"offer by UPDATE", 58},
    {"offer by early UPDATE", 12},
    {"offer by PRACK", 10},
    {"answer by PRACK", 2},
    {"conversation before the answer", 19},
    {"codec changed", 11},
    {"conversation between IPv6 and IPv4", 6},
    {"conversation from behind a NAT", 10},
    {"NAT bound anew", 6},
    {"conversation held in silence", 3},
    {"SSRC changed", 32},
    {"payload switched", 19},
    {"packet of a wrong type refused", 278},
    {"packet from elsewhere refused", 254},
    {"late packet", 5534},
    {"digit counted", 224},
    {"opinion of a listener compared", 97},
    {"opinion of a conversation compared", 60},
    {"round trip compared", 111},
    {"duration compared", 8},
    {"lost", 1910},
    {"duplicated", 1680},
    {"reordered", 2620},
    {"parted", 350},
    {"unreachable", 650},
};

const char* NameOf(sbc::CallEnd end) {
  switch (end) {
    case sbc::CallEnd::kRefused:
      return "end: refused";
    case sbc::CallEnd::kFailed:
      return "end: failed";
    case sbc::CallEnd::kCanceled:
      return "end: cancelled";
    case sbc::CallEnd::kCallerHungUp:
      return "end: caller hung up";
    case sbc::CallEnd::kCalleeHungUp:
      return "end: callee hung up";
    case sbc::CallEnd::kSessionExpired:
      return "end: session expired";
    case sbc::CallEnd::kNoAck:
      return "end: no ACK";
    case sbc::CallEnd::kPeerLost:
      return "end: peer lost";
    case sbc::CallEnd::kUnusableSdp:
      return "end: unusable SDP";
    case sbc::CallEnd::kMediaTimeout:
      return "end: media timeout";
    case sbc::CallEnd::kStopped:
      return "end: stopped";
  }
  return "";
}

std::string HeadOf(const std::string& text) { return text.substr(0, text.find("\r\n\r\n")); }

// Call-IDs, tags and branches that the SBC made for this peer.
void AddIdentifiers(const SimUserAgent& peer, std::set<std::string>* identifiers) {
  for (const SimUserAgent::Entry& entry : peer.log()) {
    SimMessage message;
    if (entry.sent || !SimMessage::Parse(entry.text, &message)) continue;
    for (const std::string& each :
         {message.call_id(), message.Tag("From"), message.Tag("To"), message.Branch()}) {
      if (!each.empty()) identifiers->insert(each);
    }
  }
}

std::string FindWord(const SimUserAgent& reader, const std::vector<const char*>& words) {
  for (const SimUserAgent::Entry& entry : reader.log()) {
    if (entry.sent) continue;
    std::string head = HeadOf(entry.text);
    // What the SBC says of itself names the trunk, as a kind: no name of anybody's.
    if (const size_t ours = head.find("Warning: 399 ringfence"); ours != std::string::npos) {
      head.erase(ours, head.find("\r\n", ours) - ours);
    }
    for (const char* word : words) {
      if (head.find(word) != std::string::npos) return word;
    }
  }
  return "";
}

}  // namespace

void SimCoverage::CountHour(SbcWorld& world, const SimNetwork& network,
                            const std::vector<const SimUserAgent*>& agents) {
  for (const SimUserAgent* agent : agents) {
    CountMessages(*agent);
    CountCalls(*agent);
  }
  for (const sbc::CallRecord& record : world.records()) CountRecord(record);
  for (size_t i = 0; i < world.workers(); ++i) {
    const sbc::WorkerSnapshot snapshot = world.worker(i).CurrentSnapshot();
    counts_["failover"] += snapshot.calls.failovers;
    counts_["refresh by the SBC"] += snapshot.calls.session_refreshes;
    counts_["orphan 2xx"] += snapshot.calls.orphan_answers;
    counts_["glare"] += snapshot.calls.glare;
    counts_["merged or repeated request"] +=
        snapshot.transactions.merged + snapshot.transactions.request_repeats;
    counts_["handed over to another worker"] += snapshot.worker.handed_over;
  }
  counts_["lost"] += network.counters().lost;
  counts_["duplicated"] += network.counters().duplicated;
  counts_["reordered"] += network.counters().reordered;
  counts_["parted"] += network.counters().parted;
  counts_["unreachable"] += network.counters().unreachable;
}

void SimCoverage::CountTransfer(const SimMessage& message, const std::string& method, int status) {
  if (status == 503 && method == "INVITE" && message.Has("Retry-After")) {
    ++counts_["503 while draining"];
  }
  if (!message.is_request()) return;
  if (method == "REFER") {
    ++counts_["REFER across"];
    if (message.Get("Refer-To").find("Replaces") != std::string::npos) {
      ++counts_["REFER that names a call across"];
    }
  }
  if (method == "NOTIFY" && message.Get("Event") == "refer") ++counts_["NOTIFY of a REFER across"];
  if (method == "INVITE" && message.Has("Replaces")) ++counts_["INVITE with Replaces across"];
}

void SimCoverage::CountIpv6(const SimUserAgent& agent) {
  for (size_t i = 0; i < agent.calls(); ++i) {
    if (agent.call(i).final_status == 200) ++counts_["call by IPv6"];
  }
}

void SimCoverage::CountFolded(const std::vector<const SimUserAgent*>& callers) {
  for (const SimUserAgent* agent : callers) {
    for (size_t i = 0; i < agent->calls(); ++i) {
      if (agent->call(i).caller && agent->call(i).provisional) ++counts_["folded early dialog"];
    }
  }
}

void SimCoverage::CountRecord(const sbc::CallRecord& record) {
  ++counts_[NameOf(record.end)];
  for (const auto& step : record.routes.steps) {
    if (step.event == sbc::RouteEvent::kNoAnswer) ++counts_["a route that said nothing"];
    if (step.event == sbc::RouteEvent::kTransportError) ++counts_["a route with an ICMP error"];
  }
}

void SimCoverage::CountMessages(const SimUserAgent& agent) {
  for (const SimUserAgent::Entry& entry : agent.log()) {
    SimMessage message;
    if (!SimMessage::Parse(entry.text, &message)) continue;
    const std::string method = message.method();
    const int status = message.status();
    if (entry.sent) {
      if (status == 422) ++counts_["422 to the SBC"];
      const bool is_silent = message.body.find(kNobodysMedia) != std::string::npos ||
                             message.body.find(kNobodysMedia6) != std::string::npos;
      if (method != "INVITE" || status != 0 || !is_silent) continue;
      if (message.body.find("m=video ") != std::string::npos) {
        ++counts_["video offered by who says nothing"];
      }
      if (message.body.find("m=image ") != std::string::npos) ++counts_["fax answered with voice"];
      continue;
    }
    const bool in_dialog = message.is_request() && !message.Tag("To").empty();
    if (status == 491) ++counts_["491 from the SBC"];
    if (status == 422) ++counts_["422 from the SBC"];
    if (status == 481) ++counts_["481 from the SBC"];
    if (status == 500 && message.Has("Retry-After")) {
      ++counts_["500 with Retry-After from the SBC"];
    }
    if (status == 403 && method == "REFER") ++counts_["403 to REFER"];
    if (message.is_request() && method == "CANCEL") ++counts_["CANCEL that the SBC sent"];
    if (message.is_request() && method == "PRACK") ++counts_["PRACK across"];
    CountTransfer(message, method, status);
    if (in_dialog && method == "INVITE") ++counts_["re-INVITE across"];
    if (in_dialog && method == "UPDATE" && !message.body.empty()) ++counts_["UPDATE across"];
    if (status == 200 && method == "PRACK" && !message.Has("Allow")) {
      ++counts_["PRACK that ends at the SBC"];  // The table's own answer has no Allow.
    }
  }
}

void SimCoverage::CountCalls(const SimUserAgent& agent) {
  for (size_t i = 0; i < agent.calls(); ++i) {
    const SimCall& call = agent.call(i);
    const auto answered = std::count_if(call.dialogs.begin(), call.dialogs.end(),
                                        [](const SimDialog& dialog) { return dialog.answered; });
    if (call.invite.body.empty() && answered > 0 && call.caller) ++counts_["delayed offer"];
    if (call.caller) {
      if (call.dialogs.size() > 1) ++counts_["several early dialogs at a caller"];
      if (call.cancelled && call.plan.fields.find("Replaces:") != std::string::npos) {
        ++counts_["CANCEL of an INVITE with Replaces"];
      }
      if (call.cancelled && !call.provisional) ++counts_["CANCEL before any provisional"];
      for (const SimDialog& dialog : call.dialogs) {
        if (dialog.bye_sent && !dialog.answered) ++counts_["BYE in an early dialog"];
      }
      continue;
    }
    if (answered > 1) ++counts_["a second 2xx of one INVITE, ended"];
    if (answered == 0) continue;
    for (const SimUserAgent::Entry& entry : agent.log()) {
      if (entry.sent || entry.text.compare(0, 7, "CANCEL ") != 0) continue;
      if (entry.text.find(call.invite.Branch()) == std::string::npos) continue;
      ++counts_["CANCEL that crossed a 2xx"];
      break;
    }
  }
}

std::string SimCoverage::Missing() const {
  std::string missing;
  for (const Way& way : kWays) {
    const auto found = counts_.find(way.name);
    const uint64_t count = found == counts_.end() ? 0 : found->second;
    if (count < way.least) {
      missing += std::string(way.name) + ": " + std::to_string(count) + ", not " +
                 std::to_string(way.least) + "\n";
    }
  }
  return missing;
}

std::string SimCoverage::Table() const {
  std::string table;
  for (const Way& way : kWays) {
    const auto found = counts_.find(way.name);
    table += "  " + std::string(way.name) + ": " +
             std::to_string(found == counts_.end() ? 0 : found->second) + "\n";
  }
  return table;
}

std::string FindLeak(const std::vector<const SimUserAgent*>& customers, const SimUserAgent& trunk) {
  // Each peer's name stands in all identifiers that it makes.
  const std::string inside = FindWord(
      trunk, {"pbxone", "pbxtwo", "pbxthree", "phonefour", "asterisk", "10.0.0.141", "127.0.0.2",
              "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.8", "192.168.", "fd00::"});
  if (!inside.empty()) return "the trunk was shown " + inside;
  std::set<std::string> theirs;
  AddIdentifiers(trunk, &theirs);
  for (const SimUserAgent* customer : customers) {
    const std::string outside =
        FindWord(*customer, {"trunk", "10.0.58.47", "c71.2ee3", "127.0.0.3", "127.0.0.9"});
    if (!outside.empty()) return customer->name() + " was shown " + outside;
    std::set<std::string> ours;
    AddIdentifiers(*customer, &ours);
    for (const std::string& each : ours) {
      if (theirs.contains(each)) return "both sides know " + each;
    }
  }
  return "";
}

}  // namespace tests

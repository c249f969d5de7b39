#include "sbc/control/metrics.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

#include "prometheus/text_serializer.h"
#include "sbc/control/media_metrics.h"
#include "sbc/control/metric_families.h"
#include "sbc/control/record_text.h"

namespace sbc {
namespace {

using Label = prometheus::ClientMetric::Label;

// One word of a snapshot, and what it is called.
struct Word {
  std::string_view label;
  uint64_t (*value)(const WorkerSnapshot&);
};

constexpr Word kSipEvents[] = {
    {"orphan_answer", [](const WorkerSnapshot& s) { return s.calls.orphan_answers; }},
    {"glare", [](const WorkerSnapshot& s) { return s.calls.glare; }},
    {"reinvite_timeout", [](const WorkerSnapshot& s) { return s.calls.invites_timed_out; }},
    {"early_dialog_shared", [](const WorkerSnapshot& s) { return s.calls.forks_shared; }},
    {"session_refresh", [](const WorkerSnapshot& s) { return s.calls.session_refreshes; }},
    {"session_expiry", [](const WorkerSnapshot& s) { return s.calls.session_expiries; }},
    {"no_dialog", [](const WorkerSnapshot& s) { return s.calls.no_dialog; }},
    {"method_refused", [](const WorkerSnapshot& s) { return s.calls.method_refused; }},
    {"loop", [](const WorkerSnapshot& s) { return s.calls.loops; }},
    {"unsupported", [](const WorkerSnapshot& s) { return s.calls.unsupported; }},
    {"challenged", [](const WorkerSnapshot& s) { return s.calls.challenged; }},
    {"unwritable", [](const WorkerSnapshot& s) { return s.calls.unwritable; }},
    {"off_route", [](const WorkerSnapshot& s) { return s.calls.off_route; }},
};

constexpr Word kTransactionEvents[] = {
    {"request", [](const WorkerSnapshot& s) { return s.transactions.requests; }},
    {"request_repeat", [](const WorkerSnapshot& s) { return s.transactions.request_repeats; }},
    {"response", [](const WorkerSnapshot& s) { return s.transactions.responses; }},
    {"stray_response", [](const WorkerSnapshot& s) { return s.transactions.stray_responses; }},
    {"cancel", [](const WorkerSnapshot& s) { return s.transactions.cancels; }},
    {"cancel_unmatched", [](const WorkerSnapshot& s) { return s.transactions.cancels_unmatched; }},
    {"merged", [](const WorkerSnapshot& s) { return s.transactions.merged; }},
    {"client_dry", [](const WorkerSnapshot& s) { return s.transactions.client_dry; }},
    {"server_dry", [](const WorkerSnapshot& s) { return s.transactions.server_dry; }},
    {"server_dry_answered",
     [](const WorkerSnapshot& s) { return s.transactions.server_dry_answered; }},
    {"store_dry", [](const WorkerSnapshot& s) { return s.transactions.store_dry; }},
    {"resent_request", [](const WorkerSnapshot& s) { return s.transactions.resent_requests; }},
    {"resent_response", [](const WorkerSnapshot& s) { return s.transactions.resent_responses; }},
    {"timeout", [](const WorkerSnapshot& s) { return s.transactions.timeouts; }},
    {"unacknowledged", [](const WorkerSnapshot& s) { return s.transactions.unacknowledged; }},
    {"send_failure", [](const WorkerSnapshot& s) { return s.transactions.send_failures; }},
};

constexpr Word kTransportEvents[] = {
    {"keep_alive", [](const WorkerSnapshot& s) { return s.transport.keep_alives; }},
    {"truncated", [](const WorkerSnapshot& s) { return s.transport.truncated; }},
    {"malformed_answered", [](const WorkerSnapshot& s) { return s.transport.malformed_answered; }},
    {"malformed_dropped", [](const WorkerSnapshot& s) { return s.transport.malformed_dropped; }},
    {"foreign_response", [](const WorkerSnapshot& s) { return s.transport.foreign_responses; }},
    {"stranger", [](const WorkerSnapshot& s) { return s.worker.strangers; }},
    {"dropped_invite", [](const WorkerSnapshot& s) { return s.worker.dropped_invites; }},
    {"filter_refused", [](const WorkerSnapshot& s) { return s.worker.filters_refused; }},
    {"rate_limited", [](const WorkerSnapshot& s) { return s.worker.rate_limited; }},
};

constexpr Word kMediaDrops[] = {
    {"stray", [](const WorkerSnapshot& s) { return s.media.strays; }},
    {"wrong_source", [](const WorkerSnapshot& s) { return s.media.wrong_source; }},
    {"malformed", [](const WorkerSnapshot& s) { return s.media.malformed; }},
    {"payload_type", [](const WorkerSnapshot& s) { return s.media.payload_types; }},
    {"unwanted", [](const WorkerSnapshot& s) { return s.media.unwanted; }},
};
constexpr Word kMediaEvents[] = {
    {"source_learnt", [](const WorkerSnapshot& s) { return s.media.learnt; }},
    {"ports_exhausted", [](const WorkerSnapshot& s) { return s.media.ports_exhausted; }},
    {"rest_cut_short", [](const WorkerSnapshot& s) { return s.media.rests_cut_short; }},
    {"video_without_ports", [](const WorkerSnapshot& s) { return s.media.video_without_ports; }},
    {"feedback_passed", [](const WorkerSnapshot& s) { return s.media.feedback_passed; }},
    {"feedback_ended", [](const WorkerSnapshot& s) { return s.media.feedback_ended; }},
    {"flow_conflict", [](const WorkerSnapshot& s) { return s.media.flow_conflicts; }},
    {"event_ended", [](const WorkerSnapshot& s) { return s.media.events_ended; }},
    {"timed_out", [](const WorkerSnapshot& s) { return s.calls.media_timeouts; }},
    {"description_refused", [](const WorkerSnapshot& s) { return s.calls.sdp_refused; }},
};
constexpr Word kDigits[] = {
    {"info_taken", [](const WorkerSnapshot& s) { return s.calls.digits_taken; }},
    {"info_refused", [](const WorkerSnapshot& s) { return s.calls.digits_refused; }},
    {"played", [](const WorkerSnapshot& s) { return s.media.digits.played; }},
    {"not_played", [](const WorkerSnapshot& s) { return s.media.digits.dropped; }},
    {"told", [](const WorkerSnapshot& s) { return s.calls.digits_told; }},
    {"telling_failed", [](const WorkerSnapshot& s) { return s.calls.digits_failed; }},
    {"not_told", [](const WorkerSnapshot& s) { return s.calls.digits_lost; }},
};
constexpr Word kIoEvents[] = {
    {"send_dropped", [](const WorkerSnapshot& s) { return s.io.send_dropped; }},
    {"send_error", [](const WorkerSnapshot& s) { return s.io.send_errors; }},
    {"starved", [](const WorkerSnapshot& s) { return s.io.starved; }},
    {"icmp_error", [](const WorkerSnapshot& s) { return s.io.icmp_errors; }},
    {"resent", [](const WorkerSnapshot& s) { return s.io.resent; }},
    {"filtered", [](const WorkerSnapshot& s) { return s.io.filtered; }},
    {"empty", [](const WorkerSnapshot& s) { return s.io.empty_datagrams; }},
    {"wall_clock_step", [](const WorkerSnapshot& s) { return s.io.wall_clock_steps; }},
};

constexpr Word kMailboxEvents[] = {
    {"handed_over", [](const WorkerSnapshot& s) { return s.worker.handed_over; }},
    {"full", [](const WorkerSnapshot& s) { return s.worker.mailbox_full; }},
    {"record_lost", [](const WorkerSnapshot& s) { return s.worker.records_lost; }},
    {"sip_message_lost", [](const WorkerSnapshot& s) { return s.worker.sip_messages_lost; }},
    {"media_record_lost", [](const WorkerSnapshot& s) { return s.worker.media_records_lost; }},
};

constexpr Word kProbeEvents[] = {
    {"sent", [](const WorkerSnapshot& s) { return s.health.probes; }},
    {"failed", [](const WorkerSnapshot& s) { return s.health.probe_failures; }},
    {"call_failed", [](const WorkerSnapshot& s) { return s.health.call_failures; }},
    {"went_down", [](const WorkerSnapshot& s) { return s.health.went_down; }},
    {"went_up", [](const WorkerSnapshot& s) { return s.health.went_up; }},
};

class Writer {
 public:
  explicit Writer(const MetricsSources& sources) : sources_(sources) {}

  std::string Write() {
    WriteNode();
    WriteCalls();
    WriteRecords();
    WriteRoutes();
    WriteTraffic();
    WriteMedia();
    WritePools();
    return out_.Write();
  }

 private:
  template <typename Value>
  uint64_t Sum(Value&& value) const {
    uint64_t sum = 0;
    for (const WorkerSnapshot& snapshot : sources_.workers) sum += value(snapshot);
    return sum;
  }

  void Events(std::string_view name, std::string_view help, std::span<const Word> words) {
    MetricFamilies::Family family = out_.Counter(name, help);
    for (const Word& word : words)
      family.Add(Sum(word.value), {{"event", std::string(word.label)}});
  }

  void WriteNode();
  void WriteCalls();
  void WriteRecords();
  void WriteRoutes();
  void WriteTraffic();
  void WriteMedia();
  void WritePools();

  const MetricsSources& sources_;
  MetricFamilies out_;
};

void Writer::WriteNode() {
  const ControlCounters& control = sources_.control;
  out_.Gauge("ringfence_info", "Which node this is.")
      .Add(1, {{"node", std::string(sources_.node)}});
  out_.Gauge("ringfence_workers", "Worker threads.").Add(sources_.workers.size());
  out_.Gauge("ringfence_ready", "1 while new calls are taken.").Add(control.ready);
  out_.Gauge("ringfence_draining", "1 from SIGTERM on.").Add(control.draining);
  out_.Counter("ringfence_reloads_total", "Configurations read again.")
      .Add(control.reloads, {{"result", "accepted"}})
      .Add(control.reloads_refused, {{"result", "refused"}});
  out_.Counter("ringfence_records_lost_total", "Records that could not be written.")
      .Add(control.call_lines_lost, {{"kind", "call_line"}})
      .Add(control.cdrs_lost, {{"kind", "cdr"}})
      .Add(control.media_lost, {{"kind", "media"}})
      .Add(control.sip_lost, {{"kind", "sip"}});
  out_.Gauge("ringfence_logs_not_reopened",
             "1 where the last SIGHUP could not open a log anew: it goes on in its file of before.")
      .Add(control.call_lines_behind, {{"kind", "call_line"}})
      .Add(control.cdrs_behind, {{"kind", "cdr"}})
      .Add(control.media_behind, {{"kind", "media"}})
      .Add(control.sip_behind, {{"kind", "sip"}});
  out_.Gauge("ringfence_hosts_unresolved", "Hosts of routes and trunks without an address.")
      .Add(control.hosts_unresolved);
  out_.Gauge("ringfence_hosts_stale", "Hosts that live on an answer past its TTL.")
      .Add(control.hosts_stale);
  out_.Counter("ringfence_dns_total", "DNS queries and what became of them.")
      .Add(control.dns.queries, {{"event", "query"}})
      .Add(control.dns.answers, {{"event", "answer"}})
      .Add(control.dns.failures, {{"event", "failure"}})
      .Add(control.dns.partial, {{"event", "partial"}})
      .Add(control.dns.gone_stale, {{"event", "gone_stale"}})
      .Add(control.dns.given_up, {{"event", "given_up"}});
}

void Writer::WriteCalls() {
  const auto sum = [this](uint64_t B2buaCounters::*counter) {
    return Sum([counter](const WorkerSnapshot& s) { return s.calls.*counter; });
  };
  out_.Gauge("ringfence_calls", "Calls now, from INVITE to BYE.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.calls_now; }));
  uint64_t calls_max = 0;
  for (const WorkerSnapshot& s : sources_.workers) calls_max = std::max(calls_max, s.calls_max);
  out_.Gauge("ringfence_calls_max", "Calls that there is room for.").Add(calls_max);
  out_.Counter("ringfence_invites_total", "New INVITEs, without retransmissions.")
      .Add(sum(&B2buaCounters::invites));
  out_.Counter("ringfence_calls_started_total", "Calls past every refusal.")
      .Add(sum(&B2buaCounters::calls_started));
  out_.Counter("ringfence_calls_answered_total", "Calls answered with a 2xx.")
      .Add(sum(&B2buaCounters::calls_answered));
  out_.Counter("ringfence_calls_emergency_total", "Calls to emergency numbers.")
      .Add(sum(&B2buaCounters::emergency_calls));
  out_.Counter("ringfence_attempts_total", "INVITEs sent towards routes and trunks.")
      .Add(sum(&B2buaCounters::attempts));
  out_.Counter("ringfence_failovers_total", "Attempts after a call's first.")
      .Add(sum(&B2buaCounters::failovers));
  MetricFamilies::Family refused =
      out_.Counter("ringfence_calls_refused_total", "New calls refused, by cause.");
  for (size_t i = 0; i < kRejectionCauseCount; ++i) {
    // Where no transaction was free, a call was refused before it could have a record.
    const bool overload = static_cast<RejectionCause>(i) == RejectionCause::kOverload;
    refused.Add(Sum([i, overload](const WorkerSnapshot& s) {
                  return s.calls.refused[i] + (overload ? s.transactions.server_dry_answered : 0);
                }),
                {{"cause", std::string(RejectionCauseName(static_cast<RejectionCause>(i)))}});
  }
  MetricFamilies::Family responses =
      out_.Counter("ringfence_final_responses_total", "Final responses to callers, by class.");
  for (size_t i = 2; i <= 6; ++i) {
    responses.Add(Sum([i](const WorkerSnapshot& s) { return s.calls.final_responses[i]; }),
                  {{"class", std::string(1, static_cast<char>('0' + i)) + "xx"}});
  }
}

prometheus::ClientMetric::Histogram ToPrometheus(const core::Histogram& us) {
  // Seconds. A call that failed over has waited for answer_timeout (4 s) at least once.
  constexpr double kBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                0.5,   1,      2.5,   5,    10,    20,   60,  180};
  constexpr double kMicroseconds = 1e6;
  prometheus::ClientMetric::Histogram histogram;
  histogram.sample_count = us.count();
  histogram.sample_sum = us.mean() * static_cast<double>(us.count()) / kMicroseconds;
  for (const double bound : kBounds) {
    const auto bound_us = std::llround(bound * kMicroseconds);
    histogram.bucket.push_back({us.CountUpTo(bound_us), bound});
  }
  return histogram;
}

void Writer::WriteRecords() {
  const CallStatistics& calls = *sources_.calls;
  MetricFamilies::Family ended =
      out_.Counter("ringfence_calls_ended_total", "Calls by how they ended.");
  for (const auto& [key, ends] : calls.calls()) {
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i] == 0) continue;
      ended.Add(ends[i], {{"connector", key.connector},
                          {"direction", std::string(DirectionName(key.direction))},
                          {"end", std::string(CallEndName(static_cast<CallEnd>(i)))}});
    }
  }
  MetricFamilies::Family attempts =
      out_.Counter("ringfence_route_attempts_total", "Attempts of ended calls, by route.");
  for (const auto& [key, events] : calls.attempts()) {
    for (size_t i = 0; i < events.size(); ++i) {
      if (events[i] == 0) continue;
      attempts.Add(events[i],
                   {{"connector", key.connector},
                    {"side", std::string(SideName(key.side))},
                    {"route", key.route},
                    {"result", std::string(RouteEventName(static_cast<RouteEvent>(i)))}});
    }
  }
  const CallStatistics::Skipped& skipped = calls.skipped();
  out_.Counter("ringfence_routes_skipped_total", "Routes that calls passed over, by why.")
      .Add(skipped.down, {{"reason", "down"}})
      .Add(skipped.own, {{"reason", "own_address"}})
      .Add(skipped.unresolved, {{"reason", "unresolved"}});
  MetricFamilies::Family setup =
      out_.Histogram("ringfence_call_setup_seconds", "From a call's INVITE to our 2xx.");
  for (const CallDirection direction : {CallDirection::kTermination, CallDirection::kOrigination}) {
    setup.Add(ToPrometheus(calls.setup_us(direction)),
              {{"direction", std::string(DirectionName(direction))}});
  }
}

void Writer::WriteRoutes() {
  MetricFamilies::Family up =
      out_.Gauge("ringfence_route_up", "1 while the address of a route or a trunk answers.");
  // Two hosts may have one name, one of them with `srv`, and lead to one address. A series that
  // stands twice makes a scraper refuse the whole page, so the first stands for both.
  std::set<std::tuple<std::string_view, Side, std::string_view, core::Endpoint>> told;
  for (const WorkerSnapshot& snapshot : sources_.workers) {
    for (size_t i = 0; i < snapshot.route_state_count; ++i) {
      const WorkerSnapshot::RouteState& state = snapshot.route_states[i];
      if (state.host >= sources_.registry->hosts().size()) continue;
      const HostSpec& host = sources_.registry->hosts()[state.host];
      if (!told.emplace(host.connector_id, host.side, host.name, state.address).second) continue;
      const core::Endpoint::Text address = state.address.text();
      up.Add(state.up, {{"connector", host.connector_id},
                        {"side", std::string(SideName(host.side))},
                        {"host", host.name},
                        {"address", std::string(address.view())}});
    }
  }
  out_.Gauge("ringfence_route_addresses_left_off", "Addresses of routes past what is shown above.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.route_states_left_off; }));
  Events("ringfence_probes_total", "OPTIONS probes and changes of routes' health.", kProbeEvents);
}

void Writer::WriteTraffic() {
  Events("ringfence_sip_events_total", "What calls met.", kSipEvents);
  Events("ringfence_transaction_events_total", "What transactions met.", kTransactionEvents);
  Events("ringfence_transport_events_total", "What messages met.", kTransportEvents);
  out_.Counter("ringfence_datagrams_total", "Datagrams.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.io.received; }), {{"direction", "received"}})
      .Add(Sum([](const WorkerSnapshot& s) { return s.io.sent; }), {{"direction", "sent"}});
  out_.Counter("ringfence_datagram_bytes_total", "Bytes of datagrams.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.io.received_bytes; }),
           {{"direction", "received"}})
      .Add(Sum([](const WorkerSnapshot& s) { return s.io.sent_bytes; }), {{"direction", "sent"}});
  Events("ringfence_io_events_total", "What the network did to datagrams.", kIoEvents);
  out_.Counter("ringfence_queue_drops_total",
               "Dropped at the listeners' sockets: a stranger's, or the queue full; the kernel "
               "counts both as one.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.queue_drops; }));
  out_.Counter("ringfence_turns_total", "Turns of the workers' loops.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.io.turns; }));
  out_.Counter("ringfence_waits_total", "Turns that slept.").Add(Sum([](const WorkerSnapshot& s) {
    return s.io.waits;
  }));
  Events("ringfence_mailbox_events_total", "Between threads.", kMailboxEvents);
}

void Writer::WriteMedia() {
  out_.Counter("ringfence_media_packets_total", "Packets that were relayed.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.media.relayed; }));
  out_.Counter("ringfence_media_rtcp_total", "RTCP, which ends on each leg.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.media.rtcp_received; }),
           {{"direction", "received"}})
      .Add(Sum([](const WorkerSnapshot& s) { return s.media.rtcp_sent; }), {{"direction", "sent"}});
  MetricFamilies::Family drops = out_.Counter("ringfence_media_drops_total",
                                              "Datagrams to media ports that were not relayed.");
  for (const Word& word : kMediaDrops) {
    drops.Add(Sum(word.value), {{"cause", std::string(word.label)}});
  }
  Events("ringfence_media_events_total", "What media met.", kMediaEvents);
  Events("ringfence_digits_total", "Digits between INFO and RFC 4733.", kDigits);
  out_.Gauge("ringfence_media_streams", "Streams that are anchored now.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.media_streams_now; }));
  MetricFamilies::Family used = out_.Gauge("ringfence_media_ports_used", "Calls that have ports.");
  used.Add(Sum([](const WorkerSnapshot& s) { return s.media_ports_used[0]; }),
           {{"side", "customer"}});
  used.Add(Sum([](const WorkerSnapshot& s) { return s.media_ports_used[1]; }), {{"side", "trunk"}});
  MetricFamilies::Family ports = out_.Gauge("ringfence_media_port_pairs", "Pairs of open ports.");
  ports.Add(Sum([](const WorkerSnapshot& s) { return s.media_ports_count[0]; }),
            {{"side", "customer"}});
  ports.Add(Sum([](const WorkerSnapshot& s) { return s.media_ports_count[1]; }),
            {{"side", "trunk"}});
  WriteMediaMetrics(*sources_.media, &out_);
}

void Writer::WritePools() {
  out_.Gauge("ringfence_pool_used", "What is held now.")
      .Add(Sum([](const WorkerSnapshot& s) { return s.client_transactions_now; }),
           {{"pool", "client_transactions"}})
      .Add(Sum([](const WorkerSnapshot& s) { return s.server_transactions_now; }),
           {{"pool", "server_transactions"}})
      .Add(Sum([](const WorkerSnapshot& s) { return s.store_packets_now; }),
           {{"pool", "store_packets"}})
      .Add(Sum([](const WorkerSnapshot& s) { return s.policies_now; }), {{"pool", "policies"}});
}

}  // namespace

std::string MetricFamilies::Write() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return std::move(out).str();
}

std::string WriteMetrics(const MetricsSources& sources) { return Writer(sources).Write(); }

}  // namespace sbc

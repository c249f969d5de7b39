#include "sbc/control/media_log.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>

#include "sbc/control/media_judgement.h"
#include "sbc/control/record_party.h"
#include "sbc/control/record_text.h"

namespace sbc {
namespace {

constexpr double kMosMax = 4.4;  // What the trunk's scale ends with.

// "cust2vc", "_rtp_packets".
void AppendKey(std::string_view flow, std::string_view key, std::string* out) {
  out->append(",\"").append(flow).append(key).append("\":");
}

template <std::integral T>
void AppendCount(std::string_view flow, std::string_view key, T value, std::string* out) {
  AppendKey(flow, key, out);
  AppendNumber(value, out);
}

int64_t Microseconds(std::optional<core::Duration> duration) {
  const core::Duration known = duration.value_or(core::Duration::zero());
  return std::chrono::duration_cast<std::chrono::microseconds>(known).count();
}

void AppendFlow(std::string_view flow, const MediaCounts& counts, int64_t lost,
                std::optional<core::Duration> jitter, std::string* out) {
  AppendCount(flow, "_rtp_packets", counts.packets, out);
  AppendCount(flow, "_rtp_bytes", counts.bytes, out);
  AppendCount(flow, "_rtcp_packets", counts.rtcp_packets, out);
  AppendCount(flow, "_rtcp_bytes", counts.rtcp_bytes, out);
  AppendCount(flow, "_packets_lost", lost, out);
  AppendCount(flow, "_jitter", Microseconds(jitter), out);
}

void AppendFlows(std::string_view to_us, std::string_view from_us, const MediaLegSummary& leg,
                 std::string* out) {
  const int64_t lost = std::max<int64_t>(leg.whole.stream.lost(), 0);
  AppendFlow(to_us, leg.lately.received, lost, leg.jitter, out);
  AppendFlow(from_us, leg.lately.sent, leg.sent_lost.value_or(0), leg.sent_jitter, out);
}

void AppendScores(std::string_view peer, const MediaLegSummary& leg, std::string* out) {
  if (leg.round_trip.has_value()) {
    AppendCount("rtt_btwn_vc_and_", peer, Microseconds(leg.round_trip), out);
  }
  const auto mos = JudgeLately(leg).mos_conversation;
  if (!mos.has_value()) return;
  const auto tenths = std::lround(std::clamp(*mos, 1.0, kMosMax) * 10);
  AppendKey("mos_btwn_vc_and_", peer, out);
  AppendNumber(tenths / 10, out);
  out->push_back('.');
  AppendNumber(tenths % 10, out);
}

// Where the trunk's signalling is: what `rem` stands for.
void AppendTrunk(const CallRecord& call, std::string* out) {
  core::Endpoint::Text text;
  if (call.direction == CallDirection::kOrigination) {
    text.AssignTruncated(call.source.view());
  } else if (!call.routes.steps.empty()) {
    text = call.routes.steps[call.routes.steps.size() - 1].endpoint.text();
  }
  AppendJsonField("endpoint_id", text.view(), out);
}

}  // namespace

void MediaLogWriter::Configure(const Config& config) {
  for (auto& [id, connector] : connectors_) connector.is_logged = false;
  for (const ConnectorConfig& connector : config.connectors) {
    connectors_[connector.id] = {connector.region, connector.home_plan,
                                 connector.logging.enable_media_metric_logs};
  }
}

const MediaLogWriter::Connector& MediaLogWriter::ConnectorOf(const CallRecord& record) const {
  const auto found = connectors_.find(record.connector_id.view());
  return found == connectors_.end() ? none_ : found->second;
}

bool MediaLogWriter::Wants(const CallReport& report) const {
  return report.media.streams > 0 && ConnectorOf(report.call).is_logged;
}

void MediaLogWriter::Append(const CallReport& report, std::string* out) const {
  const CallRecord& call = report.call;
  const Connector& connector = ConnectorOf(call);
  const RecordParty from(call.caller.view(), connector.home_plan);
  const RecordParty to(call.called.view(), connector.home_plan);
  const MediaLegSummary& customer = report.leg(Side::kCustomer);
  const MediaLegSummary& trunk = report.leg(Side::kTrunk);

  out->append("{\"voice_connector_id\":\"");
  AppendJson(call.connector_id.view(), out);
  out->append("\",\"event_timestamp\":");
  AppendNumber(call.ended.unix_us / 1000, out);
  out->append(",\"call_id\":\"");
  AppendUuid(call.transaction_id, out);
  out->push_back('"');
  AppendJsonField("from_sip_user", from.shown, out);
  AppendJsonField("from_country", from.country.view(), out);
  AppendJsonField("to_sip_user", to.shown, out);
  AppendJsonField("to_country", to.country.view(), out);
  AppendTrunk(call, out);
  AppendJsonField("aws_region", connector.region, out);
  AppendFlows("cust2vc", "vc2cust", customer, out);
  AppendFlows("rem2vc", "vc2rem", trunk, out);
  AppendScores("cust", customer, out);
  AppendScores("rem", trunk, out);
  out->append("}\n");
}

}  // namespace sbc

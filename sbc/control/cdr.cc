#include "sbc/control/cdr.h"

#include <algorithm>
#include <utility>

#include "core/sip/status_code.h"
#include "sbc/control/record_party.h"
#include "sbc/control/record_text.h"

namespace sbc {
namespace {

constexpr int64_t kBillingStepSeconds = 6;
constexpr int64_t kMicrosecondsPerSecond = 1'000'000;

void AppendInteger(std::string_view key, int64_t value, std::string* out) {
  out->append(",\"").append(key).append("\":");
  AppendNumber(value, out);
}

// Billed time comes in tenths of a minute: 6 is 0.1, 60 is 1.
void AppendMinutes(int64_t billable_seconds, std::string* out) {
  out->append(",\"BillableDurationMinutes\":");
  AppendNumber(billable_seconds / 60, out);
  const int64_t tenths = billable_seconds % 60 / kBillingStepSeconds;
  if (tenths == 0) return;
  out->push_back('.');
  AppendNumber(tenths, out);
}

// "USE1-US-DE-outbound-minutes", "USE1-US-inbound-minutes"; nothing where a part is not known.
void AppendUsage(CallDirection direction, std::string_view prefix, Country source,
                 Country destination, std::string* out) {
  const bool outbound = direction == CallDirection::kTermination;
  out->append(",\"UsageType\":\"");
  if (!prefix.empty() && destination.known() && (source.known() || !outbound)) {
    out->append(prefix).push_back('-');
    if (outbound) out->append(source.view()).push_back('-');
    out->append(destination.view()).append(outbound ? "-outbound-minutes" : "-inbound-minutes");
  }
  out->push_back('"');
}

void AppendStatus(const CallRecord& record, bool answered, std::string* out) {
  AppendJsonField("Status", answered ? "Completed" : "Failed", out);
  out->append(",\"StatusMessage\":\"");
  if (record.end == CallEnd::kCallerHungUp || record.end == CallEnd::kCalleeHungUp) {
    out->append("Normal Call Clearing");
  } else if (record.end == CallEnd::kFailed && record.status_code != 0) {
    AppendJson(core::sip::DefaultReason(record.status_code), out);
  } else {
    // The words of our logs: refused: cps; session_expired.
    out->append(CallEndName(record.end));
    if (record.cause) out->append(": ").append(RejectionCauseName(*record.cause));
  }
  out->push_back('"');
}

}  // namespace

int64_t BillableSeconds(core::WallTime answered, core::WallTime ended) {
  const int64_t us = std::max<int64_t>(ended.unix_us - answered.unix_us, 0);
  const int64_t step = kBillingStepSeconds * kMicrosecondsPerSecond;
  return (us + step - 1) / step * kBillingStepSeconds;
}

std::string_view UsagePrefix(std::string_view region) {
  constexpr std::pair<std::string_view, std::string_view> kPrefixes[] = {
      {"us-east-1", "USE1"},      {"us-west-2", "USW2"},      {"ca-central-1", "CAN1"},
      {"eu-central-1", "EUC1"},   {"eu-west-1", "EUW1"},      {"eu-west-2", "EUW2"},
      {"ap-southeast-1", "APS1"}, {"ap-southeast-2", "APS2"}, {"ap-northeast-1", "APN1"},
      {"ap-northeast-2", "APN2"},
  };
  for (const auto& [name, prefix] : kPrefixes) {
    if (name == region) return prefix;
  }
  return {};
}

void CdrWriter::Configure(const Config& config) {
  for (const ConnectorConfig& connector : config.connectors) {
    connectors_[connector.id] = {connector.account_id, connector.region,
                                 std::string(UsagePrefix(connector.region)), connector.home_plan};
  }
}

const CdrWriter::Connector& CdrWriter::ConnectorOf(const CallRecord& record) const {
  const auto found = connectors_.find(record.connector_id.view());
  return found == connectors_.end() ? none_ : found->second;
}

void CdrWriter::Append(const CallRecord& record, std::string* out) const {
  const Connector& connector = ConnectorOf(record);
  const bool outbound = record.direction == CallDirection::kTermination;
  const bool answered = record.answered.unix_us != 0;
  const RecordParty source(record.caller.view(), connector.home_plan);
  const RecordParty destination(record.called.view(), connector.home_plan);
  const int64_t billable = answered ? BillableSeconds(record.answered, record.ended) : 0;
  const core::WallTime start = answered ? record.answered : record.started;

  out->append("{\"AwsAccountId\":\"");
  AppendJson(connector.account_id, out);
  out->append("\",\"TransactionId\":\"");
  AppendUuid(record.transaction_id, out);
  out->push_back('"');
  // The trunk leg's, which is the one that Amazon knows.
  AppendJsonField("CallId", outbound ? record.callee_call_id.view() : record.caller_call_id.view(),
                  out);
  AppendJsonField("VoiceConnectorId", record.connector_id.view(), out);
  AppendStatus(record, answered, out);
  AppendInteger("BillableDurationSeconds", billable, out);
  AppendMinutes(billable, out);
  AppendJsonField("SchemaVersion", "2.0", out);
  AppendJsonField("SourcePhoneNumber", source.shown, out);
  AppendJsonField("SourcePhoneNumberName", "", out);
  AppendJsonField("SourceCountry", source.country.view(), out);
  AppendJsonField("DestinationPhoneNumber", destination.shown, out);
  AppendJsonField("DestinationPhoneNumberName", "", out);
  AppendJsonField("DestinationCountry", destination.country.view(), out);
  AppendUsage(record.direction, connector.usage_prefix, source.country, destination.country, out);
  AppendJsonField("ServiceCode", "AmazonChimeVoiceConnector", out);
  AppendJsonField("Direction", outbound ? "Outbound" : "Inbound", out);
  AppendInteger("StartTimeEpochSeconds", start.unix_us / kMicrosecondsPerSecond, out);
  AppendInteger("EndTimeEpochSeconds", record.ended.unix_us / kMicrosecondsPerSecond, out);
  AppendJsonField("Region", connector.region, out);
  out->append(",\"Streaming\":false,\"IsProxyCall\":false}\n");
}

}  // namespace sbc

#include "sbc/control/sip_log_writer.h"

#include <algorithm>

#include "sbc/control/record_text.h"

namespace sbc {
namespace {

constexpr std::string_view kCrLf = "\r\n";

void AppendMessage(std::string_view message, std::string* out) {
  out->append(",\"sip_message\":\"");
  while (!message.empty()) {
    const size_t line = std::min(message.find(kCrLf), message.size());
    AppendJson(message.substr(0, line), out);
    message.remove_prefix(line);
    if (message.empty()) break;
    out->append("\\n");
    message.remove_prefix(kCrLf.size());
  }
  out->push_back('"');
}

}  // namespace

void SipLogWriter::Configure(const Config& config) {
  for (const ConnectorConfig& connector : config.connectors) {
    regions_[connector.id] = connector.region;
  }
}

void SipLogWriter::Append(const Entry& entry, std::string* out) const {
  const auto region = regions_.find(entry.connector_id);
  out->append("{\"voice_connector_id\":\"");
  AppendJson(entry.connector_id, out);
  out->push_back('"');
  AppendJsonField("aws_region", region == regions_.end() ? "" : region->second, out);
  out->append(",\"event_timestamp\":");
  AppendNumber(entry.at.unix_us / 1000, out);
  out->append(",\"call_id\":\"");
  AppendUuid(entry.transaction_id, out);
  out->push_back('"');
  AppendMessage(entry.message, out);
  out->append("}\n");
}

}  // namespace sbc

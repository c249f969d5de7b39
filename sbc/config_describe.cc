#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/concat.h"
#include "core/config/yaml.h"
#include "sbc/config.h"
#include "sbc/media/leg_formats.h"

// DescribeConfig() and the words that it shares with the rest.

namespace sbc {
namespace {

using core::Concat;
using core::config::DurationText;

template <typename T>
std::string Text(const T& address) {
  const auto text = address.text();
  return std::string(text.view());
}

template <typename T>
std::string List(const std::vector<T>& addresses) {
  std::vector<std::string> words;
  words.reserve(addresses.size());
  for (const T& address : addresses) words.push_back(Text(address));
  return words.empty() ? "nobody" : core::Join(words, ", ");
}

std::string_view ListenerSideName(ListenerSide side) {
  if (side == ListenerSide::kAny) return "any";
  return SideName(side == ListenerSide::kCustomer ? Side::kCustomer : Side::kTrunk);
}

std::string Advertised(const std::optional<core::IpAddress>& advertise) {
  return advertise ? Concat(", advertised as ", Text(*advertise)) : "";
}

std::string PerSecond(uint32_t limit) {
  return limit == 0 ? "any number of calls a second"
                    : Concat("at most ", limit, " calls in any second");
}

std::string CodeText(uint16_t code) {
  return code == RejectionsConfig::kDrop ? "drop" : Concat(code);
}

std::string DescribeNode(const Config& config) {
  const NodeConfig& node = config.node;
  std::string text =
      Concat("node ", node.name, ": ", node.workers, node.workers == 1 ? " worker" : " workers",
             ", io ", node.io == IoKind::kUring ? "uring" : Concat("dpdk on ", node.dpdk->device),
             node.poll ? std::string(", polling")
                       : Concat(", latency budget ", DurationText(node.latency_budget)),
             "\n");
  text += Concat("limits: ", config.limits.calls, " calls (", config.emergency.reserve_calls,
                 " kept for emergencies), ", PerSecond(config.limits.calls_per_second), "\n");
  for (const ListenerConfig& listener : config.listeners) {
    text += Concat("listener: ", ListenerSideName(listener.side), " ",
                   TransportName(listener.transport), " ", Text(listener.local),
                   Advertised(listener.advertise), "\n");
  }
  for (const MediaConfig& media : config.media) {
    text += Concat("media: ", SideName(media.side), " ", Text(media.address), " ports ",
                   media.port_first, "-", media.port_last, media.shared ? ", shared by calls" : "",
                   Advertised(media.advertise), "\n");
  }
  if (!config.media.empty()) return text;
  return text + "media: none, so SDP passes as it came and RTP does not pass here\n";
}

std::string DescribeOutbound(const ConnectorConfig& connector) {
  const TerminationConfig& termination = connector.termination;
  if (termination.disabled) return "  to the trunk: disabled\n";
  std::vector<core::Cidr> from;
  for (const CustomerConfig& customer : connector.customers) {
    from.insert(from.end(), customer.cidrs.begin(), customer.cidrs.end());
  }
  std::vector<std::string> countries;
  for (const Country& country : termination.calling_regions) {
    countries.emplace_back(country.view());
  }
  std::string text = Concat("  to the trunk: from ", List(from), "; to ",
                            countries.empty() ? "no country" : core::Join(countries, ", "), "; ",
                            PerSecond(termination.cps_limit));
  if (!termination.default_phone_number.empty()) {
    text += Concat("; as ", termination.default_phone_number);
  }
  if (!connector.phone_numbers.empty()) {
    text += Concat("; ", connector.phone_numbers.size(),
                   connector.phone_numbers.size() == 1 ? " caller's number" : " callers' numbers");
  }
  return text + "\n";
}

std::string DescribeInbound(const ConnectorConfig& connector) {
  if (connector.origination.disabled) return "  from the trunk: disabled\n";
  std::map<int, std::vector<const RouteConfig*>> priorities;
  for (const RouteConfig& route : connector.routes) priorities[route.priority].push_back(&route);
  if (priorities.empty()) return "  from the trunk: no routes\n";
  std::string text;
  for (const auto& [priority, routes] : priorities) {
    int total = 0;
    for (const RouteConfig* route : routes) total += route->weight;
    std::vector<std::string> words;
    for (const RouteConfig* route : routes) {
      const std::string host = route->ip ? Text(core::Endpoint{*route->ip, route->port})
                                         : Concat(route->host, ":", route->port);
      // Rounded to the nearest, so that 1 of 3 reads 33.
      words.push_back(Concat(host, " ", (200 * route->weight / total + 1) / 2, "%"));
    }
    text +=
        Concat(text.empty() ? "  from the trunk: " : "    else ", core::Join(words, ", "), "\n");
  }
  return text;
}

// Without `media` nothing of video is ours to refuse, or to relay.
std::string DescribeVideo(const ConnectorConfig& connector, bool has_media) {
  if (!has_media) return "";
  return connector.video == VideoKind::kRelay ? "  video: relayed\n" : "  video: refused\n";
}

// Of both sides at once, as a codec that one of them lacks crosses to neither.
std::string DescribeCodecs(const ConnectorConfig& connector, bool has_media) {
  std::string text;
  for (const Side side : {Side::kCustomer, Side::kTrunk}) {
    const core::sdp::CodecPolicy told = CodecsTold(connector.codecs, side);
    if (!has_media || !told.is_limited) return "";
    std::vector<std::string_view> names;
    for (const core::sdp::Codec codec : told.allowed) names.push_back(core::sdp::Name(codec));
    text += Concat(text.empty() ? "  codecs: " : "; ", "told to the ", SideName(side), " ",
                   names.empty() ? "none" : core::Join(names, ", "),
                   told.reorder ? "" : " as they come");
  }
  return text + "\n";
}

std::string DescribeConnector(const ConnectorConfig& connector, bool has_media) {
  const TrunkConfig& trunk = connector.trunk;
  return Concat("connector ", connector.id, " (", connector.region, "): ", trunk.host, ":",
                trunk.port, " ", TransportName(trunk.transport), ", reached by ", List(trunk.cidrs),
                "\n", DescribeOutbound(connector), DescribeInbound(connector),
                DescribeCodecs(connector, has_media), DescribeVideo(connector, has_media));
}

}  // namespace

std::string_view SideName(Side side) { return side == Side::kCustomer ? "customer" : "trunk"; }

std::string_view TransportName(TransportKind transport) {
  constexpr std::string_view kNames[] = {"udp", "tcp", "tls", "ws", "wss"};
  return kNames[static_cast<size_t>(transport)];
}

std::string_view RejectionCauseName(RejectionCause cause) {
  constexpr std::string_view kNames[kRejectionCauseCount] = {
      "cidr",           "cps",      "region",   "caller_id", "disabled",
      "calls",          "no_route", "overload", "drain",     "origination_disabled",
      "unknown_number", "protocol"};
  return kNames[static_cast<size_t>(cause)];
}

bool RelaysVideo(const Config& config) {
  return std::any_of(config.connectors.begin(), config.connectors.end(),
                     [](const auto& each) { return each.video == VideoKind::kRelay; });
}

std::string DescribeConfig(const Config& config) {
  std::string text = DescribeNode(config);
  for (const ConnectorConfig& connector : config.connectors) {
    text += DescribeConnector(connector, !config.media.empty());
  }
  std::vector<std::string> codes;
  for (size_t i = 0; i < kRejectionCodeCount; ++i) {
    codes.push_back(Concat(RejectionCauseName(static_cast<RejectionCause>(i)), " ",
                           CodeText(config.rejections.codes[i])));
  }
  text += Concat("rejections: ", core::Join(codes, ", "), "\n");
  text += Concat("admin: http://", Text(config.admin.local), "\n");
  text += Concat("logs: ", config.logs.directory.empty() ? "none" : config.logs.directory, "\n");
  for (const std::string& warning : config.warnings) text += Concat("warning: ", warning, "\n");
  return text;
}

}  // namespace sbc

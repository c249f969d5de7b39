#include <algorithm>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/concat.h"
#include "core/config/yaml.h"
#include "sbc/config.h"

// DiffConfig(): both configurations are written out as settings by path, and the settings compared.

namespace sbc {
namespace {

using core::Concat;
using core::config::DurationText;

struct Setting {
  std::string value;
  bool needs_restart = false;
  bool secret = false;
};
using Settings = std::map<std::string, Setting>;

std::string Text(bool flag) { return flag ? "true" : "false"; }
std::string Text(const std::string& text) { return text; }
std::string Text(core::Duration duration) { return DurationText(duration); }
std::string Text(core::sdp::Codec codec) { return std::string(core::sdp::Name(codec)); }
std::string Text(const Country& country) { return std::string(country.view()); }
template <std::integral T>
std::string Text(T number) {
  return Concat(number);
}
template <typename T>
requires requires(const T& t) { t.text().size(); }
std::string Text(const T& address) {
  const auto text = address.text();
  return std::string(text.view());
}
std::string Text(const Credential& credential) {
  return Concat(credential.username, "\n", credential.password);  // Neither has one.
}
template <typename T>
std::string Text(const std::optional<T>& value) {
  return value ? Text(*value) : "";
}
template <typename T>
std::string Text(const std::vector<T>& values) {
  std::vector<std::string> words;
  words.reserve(values.size());
  for (const T& value : values) words.push_back(Text(value));
  return core::Join(words, ", ");
}
std::string Text(core::sdp::AddressClassSet set) {
  using core::sdp::AddressClass;
  std::vector<std::string> words;
  for (auto i = AddressClass{}; i <= AddressClass::kReserved;
       i = static_cast<AddressClass>(static_cast<int>(i) + 1)) {
    if (set.Has(i)) words.emplace_back(core::sdp::Name(i));
  }
  return core::Join(words, ", ");
}
std::string Text(PassPolicy policy) { return policy == PassPolicy::kPass ? "pass" : "refuse"; }
template <typename T>
std::string Text(const PerSide<T>& value) {
  return Concat("customer ", Text(value.customer), ", trunk ", Text(value.trunk));
}

/// Writes settings below one path.
class Writer {
 public:
  Writer(std::string prefix, bool needs_restart, Settings* settings)
      : prefix_(std::move(prefix)), needs_restart_(needs_restart), settings_(settings) {}

  template <typename T>
  void Add(std::string_view key, const T& value) {
    (*settings_)[Concat(prefix_, key)] = {Text(value), needs_restart_, false};
  }
  /// Compared, and never shown.
  template <typename T>
  void AddSecret(std::string_view key, const T& value) {
    (*settings_)[Concat(prefix_, key)] = {Text(value), needs_restart_, true};
  }
  Writer Below(std::string_view key) const {
    return Writer(Concat(prefix_, key, "."), needs_restart_, settings_);
  }

 private:
  std::string prefix_;
  bool needs_restart_;
  Settings* settings_;
};

std::string Describe(const ListenerConfig& listener) {
  constexpr std::string_view kSides[] = {"customer", "trunk", "any"};
  return Concat(kSides[static_cast<size_t>(listener.side)], " ", TransportName(listener.transport),
                " ", Text(listener.local), " advertised ", Text(listener.advertised()));
}

std::string Describe(const RouteConfig& route) {
  return Concat(route.host, ":", route.port, " ", TransportName(route.transport), " priority ",
                route.priority, " weight ", route.weight, route.srv ? " srv" : "");
}

void WriteNode(const Config& config, Settings* settings) {
  const NodeConfig& node = config.node;
  Writer out("node.", true, settings);
  out.Add("name", node.name);
  out.Add("workers", node.workers);
  out.Add("io", std::string(node.io == IoKind::kUring ? "uring" : "dpdk"));
  out.Add("latency_budget", node.latency_budget);
  out.Add("poll", node.poll);
  if (node.dpdk) {
    Writer dpdk = out.Below("dpdk");
    dpdk.Add("device", node.dpdk->device);
    dpdk.Add("address", Concat(Text(node.dpdk->address), "/", node.dpdk->prefix_length));
    dpdk.Add("gateway", node.dpdk->gateway);
    for (const DpdkNeighbour& neighbour : node.dpdk->neighbours) {
      std::string mac;
      for (const uint8_t byte : neighbour.mac) mac += Concat(mac.empty() ? "" : " ", byte);
      dpdk.Add(Concat("neighbours[", Text(neighbour.address), "]"), mac);
    }
    dpdk.Add("eal", node.dpdk->eal);
    dpdk.Add("file_prefix", node.dpdk->file_prefix);
  }
  Writer sizes("limits.", true, settings);  // Pools are made from these.
  sizes.Add("calls", config.limits.calls);
  sizes.Add("transactions", config.limits.transactions);
  Writer rates("limits.", false, settings);
  rates.Add("calls_per_second", config.limits.calls_per_second);
  rates.Add("calls_per_second_per_source", config.limits.calls_per_second_per_source);
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    Writer("", true, settings).Add(Concat("listeners[", i, "]"), Describe(config.listeners[i]));
  }
  for (size_t i = 0; i < config.media.size(); ++i) {
    const MediaConfig& media = config.media[i];
    Writer("", true, settings)
        .Add(Concat("media[", i, "]"),
             Concat(SideName(media.side), " ", Text(media.address), " ports ", media.port_first,
                    "-", media.port_last, " advertised ", Text(media.advertise),
                    media.shared ? " shared" : "", " allows [", Text(media.allow), "]"));
  }
  Writer("admin.", true, settings).Add("address", config.admin.local);
  Writer("logs.", true, settings).Add("directory", config.logs.directory);
}

void WriteFailover(const FailoverConfig& failover, Writer out) {
  out.Add("codes", failover.codes);
  out.Add("answer_timeout", failover.answer_timeout);
  out.Add("progress_timeout", failover.progress_timeout);
  out.Add("ring_timeout", failover.ring_timeout);
  out.Add("total_timeout", failover.total_timeout);
  out.Add("options_interval", failover.options_interval);
  out.Add("options_timeout", failover.options_timeout);
}

void WriteRejections(const RejectionsConfig& rejections, Writer out) {
  for (size_t i = 0; i < kRejectionCodeCount; ++i) {
    const uint16_t code = rejections.codes[i];
    out.Add(RejectionCauseName(static_cast<RejectionCause>(i)),
            code == RejectionsConfig::kDrop ? "drop" : Concat(code));
  }
}

void WriteConnector(const ConnectorConfig& connector, Settings* settings) {
  // By id, so that a connector that moved in the list has not changed.
  Writer out(Concat("connectors[", connector.id, "]."), false, settings);
  out.Add("region", connector.region);
  out.Add("account_id", connector.account_id);
  out.Add("trunk.host", connector.trunk.host);
  out.Add("trunk.port", connector.trunk.port);
  out.Add("trunk.srv", connector.trunk.srv);
  out.Add("trunk.cidrs", connector.trunk.cidrs);
  out.Add("trunk.media_cidrs", connector.trunk.media_cidrs);
  out.Add("termination.CpsLimit", connector.termination.cps_limit);
  out.Add("termination.CallingRegions", connector.termination.calling_regions);
  out.Add("termination.DefaultPhoneNumber", connector.termination.default_phone_number);
  out.Add("termination.Disabled", connector.termination.disabled);
  out.Add("origination.Disabled", connector.origination.disabled);
  for (size_t i = 0; i < connector.customers.size(); ++i) {
    Writer customer = out.Below(Concat("customers[", i, "]"));
    customer.Add("cidrs", connector.customers[i].cidrs);
    customer.Add("nat", connector.customers[i].nat);
    customer.AddSecret("credentials", connector.customers[i].credentials);
  }
  for (size_t i = 0; i < connector.routes.size(); ++i) {
    out.Add(Concat("routes[", i, "]"), Describe(connector.routes[i]));
  }
  out.Add("phone_numbers", connector.phone_numbers);
  out.Add("logging.EnableSIPLogs", connector.logging.enable_sip_logs);
  out.Add("logging.EnableMediaMetricLogs", connector.logging.enable_media_metric_logs);
  out.AddSecret("credentials", connector.credentials);
  out.Add("limits.calls", connector.calls_max);
  out.Add("codecs.customer", connector.codecs.customer);
  out.Add("codecs.trunk", connector.codecs.trunk);
  out.Add("dtmf", std::string(connector.dtmf == DtmfKind::kInfo ? "info" : "pass"));
  out.Add("video", std::string(connector.video == VideoKind::kRelay ? "relay" : "refuse"));
  out.Add("media_timeout", connector.media_timeout);
  WriteFailover(connector.failover, out.Below("failover"));
  WriteRejections(connector.rejections, out.Below("rejections"));
}

// A connector that only one of the two has is one line, not all its settings.
void WriteConnectors(const Config& config, const Config& other, Settings* settings) {
  for (const ConnectorConfig& connector : config.connectors) {
    Writer("", false, settings)
        .Add(Concat("connectors[", connector.id, "]"), std::string("a connector"));
    const bool both = std::any_of(other.connectors.begin(), other.connectors.end(),
                                  [&](const auto& each) { return each.id == connector.id; });
    if (both) WriteConnector(connector, settings);
  }
}

// The settings of `config`, to be held against those of `other`.
Settings Write(const Config& config, const Config& other) {
  Settings settings;
  WriteNode(config, &settings);
  WriteConnectors(config, other, &settings);
  Writer out("", false, &settings);
  WriteFailover(config.failover, out.Below("failover"));
  WriteRejections(config.rejections, out.Below("rejections"));
  out.Add("sip.t1", config.sip.t1);
  out.Add("sip.t2", config.sip.t2);
  out.Add("sip.t4", config.sip.t4);
  out.Add("sip.session_expires", config.sip.session_expires);
  out.Add("sip.min_se", config.sip.min_se);
  out.Add("sip.fold_early_dialogs", config.sip.fold_early_dialogs);
  out.Add("dns.servers", config.dns.servers);
  out.Add("dns.stale_max", config.dns.stale_max);
  out.Add("headers.pass", config.headers.pass);
  out.Add("transfer", config.transfer);
  out.Add("redirect", config.redirect);
  out.Add("message", config.message);
  out.Add("caller_id.allow_diverted", config.caller_id.allow_diverted);
  std::vector<std::string> numbers;
  for (size_t i = 0; i < config.emergency.numbers.size(); ++i) {
    numbers.emplace_back(config.emergency.numbers.number(i));
  }
  out.Add("emergency.numbers", numbers);
  out.Add("emergency.reserve_calls", config.emergency.reserve_calls);
  out.Add("local_networks", config.local_networks);
  out.Add("drain_timeout", config.drain_timeout);
  return settings;
}

std::string Shown(const Setting& setting) {
  if (setting.value.empty()) return "nothing";
  return setting.secret ? "(hidden)" : setting.value;
}

}  // namespace

std::vector<ConfigChange> DiffConfig(const Config& before, const Config& after) {
  const Settings old_settings = Write(before, after);
  const Settings new_settings = Write(after, before);
  Settings all = old_settings;
  all.insert(new_settings.begin(), new_settings.end());
  std::vector<ConfigChange> changes;
  for (const auto& [path, setting] : all) {
    const auto was = old_settings.find(path);
    const auto is = new_settings.find(path);
    const Setting nothing = {"", setting.needs_restart, setting.secret};
    const Setting& old_setting = was == old_settings.end() ? nothing : was->second;
    const Setting& new_setting = is == new_settings.end() ? nothing : is->second;
    if (old_setting.value == new_setting.value) continue;
    changes.push_back({Concat(path, ": ", Shown(old_setting), " -> ", Shown(new_setting)),
                       setting.needs_restart});
  }
  return changes;
}

}  // namespace sbc

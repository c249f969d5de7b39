#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/concat.h"
#include "sbc/config_reader.h"

// Termination, Origination and LoggingConfiguration as Amazon's API prints them: in a file of their
// own or pasted, with or without the outer key.

namespace sbc {
namespace {

using core::Concat;
using core::config::Document;
using core::config::Node;
using core::config::Range;

// The object itself: out of the file that `{file: ...}` names, and out of its outer key. Nothing
// when it cannot be had; that has then been reported.
std::optional<Node> Unwrap(const Node& node, std::string_view outer_key, Reading* reading) {
  if (!node.ExpectMap()) return std::nullopt;
  Node object = node;
  if (const auto file = node.Find("file")) {
    std::string name;
    if (!file->Value(&name)) return std::nullopt;
    node.RejectUnknownKeys();
    absl::StatusOr<Document> document = Document::Load(reading->PathOf(name), node.path());
    if (!document.ok()) {
      file->Error(std::string(document.status().message()));
      return std::nullopt;
    }
    reading->documents.push_back(std::move(*document));
    object = reading->documents.back().root(&reading->diagnostics);
    if (!object.ExpectMap()) return std::nullopt;
  }
  auto inner = object.Find(outer_key);
  if (!inner) return object;
  object.RejectUnknownKeys();
  if (!inner->ExpectMap()) return std::nullopt;
  return inner;
}

void ReadRegions(const Node& node, std::vector<Country>* countries) {
  for (const Node& item : node.Items()) {
    Country country;
    if (!Country::Parse(item.scalar(), &country)) {
      (void)item.Wanted("a country's two letters, such as US");
      continue;
    }
    if (!HasNumbers(country)) item.Warn("no numbers of such a country are known");
    countries->push_back(country);
  }
}

void ReadAllowedList(const Node& node, ConnectorReading* connector) {
  constexpr int kAwsPrefixMin = 27;
  CustomerConfig customer;
  for (const Node& item : node.Items()) {
    core::Cidr cidr;
    if (!item.Value(&cidr)) continue;
    customer.cidrs.push_back(cidr);
    connector->places.customers.push_back({cidr, item});
    if (cidr.first().is_v4() && cidr.prefix_length() < kAwsPrefixMin) {
      item.Warn(Concat("wider than the /", kAwsPrefixMin, " that AWS takes"));
    }
  }
  connector->config.customers.push_back(std::move(customer));
}

void ReadRoute(const Node& node, RouteConfig* route) {
  if (!node.ExpectMap()) return;
  // AWS's spelling or ours, by the first key: mixed ones are then unknown keys.
  const std::vector<std::string_view> keys = node.Keys();
  const bool aws =
      keys.empty() || absl::ascii_isupper(static_cast<unsigned char>(keys.front().front()));
  if (const auto host = node.Require(aws ? "Host" : "host"))
    ReadHost(*host, &route->host, &route->ip);
  node.Read(aws ? "Port" : "port", &route->port, Range{1, 65535});
  if (const auto protocol = node.Find(aws ? "Protocol" : "protocol")) {
    ReadTransport(*protocol, &route->transport);
  }
  node.Read(aws ? "Priority" : "priority", &route->priority, Range{1, 100});
  node.Read(aws ? "Weight" : "weight", &route->weight, Range{1, 100});
  const auto srv = node.Find("srv");
  if (srv) (void)srv->Value(&route->srv);
  node.RejectUnknownKeys();
  if (route->srv && route->ip)
    srv->Error(Concat(route->host, " is an address and has no SRV records"));
}

}  // namespace

void ReadTermination(const Node& node, ConnectorReading* connector) {
  const auto object = Unwrap(node, "Termination", connector->whole);
  if (!object) return;
  TerminationConfig* termination = &connector->config.termination;
  object->Read("Disabled", &termination->disabled);
  object->Read("CpsLimit", &termination->cps_limit, Range{0, 1'000'000});
  if (termination->cps_limit == 0 && !termination->disabled) {
    object->Warn(
        "CpsLimit is 0: no limit of ours, but the trunk's own default quota is 1 call a second");
  }
  if (const auto number = object->Find("DefaultPhoneNumber")) {
    (void)ReadNumber(*number, connector->config.home_plan, &termination->default_phone_number);
  }
  if (const auto regions = object->Find("CallingRegions")) {
    ReadRegions(*regions, &termination->calling_regions);
  }
  if (termination->calling_regions.empty() && !termination->disabled) {
    object->Warn("CallingRegions names no country: every call towards the trunk is refused");
  }
  if (const auto list = object->Find("CidrAllowedList")) ReadAllowedList(*list, connector);
  object->RejectUnknownKeys();
}

void ReadRoutes(const Node& node, ConnectorReading* connector) {
  std::vector<RouteConfig>* routes = &connector->config.routes;
  routes->clear();  // Those of origination, which this list replaces (rule 1).
  connector->places.routes.clear();
  const std::vector<Node> items = node.Items();
  if (items.size() > kRoutesMax) {
    node.Error(Concat(items.size(), " routes; at most ", kRoutesMax, " are wanted"));
    return;
  }
  if (items.size() > kRoutesExpectedMax) {
    node.Warn(Concat(items.size(), " routes; AWS documents a limit of ", kRoutesExpectedMax,
                     " and of ", kRoutesMax));
  }
  for (const Node& item : items) {
    RouteConfig route;
    ReadRoute(item, &route);
    routes->push_back(std::move(route));
    connector->places.routes.push_back(item);
  }
}

void ReadOrigination(const Node& node, ConnectorReading* connector) {
  const auto object = Unwrap(node, "Origination", connector->whole);
  if (!object) return;
  object->Read("Disabled", &connector->config.origination.disabled);
  if (const auto routes = object->Find("Routes")) ReadRoutes(*routes, connector);
  object->RejectUnknownKeys();
}

void ReadLogging(const Node& node, ConnectorReading* connector) {
  const auto object = Unwrap(node, "LoggingConfiguration", connector->whole);
  if (!object) return;
  LoggingConfig* logging = &connector->config.logging;
  object->Read("EnableSIPLogs", &logging->enable_sip_logs);
  object->Read("EnableMediaMetricLogs", &logging->enable_media_metric_logs);
  object->RejectUnknownKeys();
}

}  // namespace sbc

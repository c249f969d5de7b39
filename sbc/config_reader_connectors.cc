#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/check.h"
#include "core/base/concat.h"
#include "sbc/config_reader.h"
#include "sbc/voice_connector_regions.h"

// The section connectors, but for what AWS prints (sbc/config_reader_aws.cc).

namespace sbc {
namespace {

using core::Concat;
using core::config::DurationRange;
using core::config::EnumName;
using core::config::Node;
using core::config::Range;
using core::sdp::Codec;

constexpr EnumName<DtmfKind> kDtmfKinds[] = {{"pass", DtmfKind::kPass}, {"info", DtmfKind::kInfo}};
constexpr EnumName<VideoKind> kVideoKinds[] = {{"refuse", VideoKind::kRefuse},
                                               {"relay", VideoKind::kRelay}};
constexpr EnumName<Codec> kCodecs[] = {{"PCMU", Codec::kPcmu},
                                       {"PCMA", Codec::kPcma},
                                       {"G722", Codec::kG722},
                                       {"G729", Codec::kG729},
                                       {"opus", Codec::kOpus}};

// A list of blocks, each kept with its place.
void ReadBlocks(const Node& node, std::vector<core::Cidr>* cidrs,
                std::vector<Reading::Block>* blocks) {
  cidrs->clear();
  for (const Node& item : node.Items()) {
    core::Cidr cidr;
    if (!item.Value(&cidr)) continue;
    cidrs->push_back(cidr);
    if (blocks != nullptr) blocks->push_back({cidr, item});
    if (cidr.prefix_length() == 0) item.Warn("this admits every address there is");
  }
}

void ReadRegion(const Node& node, ConnectorReading* connector) {
  node.Read("region", &connector->config.region);
  const VoiceConnectorRegion* region = FindVoiceConnectorRegion(connector->config.region);
  if (region != nullptr) {
    connector->config.home_plan = region->home_plan;
    return;
  }
  connector->config.home_plan = HomePlan::kInternational;
  const auto trunk = node.Find("trunk");
  if (trunk && trunk->Find("cidrs")) return;  // Then we need not know it.
  std::vector<std::string_view> names;
  for (const VoiceConnectorRegion& known : VoiceConnectorRegions()) names.push_back(known.name);
  node.Find("region")->Error(Concat(connector->config.region,
                                    " is not a region of Voice Connectors that we know; wanted is ",
                                    core::Join(names, ", ", " or "), ", or `trunk: {cidrs: ...}`"));
}

void ReadTrunk(const Node& node, ConnectorReading* connector) {
  TrunkConfig* trunk = &connector->config.trunk;
  if (!node.ExpectMap()) return;
  if (const auto host = node.Find("host")) {
    std::optional<core::IpAddress> ip;  // The host's text says it again to whoever resolves it.
    ReadHost(*host, &trunk->host, &ip);
  }
  node.Read("port", &trunk->port, Range{1, 65535});
  if (const auto transport = node.Find("transport")) ReadTransport(*transport, &trunk->transport);
  node.Read("srv", &trunk->srv);
  if (const auto cidrs = node.Find("cidrs")) {
    ReadBlocks(*cidrs, &trunk->cidrs, &connector->places.trunk);
    if (cidrs->is_list() && cidrs->Items().empty()) cidrs->Error("at least one block is wanted");
  }
  if (const auto cidrs = node.Find("media_cidrs")) {
    ReadBlocks(*cidrs, &trunk->media_cidrs, nullptr);
  }
  node.RejectUnknownKeys();
}

void UseRegionalCidrs(const Node& node, ConnectorReading* connector) {
  const VoiceConnectorRegion* region = FindVoiceConnectorRegion(connector->config.region);
  if (region == nullptr) return;
  for (const std::string_view text : {region->v4, region->v6}) {
    core::Cidr cidr;
    CHECK(core::Cidr::Parse(text, &cidr));
    connector->config.trunk.cidrs.push_back(cidr);
    connector->places.trunk.push_back({cidr, node});
  }
}

void ReadCredential(const Node& node, Credential* credential) {
  if (!node.ExpectMap()) return;
  const std::vector<std::string_view> keys = node.Keys();
  const bool aws = std::find(keys.begin(), keys.end(), "Username") != keys.end();
  const auto username = node.Require(aws ? "Username" : "username");
  const auto password = node.Require(aws ? "Password" : "password");
  if (username) (void)username->Value(&credential->username);
  if (password) (void)password->Value(&credential->password);
  node.RejectUnknownKeys();
}

// Stands in for CidrAllowedList (rule 1).
void ReadCustomers(const Node& node, ConnectorReading* connector) {
  connector->config.customers.clear();
  connector->places.customers.clear();
  for (const Node& item : node.Items()) {
    CustomerConfig customer;
    if (!item.ExpectMap()) continue;
    if (const auto cidrs = item.Require("cidrs")) {
      ReadBlocks(*cidrs, &customer.cidrs, &connector->places.customers);
    }
    item.Read("nat", &customer.nat);
    if (const auto credentials = item.Find("credentials")) {
      const bool one = credentials->is_map();
      for (const Node& each : one ? std::vector<Node>{*credentials} : credentials->Items()) {
        customer.credentials.emplace_back();
        ReadCredential(each, &customer.credentials.back());
      }
    }
    item.RejectUnknownKeys();
    connector->config.customers.push_back(std::move(customer));
  }
}

void ReadPhoneNumbers(const Node& node, ConnectorReading* connector) {
  for (const Node& item : node.Items()) {
    std::string number;
    if (!ReadNumber(item, connector->config.home_plan, &number)) continue;
    std::vector<std::string>& numbers = connector->config.phone_numbers;
    if (std::find(numbers.begin(), numbers.end(), number) != numbers.end()) {
      item.Error(Concat(number, " is there twice"));
    }
    numbers.push_back(std::move(number));
  }
}

void ReadCodecList(const Node& node, std::vector<Codec>* codecs) {
  const std::vector<Node> items = node.Items();
  if (node.is_list() && items.empty()) {
    node.Error("at least one codec is wanted; without the key they cross as they come");
  }
  for (const Node& item : items) {
    Codec codec = Codec::kUnknown;
    if (!item.Value(&codec, std::span<const EnumName<Codec>>(kCodecs))) continue;
    if (std::find(codecs->begin(), codecs->end(), codec) != codecs->end()) {
      item.Error(Concat(item.scalar(), " is there twice"));
    }
    codecs->push_back(codec);
  }
}

// A list for both sides, or one for each.
void ReadCodecs(const Node& node, PerSide<std::vector<Codec>>* codecs) {
  if (!node.is_map()) {
    ReadCodecList(node, &codecs->customer);
    codecs->trunk = codecs->customer;
    return;
  }
  if (const auto customer = node.Find("customer")) ReadCodecList(*customer, &codecs->customer);
  if (const auto trunk = node.Find("trunk")) ReadCodecList(*trunk, &codecs->trunk);
  node.RejectUnknownKeys();
}

void ReadMediaSettings(const Node& node, ConnectorReading* connector) {
  if (const auto codecs = node.Find("codecs")) ReadCodecs(*codecs, &connector->config.codecs);
  node.Read("dtmf", &connector->config.dtmf, std::span<const EnumName<DtmfKind>>(kDtmfKinds));
  node.Read("video", &connector->config.video, std::span<const EnumName<VideoKind>>(kVideoKinds));
  node.Read("media_timeout", &connector->config.media_timeout, DurationRange{0s, 24h});
}

void ReadAwsParts(const Node& node, ConnectorReading* connector) {
  const auto termination = node.Find("termination");
  const auto origination = node.Find("origination");
  const auto routes = node.Find("routes");
  if (termination) ReadTermination(*termination, connector);
  if (origination) ReadOrigination(*origination, connector);
  if (const auto logging = node.Find("logging")) ReadLogging(*logging, connector);
  if (routes) ReadRoutes(*routes, connector);

  // What is not there must not be open: without a termination nobody can say what may be dialled.
  if (!termination) {
    connector->config.termination.disabled = true;
    node.Warn("no `termination`: calls towards the trunk are refused as disabled");
  }
  if (!origination && !routes) {
    connector->config.origination.disabled = true;
    node.Warn("no `origination`: calls from the trunk are refused as disabled");
  }
}

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= ConnectorConfig::kIdMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
         });
}

void ReadConnector(const Node& node, ConnectorReading* connector) {
  if (!node.ExpectMap()) return;
  if (const auto id = node.Require("id")) {
    if (IsId(id->scalar())) {
      connector->config.id = id->scalar();
    } else {
      (void)id->Wanted("the id of a Voice Connector: up to 63 letters and digits");
    }
  }
  ReadRegion(node, connector);
  connector->config.trunk.host = Concat(connector->config.id, ".voiceconnector.chime.aws");
  const auto trunk = node.Find("trunk");
  if (trunk) ReadTrunk(*trunk, connector);
  if (!trunk || !trunk->Find("cidrs")) UseRegionalCidrs(trunk.value_or(node), connector);
  node.Read("account_id", &connector->config.account_id);
  ReadAwsParts(node, connector);
  if (const auto customers = node.Find("customers")) ReadCustomers(*customers, connector);
  if (const auto numbers = node.Find("phone_numbers")) ReadPhoneNumbers(*numbers, connector);
  if (const auto credentials = node.Find("credentials")) {
    connector->config.credentials.emplace();
    ReadCredential(*credentials, &*connector->config.credentials);
  }
  if (const auto limits = node.Find("limits"); limits && limits->ExpectMap()) {
    limits->Read("calls", &connector->config.calls_max, Range{0, 1'000'000});
    limits->RejectUnknownKeys();
  }
  ReadMediaSettings(node, connector);
  if (const auto failover = node.Find("failover")) {
    ReadFailover(*failover, &connector->config.failover);
  }
  if (const auto rejections = node.Find("rejections")) {
    ReadRejections(*rejections, &connector->config.rejections);
  }
  node.RejectUnknownKeys();
}

}  // namespace

bool ReadNumber(const Node& node, HomePlan home, std::string* number) {
  E164 normal;
  if (!NormaliseE164(node.scalar(), home, &normal)) {
    return node.Wanted("an E.164 number, such as +16185558387");
  }
  *number = normal.view();
  return true;
}

void ReadHost(const Node& node, std::string* host, std::optional<core::IpAddress>* ip) {
  constexpr size_t kNameMax = 253;  // RFC 1035 §2.3.4, without the root's dot.
  std::string_view text = node.scalar();
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  core::IpAddress address;
  if (core::IpAddress::Parse(text, &address)) {
    if (!address.is_one_host()) {
      (void)node.Wanted("an address of one host");
      return;
    }
    *host = text;
    *ip = address;
    return;
  }
  const bool name = !text.empty() && text.size() <= kNameMax && text.front() != '.' &&
                    text.find("..") == std::string_view::npos &&
                    text.find_first_not_of("0123456789.") != std::string_view::npos &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
                             c == '_' || c == '.';
                    });
  if (!name) {
    (void)node.Wanted("a host name or an address");
    return;
  }
  *host = text;
  ip->reset();
}

void ReadConnectors(const Node& node, Reading* reading) {
  for (const Node& item : node.Items()) {
    ConnectorReading connector = {reading, {}, {item, {}, {}, {}}};
    connector.config.failover = reading->config.failover;
    connector.config.rejections = reading->config.rejections;
    ReadConnector(item, &connector);
    reading->config.connectors.push_back(std::move(connector.config));
    reading->connectors.push_back(std::move(connector.places));
  }
}

}  // namespace sbc

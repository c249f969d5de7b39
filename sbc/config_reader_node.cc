#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/concat.h"
#include "sbc/config_reader.h"

// What this machine is: the sections node, listeners and media.

namespace sbc {
namespace {

using core::Concat;
using core::config::DurationRange;
using core::config::EnumName;
using core::config::Node;
using core::config::Range;

constexpr EnumName<IoKind> kIoKinds[] = {{"uring", IoKind::kUring}, {"dpdk", IoKind::kDpdk}};
constexpr EnumName<ListenerSide> kListenerSides[] = {{"customer", ListenerSide::kCustomer},
                                                     {"trunk", ListenerSide::kTrunk},
                                                     {"any", ListenerSide::kAny}};
constexpr EnumName<Side> kSides[] = {{"customer", Side::kCustomer}, {"trunk", Side::kTrunk}};

// Six pairs of hexadecimal digits between colons.
bool ParseMac(std::string_view text, std::array<uint8_t, 6>* mac) {
  constexpr size_t kPair = 3;
  if (text.size() != mac->size() * kPair - 1) return false;
  for (size_t i = 0; i < mac->size(); ++i) {
    const std::string_view pair = text.substr(i * kPair, 2);
    if (i > 0 && text[i * kPair - 1] != ':') return false;
    const auto [end, error] = std::from_chars(pair.data(), pair.data() + 2, (*mac)[i], 16);
    if (error != std::errc() || end != pair.data() + 2) return false;
  }
  return true;
}

void ReadNeighbours(const Node& node, std::vector<DpdkNeighbour>* neighbours) {
  for (const Node& item : node.Items()) {
    DpdkNeighbour neighbour;
    if (!item.ExpectMap()) continue;
    if (const auto address = item.Require("address")) (void)address->Value(&neighbour.address);
    if (const auto mac = item.Require("mac")) {
      if (!ParseMac(mac->scalar(), &neighbour.mac)) {
        (void)mac->Wanted("an Ethernet address, such as 02:00:00:00:00:01");
      }
    }
    item.RejectUnknownKeys();
    neighbours->push_back(neighbour);
  }
}

void ReadDpdk(const Node& node, DpdkConfig* config) {
  if (!node.ExpectMap()) return;
  if (const auto device = node.Require("device")) (void)device->Value(&config->device);
  if (const auto address = node.Require("address")) {
    const std::string_view text = address->scalar();
    core::Cidr cidr;
    core::IpAddress ip;
    if (text.find('/') == std::string_view::npos || !core::Cidr::Parse(text, &cidr) ||
        !core::IpAddress::Parse(text.substr(0, text.find('/')), &ip)) {
      (void)address->Wanted("an address and its network's length, such as 10.0.0.1/24");
    } else {
      config->address = ip;
      config->prefix_length = cidr.prefix_length();
    }
  }
  node.Read("gateway", &config->gateway);
  if (const auto neighbours = node.Find("neighbours")) {
    ReadNeighbours(*neighbours, &config->neighbours);
  }
  node.Read("eal", &config->eal);
  node.Read("file_prefix", &config->file_prefix);
  node.RejectUnknownKeys();
}

// "20000-29999", both ends included.
bool ParsePorts(std::string_view text, uint16_t* first, uint16_t* last) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  const auto parse = [](std::string_view number, uint16_t* port) {
    const char* const end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, *port);
    return error == std::errc() && stop == end && *port > 0;
  };
  return parse(text.substr(0, dash), first) && parse(text.substr(dash + 1), last) && *first < *last;
}

void ReadAdvertise(const Node& node, const core::IpAddress& local,
                   std::optional<core::IpAddress>* advertise) {
  core::IpAddress address;
  if (!ReadOwnAddress(node, &address)) return;
  *advertise = address;
  if (address.is_v4() != local.is_v4()) {
    (void)node.Wanted("an address of the family of `address`: who is reached there reads it");
  }
}

}  // namespace

bool ReadOwnAddress(const Node& node, core::IpAddress* address) {
  core::IpAddress read;
  if (!node.Value(&read)) return false;
  if (!read.is_one_host()) {
    // It stands in Via, Contact and SDP, where 0.0.0.0 would lead nowhere.
    return node.Wanted("an address of one host: peers are told it");
  }
  *address = read;
  return true;
}

void ReadTransport(const Node& node, TransportKind* transport) {
  constexpr EnumName<TransportKind> kTransports[] = {{"udp", TransportKind::kUdp},
                                                     {"tcp", TransportKind::kTcp},
                                                     {"tls", TransportKind::kTls},
                                                     {"ws", TransportKind::kWs},
                                                     {"wss", TransportKind::kWss}};
  const std::string text = absl::AsciiStrToLower(std::string(node.scalar()));
  const auto found = std::find_if(std::begin(kTransports), std::end(kTransports),
                                  [&text](const auto& name) { return name.name == text; });
  if (found == std::end(kTransports)) {
    (void)node.Wanted("udp");
  } else if (found->value != TransportKind::kUdp) {
    node.Error(Concat(node.scalar(), " is not supported yet; udp is"));
  } else {
    *transport = found->value;
  }
}

void ReadNode(const Node& node, NodeConfig* config) {
  if (!node.ExpectMap()) return;
  if (const auto name = node.Find("name")) {
    // It is the realm of our challenges, and a word of log lines.
    const auto is_plain = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; };
    const std::string_view text = name->scalar();
    if (!name->is_scalar() || text.empty() || text.size() > kNodeNameMax ||
        !std::all_of(text.begin(), text.end(), is_plain)) {
      (void)name->Wanted(Concat("1 to ", kNodeNameMax,
                                " printable ASCII characters without blanks, quotes and \\"));
    } else {
      config->name = text;
    }
  }
  node.Read("workers", &config->workers, Range{1, 64});
  node.Read("io", &config->io, std::span<const EnumName<IoKind>>(kIoKinds));
  node.Read("latency_budget", &config->latency_budget, DurationRange{0s, 100ms});
  node.Read("poll", &config->poll);
  const auto dpdk = node.Find("dpdk");
  if (dpdk) {
    config->dpdk.emplace();
    ReadDpdk(*dpdk, &*config->dpdk);
  }
  node.RejectUnknownKeys();
  if ((config->io == IoKind::kDpdk) != dpdk.has_value()) {
    node.Error("`dpdk` goes with `io: dpdk`, and only with it");
  }
}

void ReadListeners(const Node& node, Reading* reading) {
  for (const Node& item : node.Items()) {
    ListenerConfig listener;
    listener.local.port = 5060;
    if (item.ExpectMap()) {
      if (const auto side = item.Require("side")) {
        (void)side->Value(&listener.side, std::span<const EnumName<ListenerSide>>(kListenerSides));
      }
      if (const auto transport = item.Find("transport")) {
        ReadTransport(*transport, &listener.transport);
      }
      if (const auto address = item.Require("address")) {
        (void)ReadOwnAddress(*address, &listener.local.ip);
      }
      item.Read("port", &listener.local.port, Range{1, 65535});
      if (const auto advertise = item.Find("advertise")) {
        ReadAdvertise(*advertise, listener.local.ip, &listener.advertise);
      }
      item.RejectUnknownKeys();
    }
    reading->config.listeners.push_back(listener);
    reading->listeners.push_back(item);
  }
}

void ReadClasses(const Node& node, core::sdp::AddressClassSet* classes) {
  using core::sdp::AddressClass;
  constexpr EnumName<AddressClass> kClasses[] = {{"public", AddressClass::kPublic},
                                                 {"private", AddressClass::kPrivate},
                                                 {"loopback", AddressClass::kLoopback}};
  for (const Node& item : node.Items()) {
    AddressClass address_class{};
    if (item.Value(&address_class, std::span<const EnumName<AddressClass>>(kClasses))) {
      classes->Add(address_class);
    }
  }
}

void ReadMedia(const Node& node, Reading* reading) {
  for (const Node& item : node.Items()) {
    MediaConfig media;
    if (item.ExpectMap()) {
      if (const auto side = item.Require("side")) {
        (void)side->Value(&media.side, std::span<const EnumName<Side>>(kSides));
      }
      if (const auto address = item.Require("address")) {
        (void)ReadOwnAddress(*address, &media.address);
      }
      if (const auto ports = item.Require("ports")) {
        if (!ParsePorts(ports->scalar(), &media.port_first, &media.port_last)) {
          (void)ports->Wanted("a range of ports, such as 20000-29999");
        }
      }
      if (const auto advertise = item.Find("advertise")) {
        ReadAdvertise(*advertise, media.address, &media.advertise);
      }
      media.shared = media.side == Side::kTrunk;
      if (const auto allow = item.Find("allow")) ReadClasses(*allow, &media.allow);
      item.Read("shared", &media.shared);
      if (media.shared && media.side == Side::kCustomer) {
        item.Find("shared")->Error(
            "true goes with `side: trunk` only: a customer behind a NAT is known by its port");
      }
      item.RejectUnknownKeys();
    }
    reading->config.media.push_back(media);
    reading->media.push_back(item);
  }
}

}  // namespace sbc

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/concat.h"
#include "sbc/config_reader.h"
#include "sbc/media/media_ports.h"
#include "sbc/worker_share.h"

// What only shows when all sections of a configuration are there.

namespace sbc {
namespace {

using core::Concat;
using core::config::Node;

std::string Text(const core::Endpoint& endpoint) {
  const core::Endpoint::Text text = endpoint.text();
  return std::string(text.view());
}
std::string Text(const core::IpAddress& address) {
  const core::IpAddress::Text text = address.text();
  return std::string(text.view());
}
std::string Text(const core::Cidr& cidr) {
  const core::Cidr::Text text = cidr.text();
  return std::string(text.view());
}

void CheckListeners(const Reading& reading) {
  const std::vector<ListenerConfig>& listeners = reading.config.listeners;
  if (listeners.empty()) {
    reading.root->Error("`listeners` is missing: at least one for each side is wanted");
    return;
  }
  for (size_t i = 0; i < listeners.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (listeners[i].local == listeners[j].local) {
        reading.listeners[i].Error(Concat(Text(listeners[i].local), " is taken by ",
                                          reading.listeners[j].path(),
                                          "; one listener of `side: any` may serve both"));
      }
    }
  }
  for (const Side side : {Side::kCustomer, Side::kTrunk}) {
    const bool served = std::any_of(listeners.begin(), listeners.end(),
                                    [side](const auto& each) { return each.serves(side); });
    if (!served) reading.root->Find("listeners")->Error(Concat("none is of side ", SideName(side)));
  }
}

void CheckDpdk(const Reading& reading) {
  const std::optional<DpdkConfig>& dpdk = reading.config.node.dpdk;
  if (!dpdk) return;
  if (reading.config.node.workers > 1) {
    reading.root->Find("node")->Find("workers")->Error(
        Concat(reading.config.node.workers, " is too many: io dpdk has one queue, for one worker"));
  }
  for (size_t i = 0; i < reading.listeners.size(); ++i) {
    const core::IpAddress& address = reading.config.listeners[i].local.ip;
    if (address != dpdk->address) {
      reading.listeners[i].Error(
          Concat(Text(address), " is not the address of node.dpdk, ", Text(dpdk->address)));
    }
  }
}

void CheckMediaSides(const Reading& reading) {
  const Config& config = reading.config;
  if (config.media.empty()) return;
  for (const Side side : {Side::kCustomer, Side::kTrunk}) {
    const bool has = std::any_of(config.media.begin(), config.media.end(),
                                 [side](const MediaConfig& media) { return media.side == side; });
    if (!has) {
      reading.root->Find("media")->Error(
          Concat("none is of side ", SideName(side), ": media goes through both, or through none"));
    }
  }
  for (size_t i = 0; config.node.dpdk && i < config.media.size(); ++i) {
    if (config.media[i].address == config.node.dpdk->address) continue;
    reading.media[i].Error(Concat(Text(config.media[i].address),
                                  " is not the address of node.dpdk, ",
                                  Text(config.node.dpdk->address)));
  }
}

void CheckMedia(const Reading& reading) {
  const Config& config = reading.config;
  CheckMediaSides(reading);
  for (size_t i = 0; i < config.media.size(); ++i) {
    const MediaConfig& media = config.media[i];
    if (MediaPorts::PairsIn(media) == 0) {
      reading.media[i].Find("ports")->Error(
          Concat(media.port_first, "-", media.port_last,
                 " hold no pair, an even port for RTP and the odd one after it for RTCP"));
    }
    for (size_t j = 0; j < i; ++j) {
      const MediaConfig& other = config.media[j];
      if (media.side == other.side && media.address.is_v4() == other.address.is_v4() &&
          (media.address != other.address || media.advertise != other.advertise)) {
        reading.media[i].Error(Concat("side ", SideName(media.side), " has another address in ",
                                      reading.media[j].path(),
                                      ": a side has one of each family, which descriptions tell"));
      }
      if (media.address == other.address && media.port_first <= other.port_last &&
          other.port_first <= media.port_last) {
        reading.media[i].Error(Concat("ports ", media.port_first, "-", media.port_last, " of ",
                                      Text(media.address), " overlap those of ",
                                      reading.media[j].path()));
      }
    }
    for (size_t j = 0; j < config.listeners.size(); ++j) {
      const core::Endpoint& local = config.listeners[j].local;
      if (local.ip == media.address && local.port >= media.port_first &&
          local.port <= media.port_last) {
        reading.media[i].Error(Concat("ports ", media.port_first, "-", media.port_last,
                                      " hold the port of ", reading.listeners[j].path(), ", ",
                                      local.port));
      }
    }
  }
}

bool HaveNoneInCommon(const PerSide<std::vector<core::sdp::Codec>>& codecs) {
  const auto& [customer, trunk] = codecs;
  return !customer.empty() && !trunk.empty() &&
         std::find_first_of(customer.begin(), customer.end(), trunk.begin(), trunk.end()) ==
             customer.end();
}

// What is said of media that does not pass here, or not so.
void CheckMediaSettings(const Reading& reading) {
  const std::vector<MediaConfig>& media = reading.config.media;
  const bool shared = std::any_of(media.begin(), media.end(), [](const MediaConfig& range) {
    return range.side == Side::kTrunk && range.shared;
  });
  for (size_t i = 0; i < reading.connectors.size(); ++i) {
    const Node& node = reading.connectors[i].node;
    const auto trunk = node.Find("trunk");
    const auto cidrs = trunk && trunk->is_map() ? trunk->Find("media_cidrs") : std::nullopt;
    const bool bridges = reading.config.connectors[i].dtmf != DtmfKind::kPass;
    const auto dtmf = bridges ? node.Find("dtmf") : std::nullopt;
    const auto codecs = node.Find("codecs");
    for (const auto& setting :
         {node.Find("media_timeout"), node.Find("video"), codecs, dtmf, cidrs}) {
      if (setting && media.empty()) {
        setting->Warn("has no effect without `media`: RTP does not pass here");
      }
    }
    if (codecs && !media.empty() && HaveNoneInCommon(reading.config.connectors[i].codecs)) {
      codecs->Warn(
          "the two sides have no codec in common, and nothing is transcoded: no call can have "
          "voice");
    }
    if (cidrs && shared) {
      cidrs->Warn(
          "has no effect on shared ports, where only its address and port tell a call's media; "
          "`shared: false` for side trunk would let it");
    }
  }
}

// What is logged needs a place, and what is measured must pass here.
void CheckLogging(const Reading& reading) {
  const bool has_media = !reading.config.media.empty();
  for (size_t i = 0; i < reading.connectors.size(); ++i) {
    const Node& node = reading.connectors[i].node;
    const LoggingConfig& logging = reading.config.connectors[i].logging;
    const Node place = node.Find("logging").value_or(node);
    if (logging.enable_media_metric_logs && !has_media) {
      place.Warn("EnableMediaMetricLogs has no effect without `media`: RTP does not pass here");
    }
    const bool logs = logging.enable_media_metric_logs || logging.enable_sip_logs;
    if (logs && reading.config.logs.directory.empty()) {
      place.Warn("has no effect without `logs: {directory}`");
    }
  }
}

// Rule 3: at a listener of both sides the source alone tells them apart, so no address may be on
// both.
void CheckSides(const Reading& reading) {
  const auto any = std::find_if(
      reading.config.listeners.begin(), reading.config.listeners.end(),
      [](const ListenerConfig& listener) { return listener.side == ListenerSide::kAny; });
  if (any == reading.config.listeners.end()) return;
  std::vector<Reading::Block> customers;
  for (size_t i = 0; i < reading.connectors.size(); ++i) {
    const Reading::ConnectorPlaces& places = reading.connectors[i];
    customers.insert(customers.end(), places.customers.begin(), places.customers.end());
    for (size_t j = 0; j < places.routes.size(); ++j) {
      const RouteConfig& route = reading.config.connectors[i].routes[j];
      if (route.ip) customers.push_back({core::Cidr(*route.ip), places.routes[j]});
    }
  }
  for (const Reading::ConnectorPlaces& places : reading.connectors) {
    for (const Reading::Block& trunk : places.trunk) {
      for (const Reading::Block& customer : customers) {
        if (!customer.cidr.Overlaps(trunk.cidr)) continue;
        customer.node.Error(Concat(Text(customer.cidr), " overlaps the trunk's ", Text(trunk.cidr),
                                   " of ", trunk.node.path(),
                                   ", and a listener of `side: any` could not tell them apart"));
      }
    }
  }
}

void CheckIds(const Reading& reading) {
  const std::vector<ConnectorConfig>& connectors = reading.config.connectors;
  if (connectors.empty()) reading.root->Error("`connectors` is missing: at least one is wanted");
  for (size_t i = 0; i < connectors.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (connectors[i].id == connectors[j].id) {
        reading.connectors[i].node.Error(
            Concat("id ", connectors[i].id, " is taken by ", reading.connectors[j].node.path()));
      }
    }
  }
}

// A number is how a call from the trunk finds its connector where it names none.
void CheckInventories(const Reading& reading) {
  std::set<std::string> seen;
  for (size_t i = 0; i < reading.connectors.size(); ++i) {
    const ConnectorConfig& connector = reading.config.connectors[i];
    const std::string& shown = connector.termination.default_phone_number;
    const auto& numbers = connector.phone_numbers;
    if (!shown.empty() && !numbers.empty() &&
        std::find(numbers.begin(), numbers.end(), shown) == numbers.end()) {
      reading.connectors[i].node.Warn(Concat(
          "DefaultPhoneNumber ", shown,
          " is not among phone_numbers, so every call to the trunk is refused as caller_id"));
    }
    for (const std::string& number : reading.config.connectors[i].phone_numbers) {
      if (seen.insert(number).second) continue;
      reading.connectors[i].node.Warn(
          Concat("phone_numbers: ", number,
                 " is another connector's too; calls to it that name no "
                 "connector are refused as unknown_number"));
    }
  }
}

bool Serves(const std::vector<ListenerConfig>& listeners, Side side, bool v4) {
  return std::any_of(listeners.begin(), listeners.end(), [side, v4](const ListenerConfig& each) {
    return each.serves(side) && each.local.ip.is_v4() == v4;
  });
}

// Rule 1: a paste of a connector that already points at this SBC would send calls round in a
// circle.
void CheckRoutes(const Reading& reading) {
  for (size_t i = 0; i < reading.connectors.size(); ++i) {
    const ConnectorConfig& connector = reading.config.connectors[i];
    const Reading::ConnectorPlaces& places = reading.connectors[i];
    for (size_t j = 0; j < connector.routes.size(); ++j) {
      const RouteConfig& route = connector.routes[j];
      if (!route.ip) continue;
      if (!Serves(reading.config.listeners, Side::kCustomer, route.ip->is_v4())) {
        places.routes[j].Warn(Concat(Text(*route.ip),
                                     " cannot be reached: no listener of side "
                                     "customer has an ",
                                     route.ip->is_v4() ? "IPv4" : "IPv6", " address"));
      }
      const core::Endpoint target = {*route.ip, route.port};
      for (size_t k = 0; k < reading.listeners.size(); ++k) {
        const ListenerConfig& own = reading.config.listeners[k];
        if (target != own.local && target != own.advertised()) continue;
        places.routes[j].Error(Concat(Text(target), " is our own address (",
                                      reading.listeners[k].path(),
                                      "): name the PBXs in `routes` beside `origination`"));
        break;
      }
    }
    const bool none = !connector.origination.disabled && connector.routes.empty();
    if (none) places.node.Warn("no routes: calls from the trunk are refused");
  }
}

void CheckCustomers(const Reading& reading) {
  for (size_t i = 0; i < reading.connectors.size(); ++i) {
    const Reading::ConnectorPlaces& places = reading.connectors[i];
    if (!reading.config.connectors[i].termination.disabled && places.customers.empty()) {
      places.node.Warn("nobody is allowed to call towards the trunk: CidrAllowedList is empty");
    }
    for (const Reading::Block& block : places.customers) {
      for (const ListenerConfig& own : reading.config.listeners) {
        if (block.cidr != core::Cidr(own.local.ip) &&
            block.cidr != core::Cidr(own.advertised().ip)) {
          continue;
        }
        block.node.Warn(
            Concat(Text(block.cidr), " is our own address: name the PBXs in `customers`"));
        break;
      }
    }
  }
}

// The default reserve shrinks with a small node; one that was written must leave room for others.
void CheckReserve(Reading* reading) {
  constexpr uint32_t kShareMax = 4;
  const uint32_t calls = reading->config.limits.calls;
  uint32_t* reserve = &reading->config.emergency.reserve_calls;
  const auto emergency = reading->root->Find("emergency");
  const auto written = emergency ? emergency->Find("reserve_calls") : std::nullopt;
  if (!written) {
    *reserve = std::min(*reserve, calls / kShareMax);
  } else if (*reserve >= calls) {
    written->Error(Concat(*reserve, " leaves nothing of limits.calls, ", calls));
  }
}

// The service's own folder may only be made when it starts, so this is no error yet.
void CheckLogs(const Reading& reading) {
  const std::string& directory = reading.config.logs.directory;
  if (directory.empty()) return;
  struct stat found = {};
  const Node place = *reading.root->Find("logs")->Find("directory");
  if (stat(directory.c_str(), &found) != 0) {
    place.Warn(Concat(directory, ": ", std::strerror(errno), "; without it there is no start"));
  } else if (!S_ISDIR(found.st_mode)) {
    place.Error(Concat(directory, " is not a directory"));
  } else if (access(directory.c_str(), W_OK | X_OK) != 0) {
    place.Warn(Concat(directory, ": this user may not write there"));
  }
}

// What all ranges of one side and family have: a call takes its ports there from any of them.
struct PortSupply {
  uint64_t pairs = 0;
  uint64_t widest = 0;  // Pairs of the widest range: what each worker has a share of.
  bool shared = false;
};
PortSupply SupplyOf(const std::vector<MediaConfig>& media, Side side, bool v4) {
  PortSupply supply;
  for (const MediaConfig& range : media) {
    if (range.side != side || range.address.is_v4() != v4) continue;
    const uint64_t pairs = MediaPorts::PairsIn(range);
    supply.pairs += pairs;
    supply.widest = std::max(supply.widest, pairs);
    supply.shared |= range.shared;
  }
  return supply;
}

// A side wants pairs for its calls, and for those that rest: their number is a matter of the rate.
void CheckPortSupply(const Reading& reading, Side side, bool v4) {
  constexpr uint64_t kCallSeconds = 40;  // A guess where no rate is told: many are not answered.
  constexpr uint64_t kRestSeconds = MediaPorts::kRest / std::chrono::seconds(1);
  const LimitsConfig& limits = reading.config.limits;
  const PortSupply supply = SupplyOf(reading.config.media, side, v4);
  if (supply.pairs == 0) return;
  const Node media = *reading.root->Find("media");
  const char* family = v4 ? "IPv4" : "IPv6";
  const auto workers = static_cast<uint64_t>(reading.config.node.workers);
  if (supply.widest < workers) {
    media.Warn(Concat("side ", SideName(side), " has fewer pairs of ", family,
                      " ports than node.workers, ", workers,
                      ": a worker without one refuses its calls"));
  }
  const bool video = RelaysVideo(reading.config);
  const uint64_t rate = limits.calls_per_second > 0
                            ? limits.calls_per_second
                            : (limits.calls + kCallSeconds - 1) / kCallSeconds;
  // Each worker has its part of the ports, and some have more than their part of the calls.
  const uint64_t carried = workers * CallsOnOneWorker(limits.calls, static_cast<uint16_t>(workers));
  const uint64_t used = MediaPorts::PairsMax(carried, video);
  const uint64_t a_second = MediaPorts::PairsMax(kRestSeconds, video);
  const uint64_t wanted = used + a_second * rate;
  if (supply.shared || supply.pairs >= wanted) return;
  const std::string what_rate =
      limits.calls_per_second > 0 ? Concat("R is ", rate, " (limits.calls_per_second)")
                                  : Concat("R is taken as ", rate, ", for calls of ", kCallSeconds,
                                           " s, as limits.calls_per_second is not set");
  media.Warn(Concat("side ", SideName(side), " has ", supply.pairs, " pairs of ", family,
                    " ports and wants ", wanted, ": ", limits.calls, " calls (limits.calls)",
                    video ? " with video" : "",
                    workers > 1 ? Concat(" on ", workers, " workers, whose parts are uneven,") : "",
                    " have ", used, ", and a pair rests ", kRestSeconds,
                    " s after its call, so at R call attempts a second ", a_second,
                    " x R more rest; ", what_rate));
}

// Rule 11 of the packet core: say it at start, not when a call cannot be opened.
void CheckCapacity(const Reading& reading) {
  const Config& config = reading.config;
  if (config.media.empty()) return;
  const Node media = *reading.root->Find("media");
  for (const Side side : {Side::kCustomer, Side::kTrunk}) {
    for (const bool v4 : {true, false}) CheckPortSupply(reading, side, v4);
  }
  const uint64_t files = FilesWanted(config);
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && files > limit.rlim_max) {
    media.Warn(Concat("with these ports a start wants ", files,
                      " descriptors, and the hard limit of open files is ", limit.rlim_max,
                      "; without them there is no start"));
  }
}

}  // namespace

void CheckConfig(Reading* reading) {
  CheckListeners(*reading);
  CheckDpdk(*reading);
  CheckMedia(*reading);
  CheckMediaSettings(*reading);
  CheckLogging(*reading);
  CheckIds(*reading);
  CheckInventories(*reading);
  CheckRoutes(*reading);
  CheckCustomers(*reading);
  CheckSides(*reading);
  CheckReserve(reading);
  CheckLogs(*reading);
  CheckCapacity(*reading);
}

}  // namespace sbc

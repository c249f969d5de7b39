#include "sbc/config_reader.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/check.h"
#include "core/base/concat.h"
#include "core/sip/header_id.h"
#include "sbc/header_policy.h"
#include "sbc/source_rates.h"

namespace sbc {
namespace {

using core::Concat;
using core::config::Document;
using core::config::DurationRange;
using core::config::EnumName;
using core::config::Node;
using core::config::Range;

constexpr EnumName<PassPolicy> kPassPolicies[] = {{"refuse", PassPolicy::kRefuse},
                                                  {"pass", PassPolicy::kPass}};

void ReadLimits(const Node& node, LimitsConfig* config) {
  if (!node.ExpectMap()) return;
  node.Read("calls", &config->calls, Range{1, 1'000'000});
  node.Read("calls_per_second", &config->calls_per_second, Range{0, 1'000'000});
  node.Read("calls_per_second_per_source", &config->calls_per_second_per_source,
            Range{0, int64_t{SourceRates::kLimitMax}});
  node.Read("transactions", &config->transactions, Range{0, 16'000'000});
  node.RejectUnknownKeys();
}

void ReadFoldEarlyDialogs(const Node& node, PerSide<bool>* config) {
  if (node.is_scalar()) {
    bool both = false;
    if (node.Value(&both)) *config = {both, both};
    return;
  }
  if (!node.ExpectMap()) return;
  node.Read("customer", &config->customer);
  node.Read("trunk", &config->trunk);
  node.RejectUnknownKeys();
}

void ReadPassPolicy(const Node& node, PerSide<PassPolicy>* config) {
  const std::span<const EnumName<PassPolicy>> names(kPassPolicies);
  if (node.is_scalar()) {
    PassPolicy both = PassPolicy::kRefuse;
    if (node.Value(&both, names)) *config = {both, both};
    return;
  }
  if (!node.ExpectMap()) return;
  node.Read("customer", &config->customer, names);
  node.Read("trunk", &config->trunk, names);
  node.RejectUnknownKeys();
}

void ReadSip(const Node& node, SipConfig* config) {
  if (!node.ExpectMap()) return;
  const DurationRange timers{10ms, 60s};
  node.Read("t1", &config->t1, timers);
  node.Read("t2", &config->t2, timers);
  node.Read("t4", &config->t4, timers);
  node.Read("session_expires", &config->session_expires, DurationRange{90s, 24h});
  node.Read("min_se", &config->min_se, DurationRange{90s, 24h});
  if (const auto fold = node.Find("fold_early_dialogs")) {
    ReadFoldEarlyDialogs(*fold, &config->fold_early_dialogs);
  }
  node.RejectUnknownKeys();
  if (config->t1 > config->t2) node.Error("t1 is longer than t2, up to which it doubles");
  if (config->session_expires < config->min_se)
    node.Error("session_expires is shorter than min_se");
}

void ReadDns(const Node& node, DnsConfig* config) {
  constexpr uint16_t kDnsPort = 53;
  if (!node.ExpectMap()) return;
  if (const auto servers = node.Find("servers")) {
    config->servers.clear();
    for (const Node& server : servers->Items()) {
      core::Endpoint endpoint;
      core::IpAddress ip;
      if (core::IpAddress::Parse(server.scalar(), &ip)) {
        config->servers.push_back({ip, kDnsPort});
      } else if (core::Endpoint::Parse(server.scalar(), &endpoint) && endpoint.port != 0) {
        config->servers.push_back(endpoint);
      } else {
        (void)server.Wanted("an address with or without a port, such as 10.0.0.2 or [::1]:5353");
      }
    }
  }
  node.Read("stale_max", &config->stale_max, DurationRange{0s, 24h * 7});
  node.RejectUnknownKeys();
}

// token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")   RFC 3261 §25.1
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
  });
}

void ReadHeaders(const Node& node, HeadersConfig* config) {
  constexpr size_t kPassMax = 32;  // Each costs a comparison on each unknown header field.
  if (!node.ExpectMap()) return;
  if (const auto pass = node.Find("pass")) {
    config->pass.clear();
    for (const Node& item : pass->Items()) {
      const std::string name(item.scalar());
      const core::sip::HeaderId id = core::sip::FindHeaderId(name);
      if (!IsToken(name)) {
        (void)item.Wanted("the name of a header field");
      } else if (IsNeverPassed(id)) {  // Taken, it would do nothing.
        item.Error(Concat(name, " is never passed: ", RuleOf(id).why));
      } else {
        config->pass.push_back(name);
      }
    }
    if (config->pass.size() > kPassMax) {
      pass->Error(Concat(config->pass.size(), " names; at most ", kPassMax, " are wanted"));
    }
  }
  node.RejectUnknownKeys();
}

void ReadCallerId(const Node& node, CallerIdConfig* config) {
  if (!node.ExpectMap()) return;
  node.Read("allow_diverted", &config->allow_diverted);
  node.RejectUnknownKeys();
}

void ReadEmergency(const Node& node, EmergencyConfig* config) {
  if (!node.ExpectMap()) return;
  if (const auto numbers = node.Find("numbers")) {
    EmergencyNumbers read;
    for (const Node& item : numbers->Items()) {
      if (read.size() == EmergencyNumbers::kNumbersMax) {
        item.Error(Concat("more than ", EmergencyNumbers::kNumbersMax, " numbers"));
        break;
      }
      if (!read.Add(item.scalar())) (void)item.Wanted("an emergency number of 2 to 8 digits");
    }
    if (numbers->is_list() && read.size() == 0) {
      numbers->Warn("no number is an emergency: all calls can be refused");
    }
    config->numbers = read;
  }
  node.Read("reserve_calls", &config->reserve_calls, Range{0, 10'000});
  node.RejectUnknownKeys();
}

void ReadAdmin(const Node& node, AdminConfig* config) {
  if (!node.ExpectMap()) return;
  if (const auto address = node.Find("address")) {
    // 0.0.0.0 is fine here: nobody is told this address.
    (void)address->Value(&config->local.ip);
    if (!config->local.ip.is_loopback()) {
      address->Warn("anyone who reaches this address may read and command; it has no passwords");
    }
  }
  node.Read("port", &config->local.port, Range{1, 65535});
  node.RejectUnknownKeys();
}

void ReadLogs(const Node& node, const Reading& reading, LogsConfig* config) {
  if (!node.ExpectMap()) return;
  std::string directory;
  node.Read("directory", &directory);
  if (!directory.empty()) config->directory = reading.PathOf(directory);
  node.RejectUnknownKeys();
}

void ReadRoot(const Node& root, Reading* reading) {
  Config* config = &reading->config;
  if (!root.ExpectMap()) return;
  if (const auto node = root.Find("node")) ReadNode(*node, &config->node);
  if (const auto node = root.Find("limits")) ReadLimits(*node, &config->limits);
  if (const auto node = root.Find("listeners")) ReadListeners(*node, reading);
  if (const auto node = root.Find("media")) ReadMedia(*node, reading);
  // Before the connectors, which start from these.
  if (const auto node = root.Find("failover")) ReadFailover(*node, &config->failover);
  if (const auto node = root.Find("rejections")) ReadRejections(*node, &config->rejections);
  if (const auto node = root.Find("connectors")) ReadConnectors(*node, reading);
  if (const auto node = root.Find("sip")) ReadSip(*node, &config->sip);
  if (const auto node = root.Find("dns")) ReadDns(*node, &config->dns);
  if (const auto node = root.Find("headers")) ReadHeaders(*node, &config->headers);
  if (const auto node = root.Find("transfer")) {
    ReadPassPolicy(*node, &config->transfer);
  }
  if (const auto node = root.Find("redirect")) {
    ReadPassPolicy(*node, &config->redirect);
  }
  if (const auto node = root.Find("message")) {
    ReadPassPolicy(*node, &config->message);
  }
  if (const auto node = root.Find("caller_id")) ReadCallerId(*node, &config->caller_id);
  if (const auto node = root.Find("emergency")) ReadEmergency(*node, &config->emergency);
  root.Read("local_networks", &config->local_networks);
  root.Read("drain_timeout", &config->drain_timeout, DurationRange{0s, 24h});
  if (const auto node = root.Find("admin")) ReadAdmin(*node, &config->admin);
  if (const auto node = root.Find("logs")) ReadLogs(*node, *reading, &config->logs);
  root.RejectUnknownKeys();
}

absl::StatusOr<Config> ReadDocument(Document document, const std::string& path) {
  Reading reading;
  reading.config.path = path;
  reading.directory = path.substr(0, path.rfind('/') + 1);
  reading.documents.push_back(std::move(document));
  const Node root = reading.documents.front().root(&reading.diagnostics);
  reading.root = root;
  ReadRoot(root, &reading);
  // A half-read file would only add complaints that go away with the first mistakes.
  if (reading.diagnostics.ok()) CheckConfig(&reading);
  const absl::Status status = reading.diagnostics.ToStatus();
  if (!status.ok()) return status;
  reading.config.warnings = reading.diagnostics.warnings();
  return std::move(reading.config);
}

}  // namespace

std::string Reading::PathOf(std::string_view file) const {
  return file.starts_with('/') ? std::string(file) : Concat(directory, file);
}

void ReadFailover(const Node& node, FailoverConfig* config) {
  if (!node.ExpectMap()) return;
  const DurationRange timer{10ms, 1h};
  node.Read("codes", &config->codes, Range{400, 599});
  node.Read("answer_timeout", &config->answer_timeout, timer);
  node.Read("progress_timeout", &config->progress_timeout, timer);
  node.Read("ring_timeout", &config->ring_timeout, timer);
  node.Read("total_timeout", &config->total_timeout, timer);
  node.Read("options_interval", &config->options_interval, DurationRange{0s, 24h});
  node.Read("options_timeout", &config->options_timeout, timer);
  node.RejectUnknownKeys();
  for (const uint16_t code : config->codes) {
    // The peer asks for a password, and another route would not know a better one (rule 7).
    if (code == 401 || code == 407) node.Error(Concat("codes: ", code, " never leads to failover"));
  }
}

void ReadRejections(const Node& node, RejectionsConfig* config) {
  if (!node.ExpectMap()) return;
  for (size_t i = 0; i < kRejectionCodeCount; ++i) {
    const auto cause = static_cast<RejectionCause>(i);
    // Silence must come before a transaction, which says 100, and only who may call is judged so
    // early. (Also whose the number is, but only where connectors share a trunk.)
    const bool may_drop = cause == RejectionCause::kCidr;
    const auto value = node.Find(RejectionCauseName(cause));
    if (!value) continue;
    if (value->scalar() == "drop" && may_drop) {
      config->codes[i] = RejectionsConfig::kDrop;
    } else if (value->scalar() == "drop") {
      value->Error(
          "drop is for cidr alone: whatever else is refused, is refused after our 100; wanted is a "
          "response code of 400 to 699");
    } else if (value->scalar().empty() ||
               value->scalar().find_first_not_of("0123456789") != std::string_view::npos) {
      (void)value->Wanted(may_drop ? "a response code of 400 to 699, or drop"
                                   : "a response code of 400 to 699");
    } else {
      const bool read = value->Value(&config->codes[i], Range{400, 699});
      if (read && cause == RejectionCause::kCidr) {
        value->Warn("for sources that may reach us, as routes may; all others get silence");
      }
    }
  }
  node.RejectUnknownKeys();
}

absl::StatusOr<Config> ReadConfig(const std::string& path) {
  absl::StatusOr<Document> document = Document::Load(path);
  if (!document.ok()) return document.status();
  return ReadDocument(std::move(*document), path);
}

absl::StatusOr<Config> ParseConfig(std::string_view text, const std::string& path) {
  absl::StatusOr<Document> document = Document::Parse(text, path);
  if (!document.ok()) return document.status();
  return ReadDocument(std::move(*document), path);
}

}  // namespace sbc

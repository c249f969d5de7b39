#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/sip/message.h"
#include "sbc/host_table.h"
#include "sbc/policy.h"

namespace sbc {

inline core::IpAddress Ip(std::string_view text) {
  core::IpAddress ip;
  EXPECT_TRUE(core::IpAddress::Parse(text, &ip)) << text;
  return ip;
}

inline core::Cidr Block(std::string_view text) {
  core::Cidr cidr;
  EXPECT_TRUE(core::Cidr::Parse(text, &cidr)) << text;
  return cidr;
}

inline constexpr std::string_view kConnectorA = "aaaaaaaaaaaaaaaaaaaaaa";
inline constexpr std::string_view kConnectorB = "bbbbbbbbbbbbbbbbbbbbbb";

/// A connector whose customer is `customer`, behind the trunk block 3.80.16.0/23, calling the US.
inline ConnectorConfig ConnectorOf(std::string_view id, std::string_view customer) {
  ConnectorConfig connector;
  connector.id = id;
  connector.trunk.host = connector.id + ".voiceconnector.chime.aws";
  connector.trunk.cidrs = {Block("3.80.16.0/23")};
  connector.termination.calling_regions = {{{'U', 'S'}}};
  connector.customers.push_back({.cidrs = {Block(customer)}, .nat = false, .credentials = {}});
  RouteConfig route;
  route.host = "198.51.100.204";
  route.ip = Ip(route.host);
  connector.routes.push_back(route);
  return connector;
}

/// A small configuration: connector A, a listener on each side.
inline Config SmallConfig() {
  Config config;
  config.listeners.resize(2);
  config.listeners[0].side = ListenerSide::kCustomer;
  config.listeners[0].local = {Ip("10.0.0.1"), 5060};
  config.listeners[1].side = ListenerSide::kTrunk;
  config.listeners[1].local = {Ip("10.1.0.1"), 5060};
  config.listeners[1].advertise = Ip("203.0.113.10");
  config.connectors.push_back(ConnectorOf(kConnectorA, "198.51.100.204/32"));
  EXPECT_TRUE(config.emergency.numbers.size() > 0 || config.emergency.numbers.Add("911"));
  return config;
}

/// A Policy and what it needs.
class PolicyBed {
 public:
  explicit PolicyBed(const Config& config) {
    auto built = Policy::Build(config, &registry_);
    EXPECT_TRUE(built.ok()) << built.status().message();
    policy_ = std::move(*built);
  }

  const Policy& operator*() const { return *policy_; }
  const Policy* operator->() const { return policy_.get(); }
  const Connector& connector(size_t index = 0) const { return policy_->connector(index); }
  HostTable& hosts() { return hosts_; }
  HostRegistry& registry() { return registry_; }

 private:
  HostRegistry registry_{64};
  HostTable hosts_{64};
  std::unique_ptr<Policy> policy_;
};

/// A message kept together with the bytes it indexes. `lines` is the start line and header fields,
/// each ending in "\n"; those that every request has are added.
class IndexedMessage {
 public:
  explicit IndexedMessage(std::string_view lines) {
    for (const char c : lines) {
      if (c == '\n') bytes_ += '\r';
      bytes_ += c;
    }
    bytes_ += "Call-ID: 1@example.com\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(message_.Index(bytes_), core::sip::ParseError::kOk) << bytes_;
  }
  IndexedMessage(const IndexedMessage&) = delete;
  IndexedMessage& operator=(const IndexedMessage&) = delete;

  const core::sip::Message& operator*() const { return message_; }

 private:
  std::string bytes_;
  core::sip::Message message_;
};

}  // namespace sbc

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/config/yaml.h"
#include "sbc/config.h"

// The inside of ReadConfig(): one function for each section of the file, and the places in it that
// the checks between sections point at. What each reads and by default holds is in sbc/config.h.

namespace sbc {

/// What a configuration is read into.
///
/// Lifetime: of one reading. Keeps every document, because the Nodes in Places borrow them.
struct Reading {
  /// A block of addresses and where it was written.
  struct Block {
    core::Cidr cidr;
    core::config::Node node;
  };
  /// Where a connector's parts were written; same order as in the configuration.
  struct ConnectorPlaces {
    core::config::Node node;
    std::vector<core::config::Node> routes;
    std::vector<Block> customers;
    std::vector<Block> trunk;
  };

  Config config;
  core::config::Diagnostics diagnostics;
  std::string directory;  // Relative paths begin here; empty, or ending in '/'.
  std::vector<core::config::Document> documents;
  std::optional<core::config::Node> root;
  std::vector<core::config::Node> listeners;  // One each of config.listeners; likewise the others.
  std::vector<core::config::Node> media;
  std::vector<ConnectorPlaces> connectors;

  std::string PathOf(std::string_view file) const;
};

/// One connector, while it is read.
struct ConnectorReading {
  Reading* whole;
  ConnectorConfig config;
  Reading::ConnectorPlaces places;
};

void ReadNode(const core::config::Node& node, NodeConfig* config);
void ReadListeners(const core::config::Node& node, Reading* reading);
void ReadMedia(const core::config::Node& node, Reading* reading);
void ReadConnectors(const core::config::Node& node, Reading* reading);
void ReadFailover(const core::config::Node& node, FailoverConfig* config);
void ReadRejections(const core::config::Node& node, RejectionsConfig* config);

// A connector's three objects in AWS's own words, pasted or by `{file: ...}`.
void ReadTermination(const core::config::Node& node, ConnectorReading* connector);
void ReadOrigination(const core::config::Node& node, ConnectorReading* connector);
void ReadLogging(const core::config::Node& node, ConnectorReading* connector);
void ReadRoutes(const core::config::Node& node, ConnectorReading* connector);

/// A host name or an address; brackets around IPv6 are taken off.
void ReadHost(const core::config::Node& node, std::string* host,
              std::optional<core::IpAddress>* ip);
/// Anything but UDP is refused here, plainly.
void ReadTransport(const core::config::Node& node, TransportKind* transport);
/// An E.164 number, kept in its normal form.
bool ReadNumber(const core::config::Node& node, HomePlan home, std::string* number);
/// An address that a socket can be bound to, or that a peer can be told.
bool ReadOwnAddress(const core::config::Node& node, core::IpAddress* address);

/// What only shows when all sections are there: duplicates, overlaps, a route back to ourselves.
void CheckConfig(Reading* reading);

}  // namespace sbc

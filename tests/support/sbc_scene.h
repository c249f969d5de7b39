#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/sbc_world.h"
#include "tests/support/sim_user_agent.h"

namespace tests {

/// What a test of whole calls begins with: one SBC, a PBX (127.0.0.4, two more at .5 and .6) and
/// the Voice Connector (127.0.0.9), on a quiet network.
///
/// Shape: the PBXs' numbers begin with +16185558, the world's with +18155558.
class SbcScene {
 public:
  struct Options {
    std::string termination =
        "CpsLimit: 0, CallingRegions: [US], "
        "CidrAllowedList: [127.0.0.4/30], Disabled: false";
    std::string routes = "{Host: 127.0.0.4, Priority: 1, Weight: 1}";
    std::string trunk = "host: 127.0.0.9, cidrs: [127.0.0.9/32]";
    std::string connector = "";  // Further lines of the connector, indented by four.
    std::string listeners = "";  // Further ones, a line each, indented by two.
    std::string global = "";     // Further lines, from the first column.
    std::string failover = "options_interval: 0s";
    std::string limits = "calls: 100";
    uint16_t workers = 1;
    uint64_t seed = 1;
    TurnMeter* meter = nullptr;
  };

  explicit SbcScene(const Options& options);
  SbcScene() : SbcScene(Options()) {}

  /// Prints what was said where the running test has failed.
  ~SbcScene();
  SbcScene(const SbcScene&) = delete;
  SbcScene& operator=(const SbcScene&) = delete;

  static std::string Yaml(const Options& options);

  void Run(core::Duration duration) { simulation.RunFor(duration); }
  /// After all timers: nothing may be held, and what crossed hid the other side.
  void ExpectClean();
  /// No header field of what one side got may show anything of the other.
  void ExpectTopologyHidden();
  /// A call from the PBX through to a confirmed dialog with the trunk, or the other way.
  size_t Outbound(SimPlan plan = {});
  size_t Inbound(SimPlan plan = {});
  const sbc::CallRecord& record(size_t index = 0) { return world->records().at(index); }
  sbc::B2buaCounters counters();

  SimNetwork network;
  Simulation simulation;
  SimUserAgent pbx;
  SimUserAgent pbx2;
  SimUserAgent pbx3;
  SimUserAgent trunk;
  std::unique_ptr<SbcWorld> world;
};

/// All that a peer says of itself in its header fields, and all that the SBC told it of itself.
std::set<std::string> SecretsOf(const SimUserAgent& agent);

}  // namespace tests

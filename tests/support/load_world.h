#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "loadgen/injection_file.h"
#include "loadgen/load_worker.h"
#include "loadgen/options.h"
#include "loadgen/render_context.h"
#include "loadgen/scenario.h"
#include "loadgen/trace.h"
#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"
#include "tests/support/simulation.h"

namespace tests {

/// One generator in the simulated network: all of ringfence-load but its command line and files.
class LoadNode final : public Participant {
 public:
  struct Config {
    std::string scenario;          // XML, or the name of a built-in one.
    std::string out_of_call = {};  // The same; empty: none.
    loadgen::Options options = {};
    core::Endpoint local = {};
    core::Endpoint remote = {};                // Of a client.
    std::vector<std::string> injections = {};  // Texts of -inf files, named "0", "1"...
    std::optional<size_t> index_field = {};    // -infindex, of each.
    uint64_t seed = 1;
  };

  LoadNode(SimNetwork* network, Config config);
  ~LoadNode() override;

  void Turn() override { worker_->Turn(); }
  core::Instant NextDue() const override {
    return worker_->phase() == loadgen::LoadWorker::Phase::kEnded ? core::kNever
                                                                  : worker_->NextDue();
  }

  SimIo* io() { return &io_; }
  loadgen::LoadWorker& worker() { return *worker_; }
  const loadgen::Statistics& statistics() const { return worker_->statistics(); }
  const loadgen::CallCounts& counts() const { return worker_->statistics().counts; }
  const loadgen::StepCounts& step(size_t index) const { return worker_->statistics().steps[index]; }
  uint64_t failed_by(loadgen::Failure failure) const {
    return counts().failures[static_cast<size_t>(failure)];
  }
  /// What -trace_err would hold.
  const std::string& warnings() const { return warnings_.text; }
  const Config& config() const { return config_; }
  const loadgen::Scenario& scenario() const { return *scenario_; }

 private:
  class TextSink final : public core::LogSink {
   public:
    void Write(std::string_view line) override { text += line; }
    std::string text;
  };
  std::unique_ptr<loadgen::Scenario> Load(const std::string& scenario);

  Config config_;
  SimIo io_;
  core::Random random_;
  loadgen::InjectionFiles injections_;
  std::unique_ptr<loadgen::Scenario> scenario_;
  std::unique_ptr<loadgen::Scenario> out_of_call_;
  std::string local_ip_;
  std::string remote_ip_;
  loadgen::RunValues values_;
  TextSink warnings_;
  loadgen::Trace trace_;
  std::unique_ptr<loadgen::LoadWorker> worker_;
};

/// A peer that a test plays by hand: it keeps what it gets, and sends what it is told.
class ScriptedPeer final : public Participant {
 public:
  struct Arrival {
    core::Instant at;
    core::Endpoint from;
    std::string text;
  };

  ScriptedPeer(SimNetwork* network, const core::Endpoint& local);

  void Turn() override;
  core::Instant NextDue() const override { return core::kNever; }

  SimIo* io() { return &io_; }
  void Send(const core::Endpoint& to, std::string_view text);
  /// Sends to where the last message came from.
  void Reply(std::string_view text) { Send(received.back().from, text); }
  /// `status_line` ("200 OK") in answer to a request, with a To tag if `tag` is not empty.
  void Answer(const std::string& request, std::string_view status_line, std::string_view tag,
              std::string_view more_headers = {});

  const std::string& last() const { return received.back().text; }
  size_t Count(std::string_view start) const;  // Of messages that start so.

  std::vector<Arrival> received;

 private:
  SimNetwork* network_;
  SimIo io_;
  core::PacketStore store_;
  core::SocketId socket_;
  core::Endpoint local_;
};

/// A network with generators and scripted peers in it.
class LoadWorld {
 public:
  explicit LoadWorld(uint64_t seed = 1) : network_(seed), simulation_(&network_) {}

  /// The options of a run, as the command line has them.
  static loadgen::Options OptionsOf(const std::vector<const char*>& arguments);
  static core::Endpoint At(std::string_view endpoint);

  LoadNode& AddServer(const std::string& scenario,
                      const std::vector<const char*>& arguments = {"-m", "1"});
  LoadNode& AddClient(const std::string& scenario,
                      const std::vector<const char*>& arguments = {"-m", "1"});
  LoadNode& Add(LoadNode::Config config);
  ScriptedPeer& AddPeer(const core::Endpoint& local);
  ScriptedPeer& AddPeerAsServer() { return AddPeer(server()); }

  core::Endpoint server() const { return At("10.0.0.2:5060"); }
  core::Endpoint client() const { return At("10.0.0.1:5060"); }

  SimNetwork& network() { return network_; }
  core::Instant now() { return simulation_.now(); }
  void RunFor(core::Duration duration) { simulation_.RunFor(duration); }
  /// Until all that is going on is over. False when that takes longer than an hour.
  [[nodiscard]] bool RunToEnd();

 private:
  SimNetwork network_;
  Simulation simulation_;
  std::vector<std::unique_ptr<LoadNode>> nodes_;
  std::vector<std::unique_ptr<ScriptedPeer>> peers_;
};

/// The value of the first header field of that name; empty where there is none.
std::string HeaderOf(std::string_view message, std::string_view name);

}  // namespace tests

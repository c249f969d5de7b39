#include "tests/support/load_world.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "core/sip/message.h"
#include "loadgen/addresses.h"
#include "loadgen/builtin_scenarios.h"
#include "loadgen/scenario_loader.h"

namespace tests {
namespace {

using core::Endpoint;

constexpr uint32_t kPid = 4711;

}  // namespace

std::unique_ptr<loadgen::Scenario> LoadNode::Load(const std::string& scenario) {
  const auto builtin = loadgen::FindBuiltinScenario(scenario);
  auto loaded = loadgen::LoadScenario(builtin ? *builtin : std::string_view(scenario), "test.xml",
                                      {.injections = &injections_, .keys = &config_.options.keys});
  if (!loaded.ok()) {
    (void)std::fprintf(stderr, "%s\n", std::string(loaded.status().message()).c_str());
  }
  CHECK(loaded.ok());
  return *std::move(loaded);
}

LoadNode::LoadNode(SimNetwork* network, Config config)
    : config_(std::move(config)),
      io_(network),
      random_(config_.seed),
      trace_({.errors = &warnings_}) {
  for (size_t i = 0; i < config_.injections.size(); ++i) {
    auto file = loadgen::InjectionFile::Parse(config_.injections[i], core::Concat(i));
    CHECK(file.ok());
    if (config_.index_field) CHECK((*file)->Index(*config_.index_field).ok());
    CHECK(injections_.Add(*std::move(file)).ok());
  }
  scenario_ = Load(config_.scenario);
  if (!config_.out_of_call.empty()) out_of_call_ = Load(config_.out_of_call);
  local_ip_ = loadgen::PrintedAddress(config_.local.ip);
  remote_ip_ = loadgen::PrintedAddress(config_.remote.ip);
  values_ = {.remote_ip = remote_ip_,
             .remote_host = remote_ip_,
             .local_ip = local_ip_,
             .server_ip = local_ip_,
             .media_ip = local_ip_,
             .service = config_.options.service,
             .auth_username = config_.options.auth_username,
             .auth_password = config_.options.auth_password,
             .version = "test",
             .remote_port = config_.remote.port,
             .local_port = config_.local.port,
             .media_port = config_.options.media_port,
             .pid = kPid,
             .users = config_.options.users};
  auto socket = io_.Open({.local = config_.local});
  CHECK(socket.ok());
  worker_ = std::make_unique<loadgen::LoadWorker>(
      loadgen::LoadWorker::Parts{.options = &config_.options,
                                 .run = &values_,
                                 .injections = &injections_,
                                 .scenario = scenario_.get(),
                                 .out_of_call = out_of_call_.get(),
                                 .io = &io_,
                                 .clock = &network->clock(),
                                 .random = &random_,
                                 .trace = &trace_,
                                 .socket = *socket,
                                 .local = config_.local,
                                 .target = config_.remote});
}

LoadNode::~LoadNode() = default;

ScriptedPeer::ScriptedPeer(SimNetwork* network, const Endpoint& local)
    : network_(network),
      io_(network),
      store_({.small = 256, .medium = 64, .large = 4}),
      local_(local) {
  auto socket = io_.Open({.local = local});
  CHECK(socket.ok());
  socket_ = *socket;
}

void ScriptedPeer::Turn() {
  io_.FlushAndWait(network_->clock().Now());
  for (const core::Packet& packet : io_.Receive()) {
    received.push_back({network_->clock().Now(), packet.remote(), std::string(packet.text())});
  }
}

void ScriptedPeer::Send(const Endpoint& to, std::string_view text) {
  core::Packet packet = store_.Copy(text);
  CHECK(packet);
  packet.SetRoute(socket_, local_, to);
  io_.Send(std::move(packet));
}

void ScriptedPeer::Answer(const std::string& request, std::string_view status_line,
                          std::string_view tag, std::string_view more_headers) {
  const std::string to = HeaderOf(request, "To");
  Reply(core::Concat("SIP/2.0 ", status_line, "\r\nVia: ", HeaderOf(request, "Via"),
                     "\r\nFrom: ", HeaderOf(request, "From"), "\r\nTo: ", to,
                     tag.empty() ? "" : ";tag=", tag, "\r\nCall-ID: ", HeaderOf(request, "Call-ID"),
                     "\r\nCSeq: ", HeaderOf(request, "CSeq"), "\r\n", more_headers,
                     "Content-Length: 0\r\n\r\n"));
}

size_t ScriptedPeer::Count(std::string_view start) const {
  return static_cast<size_t>(
      std::count_if(received.begin(), received.end(),
                    [start](const Arrival& arrival) { return arrival.text.starts_with(start); }));
}

loadgen::Options LoadWorld::OptionsOf(const std::vector<const char*>& arguments) {
  auto options = loadgen::ParseOptions(arguments);
  CHECK(options.ok());
  return *std::move(options);
}

Endpoint LoadWorld::At(std::string_view text) {
  Endpoint endpoint;
  CHECK(Endpoint::Parse(text, &endpoint));
  return endpoint;
}

LoadNode& LoadWorld::Add(LoadNode::Config config) {
  nodes_.push_back(std::make_unique<LoadNode>(&network_, std::move(config)));
  simulation_.Add(nodes_.back().get(), nodes_.back()->io());
  return *nodes_.back();
}

LoadNode& LoadWorld::AddServer(const std::string& scenario,
                               const std::vector<const char*>& arguments) {
  loadgen::Options options = OptionsOf(arguments);
  if (options.calls_at_once == 0) options.calls_at_once = 1000;  // A test needs no more memory.
  return Add({.scenario = scenario, .options = std::move(options), .local = server()});
}

LoadNode& LoadWorld::AddClient(const std::string& scenario,
                               const std::vector<const char*>& arguments) {
  return Add({.scenario = scenario,
              .options = OptionsOf(arguments),
              .local = client(),
              .remote = server()});
}

ScriptedPeer& LoadWorld::AddPeer(const Endpoint& local) {
  peers_.push_back(std::make_unique<ScriptedPeer>(&network_, local));
  simulation_.Add(peers_.back().get(), peers_.back()->io());
  return *peers_.back();
}

bool LoadWorld::RunToEnd() { return simulation_.RunUntilIdle(now() + std::chrono::hours(1)); }

std::string HeaderOf(std::string_view text, std::string_view name) {
  core::sip::Message message;
  (void)message.Index(text);
  return std::string(message.FindByName(name).value_or(""));
}

}  // namespace tests

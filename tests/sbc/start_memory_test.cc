// Memory that runs out anywhere in a start ends it with exit code 1 and says so: no crash, no hang,
// and no program that runs with half of what it needs. (Issue of the first call, section 7.)

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "core/base/check.h"
#include "core/base/lazy_array.h"
#include "core/base/out_of_memory.h"
#include "core/time/clock.h"
#include "sbc/config.h"
#include "sbc/control/control.h"
#include "sbc/control/signals.h"
#include "sbc/control/standard_error.h"
#include "tests/support/failing_start.h"
#include "tests/support/sbc_world.h"
#include "tests/support/sim_network.h"
#include "tests/support/simulation.h"

namespace tests {
namespace {

constexpr char kYaml[] = R"(
limits: {calls: 100}
listeners:
  - {side: customer, address: 127.0.0.2}
  - {side: trunk, address: 127.0.0.3}
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    trunk: {host: 127.0.0.9, cidrs: [127.0.0.9/32]}
    termination: {CallingRegions: [US], CidrAllowedList: [127.0.0.4/32]}
    origination: {Routes: [{Host: 127.0.0.4, Priority: 1, Weight: 1}]}
)";

// What makes a worker: its configuration, tables, pools and network, the simulated one. On one
// thread, so that each allocation has its number.
int StartInSimulation() {
  core::ExitWhenOutOfMemory({"test", "lower limits.calls"});
  SimNetwork network(1);
  Simulation simulation(&network);
  SbcWorld world({.yaml = kYaml}, &network, &simulation);
  return world.worker().NextDue() > core::Instant{} ? 0 : 2;
}

// A port that is free now, of either kind.
uint16_t FreePort(int type) {
  const int fd = socket(AF_INET, type, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(fd >= 0 && bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

/// A node's files: its configuration with what it references, and the folder of its logs.
class NodeFiles {
 public:
  NodeFiles() {
    char name[] = "/tmp/ringfence-start-XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    folder_ = name;
    std::ofstream(folder_ + "/termination.json")
        << R"({"Termination": {"CpsLimit": 1, "CallingRegions": ["US"],)"
        << R"( "CidrAllowedList": ["127.0.0.4/32"], "Disabled": false}})";
    std::ofstream(path())
        << "node: {workers: 2}\nlimits: {calls: 10}\nlisteners:\n"
        << Listener("customer") << Listener("trunk")
        << "admin: {address: 127.0.0.1, port: " << FreePort(SOCK_STREAM) << "}\n"
        << "logs: {directory: " << folder_ << "}\nconnectors:\n"
        << "  - id: dr3rbaar376u5r4ntcnlq4\n"
        << "    trunk: {host: 127.0.0.9, cidrs: [127.0.0.9/32]}\n"
        << "    termination: {file: termination.json}\n"
        << "    origination: {Routes: [{Host: 127.0.0.4, Priority: 1, Weight: 1}]}\n"
        << "media:\n"
        << "  - {side: customer, address: 127.0.0.1, ports: 18600-18619}\n"
        << "  - {side: trunk, address: 127.0.0.1, ports: 18620-18639}\n";
  }
  ~NodeFiles() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/sbc.yaml"; }

 private:
  static std::string Listener(const std::string& side) {
    return "  - {side: " + side +
           ", address: 127.0.0.1, port: " + std::to_string(FreePort(SOCK_DGRAM)) + "}\n";
  }
  std::string folder_;
};

std::string* config_path = nullptr;

// All that sbc/main.cc does, files, ring, threads and the control thread's own things too; SIGTERM
// ends it as soon as it runs.
int StartNode() {
  core::ExitWhenOutOfMemory({"test", "lower limits.calls"});
  auto config = sbc::ReadConfig(*config_path);
  if (!config.ok()) return 2;
  if (sbc::DescribeConfig(*config).empty()) return 2;
  sbc::Signals signals;
  core::KernelClock clock;
  sbc::StandardError log;
  sbc::Control control({.config = std::move(*config),
                        .version = "test",
                        .clock = &clock,
                        .log = &log,
                        .signals = &signals});
  const absl::Status status = control.Start();
  if (!status.ok()) {
    (void)std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return 3;
  }
  (void)kill(getpid(), SIGTERM);
  control.Run();
  return 0;
}

TEST(StartMemoryTest, EachAllocationOfAWorkersStartMayFail) {
  EXPECT_GT(ExpectEachAllocationMayFail(&StartInSimulation, 1), 100u);
}

TEST(StartMemoryTest, EachAllocationOfANodesStartMayFail) {
  NodeFiles files;
  std::string path = files.path();
  config_path = &path;
  EXPECT_GT(ExpectEachAllocationMayFail(&StartNode, 1), 100u);
}

// A table is mapped, not allocated, and says the same.
TEST(StartMemoryTest, AddressSpaceThatIsRefusedIsToldAsMemoryIs) {
  EXPECT_EXIT(
      {
        core::ExitWhenOutOfMemory({"test", "lower limits.calls"});
        const core::LazyArray<char> table(size_t{1} << 62);
      },
      testing::ExitedWithCode(1), "test: out of memory: lower limits.calls");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)  // It maps terabytes for itself.
void StartAThreadInLittleMemory() noexcept {
  core::ExitWhenOutOfMemory({"test", "lower limits.calls"});
  const rlimit little = {1, 1};
  CHECK(setrlimit(RLIMIT_AS, &little) == 0);
  std::thread([] {}).join();
}

// So does a thread that cannot be started: a library's start of it would throw.
TEST(StartMemoryTest, AThreadThatIsRefusedIsTold) {
  EXPECT_EXIT(StartAThreadInLittleMemory(), testing::ExitedWithCode(1),
              "test: the system refuses something, a thread most likely");
}
#endif

}  // namespace
}  // namespace tests

#include "core/net/dpdk_setup.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "core/base/concat.h"
#include "core/base/status.h"

namespace core::net {
namespace {

constexpr uint64_t kMemoryMb = 64;  // A port's buffers are some 10 MB.

bool Mentions(const std::vector<std::string>& arguments, std::string_view option) {
  return std::ranges::any_of(arguments,
                             [&](const std::string& each) { return each.starts_with(option); });
}

uint64_t FreeHugepageMb() {
  uint64_t free_kb = 0;
  std::error_code missing;  // A kernel without hugepages has no such directory.
  for (const auto& size :
       std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", missing)) {
    uint64_t page_kb = 0;
    uint64_t pages = 0;
    const std::string name = size.path().filename();  // "hugepages-2048kB"
    if (std::sscanf(name.c_str(), "hugepages-%lu", &page_kb) != 1) continue;
    std::ifstream(size.path() / "free_hugepages") >> pages;
    free_kb += pages * page_kb;
  }
  return free_kb / 1024;
}

// The EAL ties its calling thread to one core. Where a worker runs is the engine's business.
class KeepAffinity {
 public:
  KeepAffinity() { known_ = sched_getaffinity(0, sizeof(set_), &set_) == 0; }
  KeepAffinity(const KeepAffinity&) = delete;
  KeepAffinity& operator=(const KeepAffinity&) = delete;
  ~KeepAffinity() {
    if (known_) (void)sched_setaffinity(0, sizeof(set_), &set_);  // They were ours before.
  }

 private:
  cpu_set_t set_ = {};
  bool known_ = false;
};

absl::Status Start(const DpdkEnvironment& environment) {
  const bool hugepages = FreeHugepageMb() >= kMemoryMb;
  if (!hugepages && DpdkDeviceIsPci(environment.device) &&
      !Mentions(environment.eal, "--no-huge")) {
    return absl::FailedPreconditionError(
        Concat("dpdk: device ", environment.device, ": a network card needs ", kMemoryMb,
               " MB of free hugepages and this machine has ", FreeHugepageMb(),
               ". Reserve them: sysctl vm.nr_hugepages=64"));
  }
  std::vector<std::string> arguments =
      DpdkArguments(environment, std::max(sched_getcpu(), 0), hugepages);
  std::vector<char*> pointers;
  for (std::string& each : arguments) pointers.push_back(each.data());
  const KeepAffinity keep;
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) >= 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      Concat("dpdk: its environment does not start: ", rte_strerror(rte_errno),
             ". What DPDK printed says more; its arguments were: ", Join(arguments, " ")));
}

std::string InterfaceOf(std::string_view device) {
  constexpr std::string_view kKey = ",iface=";
  const size_t at = device.find(kKey);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = device.substr(at + kKey.size());
  return std::string(rest.substr(0, rest.find(',')));
}

bool InterfaceIsUp(const std::string& interface) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;  // Unknown: DPDK will say.
  ifreq request = {};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  const bool known = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  close(fd);
  return !known || (request.ifr_flags & IFF_UP) != 0;
}

bool KernelHas(const IpAddress& address) {
  ifaddrs* all = nullptr;
  if (!address.is_v4() || getifaddrs(&all) != 0) return false;
  bool found = false;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    sockaddr_in ip;
    std::memcpy(&ip, each->ifa_addr, sizeof(ip));
    found = found || ntohl(ip.sin_addr.s_addr) == address.v4();
  }
  freeifaddrs(all);
  return found;
}

}  // namespace

bool DpdkDeviceIsPci(std::string_view device) {
  // "00:06.0", perhaps with "0000:" before it.
  const std::string_view shape = device.size() == 12 ? "xxxx:xx:xx.x" : "xx:xx.x";
  return std::ranges::equal(device, shape, [](char is, char wanted) {
    if (wanted != 'x') return is == wanted;
    return (is >= '0' && is <= '9') || (is >= 'a' && is <= 'f') || (is >= 'A' && is <= 'F');
  });
}

std::string DpdkDeviceName(std::string_view device) {
  if (!DpdkDeviceIsPci(device)) return std::string(device.substr(0, device.find(',')));
  return device.size() == 12 ? std::string(device) : Concat("0000:", device);
}

std::vector<std::string> DpdkArguments(const DpdkEnvironment& environment, int cpu,
                                       bool hugepages) {
  const std::vector<std::string>& eal = environment.eal;
  std::vector<std::string> arguments = {"ringfence", "--no-telemetry", "--log-level=warning"};
  arguments.push_back(Concat("--file-prefix=", environment.file_prefix));
  if (DpdkDeviceIsPci(environment.device)) {
    arguments.insert(arguments.end(), {"-a", DpdkDeviceName(environment.device)});
  } else {
    arguments.emplace_back("--no-pci");
  }
  if (hugepages && !Mentions(eal, "--no-huge")) {
    arguments.emplace_back("--in-memory");
  } else if (!Mentions(eal, "--no-huge")) {
    // Not --in-memory, which does not go with --no-huge; --no-shconf leaves no files either.
    arguments.insert(arguments.end(), {"--no-huge", "-m", std::to_string(kMemoryMb), "--no-shconf",
                                       "--iova-mode=va"});
  }
  // One core, or the EAL would start a thread on each of the others.
  if (!Mentions(eal, "-l") && !Mentions(eal, "-c") && !Mentions(eal, "--lcores")) {
    arguments.insert(arguments.end(), {"--lcores", Concat("0@", cpu)});
  }
  arguments.insert(arguments.end(), eal.begin(), eal.end());
  return arguments;
}

absl::Status StartDpdk(const DpdkEnvironment& environment) {
  // Never destroyed: ports may outlive it by the order in which a process ends.
  static const absl::Status& started = *new absl::Status(Start(environment));
  return started;
}

absl::Status CheckDpdkDevice(std::string_view device, const IpAddress& address) {
  const std::string interface = InterfaceOf(device);
  if (!device.starts_with("net_af_packet") || interface.empty()) return absl::OkStatus();
  const std::string prefix = Concat("dpdk: device ", device, ": ");
  if (if_nametoindex(interface.c_str()) == 0) {
    return absl::NotFoundError(Concat(prefix, "there is no network interface ", interface));
  }
  if (!InterfaceIsUp(interface)) {
    return absl::FailedPreconditionError(Concat(prefix, "the interface ", interface,
                                                " is down. Bring it up: ip link set ", interface,
                                                " up"));
  }
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0 && errno == EPERM) {
    return absl::PermissionDeniedError(Concat(prefix,
                                              "its socket needs CAP_NET_RAW. Run as root, or with "
                                              "AmbientCapabilities=CAP_NET_RAW in the unit"));
  }
  if (fd >= 0) close(fd);
  if (KernelHas(address)) {
    const IpAddress::Text text = address.text();
    return absl::FailedPreconditionError(
        Concat(prefix, "the kernel has the address ", text.view(),
               " too, and would answer for it. Take it away: ip address del"));
  }
  return absl::OkStatus();
}

absl::Status DpdkDeviceRefused(std::string_view device, int error) {
  const std::string prefix = Concat("dpdk: device ", device, ": ");
  if (!DpdkDeviceIsPci(device)) {
    return absl::FailedPreconditionError(
        Concat(prefix, "DPDK cannot open it: ", rte_strerror(error),
               ". Is its driver installed (Debian: librte-net-af-packet23 and the like), and are "
               "its arguments right? What DPDK printed says more"));
  }
  const std::string name = DpdkDeviceName(device);
  const std::filesystem::path path = std::filesystem::path("/sys/bus/pci/devices") / name;
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) {
    return absl::NotFoundError(Concat(prefix, "this machine has no such PCI device (see lspci)"));
  }
  const std::string driver = std::filesystem::read_symlink(path / "driver", failed).filename();
  return absl::FailedPreconditionError(Concat(
      prefix, "DPDK cannot open it: ", rte_strerror(error), ". It is with the kernel's driver ",
      driver.empty() ? "(none)" : driver, "; most cards must be bound to vfio-pci first: ",
      "dpdk-devbind.py -b vfio-pci ", name, ". That, and /dev/vfio, need root"));
}

}  // namespace core::net

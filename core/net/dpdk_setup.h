#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/base/address.h"

namespace core::net {

/// What DPDK's environment (EAL) is started with.
struct DpdkEnvironment {
  std::string device;            // As DpdkDeviceName() and DpdkDeviceIsPci() read it.
  std::vector<std::string> eal;  // Further arguments, as DPDK's manual has them; they win.
  std::string file_prefix;       // Keeps the DPDK programs of one machine apart (rule 18).
};

/// A device is a PCI address ("0000:00:06.0", or without its domain) or what DPDK's --vdev takes
/// ("net_af_packet0,iface=veth1").
bool DpdkDeviceIsPci(std::string_view device);
/// What DPDK calls its port: the full PCI address, or the name before the first comma.
std::string DpdkDeviceName(std::string_view device);

/// The arguments for the EAL, the program's name first. With `hugepages`, memory comes from there
/// and leaves no files; without, it is ordinary memory, which is enough for devices of software.
std::vector<std::string> DpdkArguments(const DpdkEnvironment& environment, int cpu, bool hugepages);

/// Starts the EAL. It is one for the whole process and starts once: later calls tell how the first
/// one went, whatever they ask for. The calling thread keeps the cores that it may run on.
/// Errors: what the machine lacks, and what to do.
absl::Status StartDpdk(const DpdkEnvironment& environment);

/// What can be said of a device before DPDK tries it, and better than DPDK says it: the interface
/// under a net_af_packet device exists, is up, may be opened, and the kernel does not have
/// `address`, for which it would answer too.
absl::Status CheckDpdkDevice(std::string_view device, const IpAddress& address);

/// Why DPDK did not make a port of the device, as far as the system tells.
absl::Status DpdkDeviceRefused(std::string_view device, int error);

}  // namespace core::net

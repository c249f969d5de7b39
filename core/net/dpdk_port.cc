#include "core/net/dpdk_port.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "core/base/status.h"

namespace core::net {
namespace {

// What 100 ms of 10,000 datagrams/s need, when the machine stalls.
constexpr uint16_t kDescriptors = 1024;
// Both rings full, a burst in our hands, and a batch.
constexpr unsigned kBuffers = 2u * kDescriptors + 2u * unsigned{DpdkPort::kBatchMax} + 512;
constexpr unsigned kBufferCache = 256;
constexpr size_t kFrameMin = 60;  // IEEE 802.3, without the checksum. Not every card pads.

absl::Status Refused(const DpdkEnvironment& environment, std::string_view what, int error) {
  return absl::FailedPreconditionError(
      Concat("dpdk: device ", environment.device, ": ", what, ": ", rte_strerror(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DpdkPort>> DpdkPort::Open(const DpdkEnvironment& environment) {
  RETURN_IF_ERROR(StartDpdk(environment));
  std::unique_ptr<DpdkPort> port(new DpdkPort);
  RETURN_IF_ERROR(port->Find(environment));
  RETURN_IF_ERROR(port->Configure(environment));
  return port;
}

absl::Status DpdkPort::Find(const DpdkEnvironment& environment) {
  const std::string name = DpdkDeviceName(environment.device);
  uint16_t port = kNoPort;
  // A card that the EAL was started with is there already; any other device is plugged in now.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0) {
    int error = -rte_dev_probe(environment.device.c_str());
    if (error == 0) error = -rte_eth_dev_get_port_by_name(name.c_str(), &port);
    if (error != 0) return DpdkDeviceRefused(environment.device, error);
  }
  rte_eth_dev_owner owner = {.id = RTE_ETH_DEV_NO_OWNER, .name = "ringfence"};
  int error = rte_eth_dev_owner_new(&owner.id);
  if (error == 0) error = rte_eth_dev_owner_set(port, &owner);
  if (error != 0) return Refused(environment, "it is in use in this program", -error);
  port_ = port;
  return absl::OkStatus();
}

absl::Status DpdkPort::Configure(const DpdkEnvironment& environment) {
  const std::string pool_name = Concat("ringfence_", port_);
  buffers_ = rte_pktmbuf_pool_create(pool_name.c_str(), kBuffers, kBufferCache, 0,
                                     RTE_MBUF_DEFAULT_BUF_SIZE, rte_eth_dev_socket_id(port_));
  if (buffers_ == nullptr) {
    return absl::ResourceExhaustedError(Concat(
        "dpdk: device ", environment.device, ": no memory for ", kBuffers, " packet buffers: ",
        rte_strerror(rte_errno), ". Reserve more hugepages: sysctl vm.nr_hugepages=64"));
  }
  const rte_eth_conf configuration = {};
  int error = rte_eth_dev_configure(port_, 1, 1, &configuration);
  if (error != 0) return Refused(environment, "it does not take one queue each way", -error);
  uint16_t receive_descriptors = kDescriptors;
  uint16_t send_descriptors = kDescriptors;
  error = rte_eth_dev_adjust_nb_rx_tx_desc(port_, &receive_descriptors, &send_descriptors);
  if (error != 0) return Refused(environment, "it does not tell its queues' sizes", -error);
  const int node = rte_eth_dev_socket_id(port_);
  const auto socket = static_cast<unsigned>(node < 0 ? 0 : node);
  error = rte_eth_rx_queue_setup(port_, 0, receive_descriptors, socket, nullptr, buffers_);
  if (error == 0) error = rte_eth_tx_queue_setup(port_, 0, send_descriptors, socket, nullptr);
  if (error != 0) return Refused(environment, "its queues cannot be set up", -error);
  error = rte_eth_dev_start(port_);
  if (error != 0) return Refused(environment, "it does not start", -error);
  started_ = true;
  rte_ether_addr mac;
  error = rte_eth_macaddr_get(port_, &mac);
  if (error == 0) error = rte_eth_dev_get_mtu(port_, &mtu_);
  if (error != 0) return Refused(environment, "it does not tell its address and MTU", -error);
  std::ranges::copy(mac.addr_bytes, mac_.begin());
  return absl::OkStatus();
}

DpdkPort::~DpdkPort() {
  FreeReceived();
  for (size_t i = 0; i < batch_size_; ++i) rte_pktmbuf_free(batch_[i]);
  if (port_ != kNoPort) {
    rte_eth_dev_info info = {};
    (void)rte_eth_dev_info_get(port_, &info);  // Without it the device stays known to DPDK.
    if (started_) (void)rte_eth_dev_stop(port_);
    (void)rte_eth_dev_close(port_);
    if (info.device != nullptr) (void)rte_dev_remove(info.device);
  }
  rte_mempool_free(buffers_);
}

void DpdkPort::FreeReceived() {
  for (size_t i = 0; i < received_size_; ++i) rte_pktmbuf_free(received_[i]);
  received_size_ = 0;
}

std::span<const DpdkPort::Frame> DpdkPort::Receive(size_t frames_max, size_t* fetched) {
  FreeReceived();
  const auto wanted = static_cast<uint16_t>(std::min(frames_max, kBatchMax));
  received_size_ = rte_eth_rx_burst(port_, 0, received_.data(), wanted);
  *fetched = received_size_;
  size_t count = 0;
  for (const rte_mbuf* buffer : std::span(received_).first(received_size_)) {
    if (buffer->nb_segs != 1) {
      ++scattered_;
      continue;
    }
    frames_[count++] = {rte_pktmbuf_mtod(buffer, const uint8_t*), buffer->data_len};
  }
  return {frames_.data(), count};
}

uint8_t* DpdkPort::Append(size_t size) {
  CHECK(!batch_full() && size <= UINT16_MAX);
  rte_mbuf* const buffer = rte_pktmbuf_alloc(buffers_);
  if (buffer == nullptr) return nullptr;
  const size_t padded = std::max(size, kFrameMin);
  char* const bytes = rte_pktmbuf_append(buffer, static_cast<uint16_t>(padded));
  if (bytes == nullptr) {
    rte_pktmbuf_free(buffer);
    return nullptr;
  }
  std::memset(bytes + size, 0, padded - size);
  batch_[batch_size_++] = buffer;
  return reinterpret_cast<uint8_t*>(bytes);
}

size_t DpdkPort::SendBatch() {
  const size_t size = batch_size_;
  batch_size_ = 0;
  if (size == 0) return 0;
  const size_t taken = rte_eth_tx_burst(port_, 0, batch_.data(), static_cast<uint16_t>(size));
  for (size_t i = taken; i < size; ++i) rte_pktmbuf_free(batch_[i]);
  return taken;
}

uint64_t DpdkPort::missed() const {
  rte_eth_stats statistics = {};
  (void)rte_eth_stats_get(port_, &statistics);  // Zero where the driver does not count.
  return statistics.imissed + statistics.rx_nombuf;
}

}  // namespace core::net

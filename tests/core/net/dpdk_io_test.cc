// Goal: the DPDK backend keeps the contract of PacketIo over a veth pair (packet-core section 8),
// as far as a thin one does: what it cannot is listed here with the reason.

#include "core/net/dpdk_io.h"

#include <map>

#include "tests/core/net/dpdk_world.h"
#include "tests/core/net/packet_io_contract.h"

namespace tests {
namespace {

// Two hosts with DPDK at both ends of a wire. The suite's first io is host 1, its second host 2.
class DpdkWorld final : public IoWorld {
 public:
  std::unique_ptr<core::net::PacketIo> MakeIo(const IoSizes& sizes) override {
    core::net::DpdkIoOptions options = DpdkOptionsFor(ends_);
    const int other = 1 - ends_;
    options.neighbours = {{WireHost(other), VethPair::kMacs[other]}};
    ++ends_;
    options.signalling.count = sizes.signalling_slots;
    options.media.count = sizes.media_slots;
    options.burst_max = sizes.burst_max;
    options.send_queue_length = sizes.send_queue_length;
    auto io = core::net::DpdkIo::Create(options, &clock_);
    EXPECT_TRUE(io.ok()) << io.status();
    return *std::move(io);
  }
  core::IpAddress Host(int number) override { return WireHost(number - 1); }
  core::IpAddress HostV6() override { return {}; }
  core::Instant Now() override { return clock_.Now(); }
  core::Instant NextTurnEnd() override { return Now() + std::chrono::microseconds(500); }
  bool ForgeIcmp(const core::Endpoint&, const core::Endpoint&, std::string_view) override {
    return false;
  }
  size_t SocketsMax() const override { return 1000; }

  std::string WhyNot(std::string_view test) override {
    static const std::map<std::string_view, const char*> kNotYet = {
        {"CarriesEverySize", "no fragments: dpdk_wire_test carries every size of one frame"},
        {"SaysWhatItTruncated", "no fragments: dpdk_wire_test truncates within one frame"},
        {"CarriesIpv6", "no IPv6"},
        {"ADeadIpv6PeerIsNamed", "no IPv6"},
        {"ADeadPeerCostsTheLiveOneNothing", "no ICMP: a dead peer is not heard of"},
        {"ForgedIcmpShowsWhatItQuotes", "no ICMP: a forged one is not heard of either"},
        {"AReachFilterKeepsStrangersOutOfTheQueue",
         "one queue for all sockets: dpdk_wire_test shows what the filter refuses"},
        {"AFloodOnOneGroupCostsTheOtherNothing",
         "one queue for all sockets: what floods it delays"},
    };
    if (const auto why = kNotYet.find(test); why != kNotYet.end()) {
      return std::string("the thin dpdk_io has ") + why->second;
    }
    return VethPair::WhyNot();
  }

 private:
  core::KernelClock clock_;
  int ends_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Dpdk, PacketIoContract,
                         testing::Values(IoBackend{"af_packet",
                                                   []() -> std::unique_ptr<IoWorld> {
                                                     return std::make_unique<DpdkWorld>();
                                                   }}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace tests

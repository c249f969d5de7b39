// Goal: the simulated backend keeps the contract of PacketIo, so that what is proved in simulation
// holds on the real ones.

#include "tests/support/sim_io.h"

#include "tests/core/net/packet_io_contract.h"
#include "tests/support/sim_network.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

class SimWorld final : public IoWorld {
 public:
  std::unique_ptr<core::net::PacketIo> MakeIo(const IoSizes& sizes) override {
    return std::make_unique<SimIo>(&network_,
                                   SimIoOptions{.signalling_slots = sizes.signalling_slots,
                                                .media_slots = sizes.media_slots,
                                                .burst_max = sizes.burst_max});
  }
  core::IpAddress Host(int number) override {
    return core::IpAddress::FromV4(0x0a000000 + static_cast<uint32_t>(number));
  }
  core::IpAddress HostV6() override {
    core::IpAddress address;
    EXPECT_TRUE(core::IpAddress::Parse("2001:db8::1", &address));
    return address;
  }
  core::Instant Now() override { return network_.clock().Now(); }
  core::Instant NextTurnEnd() override {
    network_.clock().AdvanceTo(Now() + 100us);
    return Now();
  }
  bool ForgeIcmp(const core::Endpoint& victim, const core::Endpoint& claimed_remote,
                 std::string_view quoted) override {
    network_.ForgeIcmp(victim, claimed_remote, ECONNREFUSED, quoted);
    return true;
  }
  size_t SocketsMax() const override { return 300; }

 private:
  SimNetwork network_{1};
};

INSTANTIATE_TEST_SUITE_P(Sim, PacketIoContract,
                         testing::Values(IoBackend{"sim",
                                                   []() -> std::unique_ptr<IoWorld> {
                                                     return std::make_unique<SimWorld>();
                                                   }}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace tests

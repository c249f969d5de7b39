// Goal: DPDK is started with the arguments that suit the device and the machine, and what is wrong
// with a device is said with its name and what to do (packet-core rules 18 and 19).

#include "core/net/dpdk_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/net/dpdk_io.h"
#include "tests/core/net/dpdk_world.h"

namespace tests {
namespace {

using core::net::DpdkArguments;
using core::net::DpdkDeviceIsPci;
using core::net::DpdkDeviceName;
using core::net::DpdkIo;
using core::net::DpdkIoOptions;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(DpdkSetupTest, TellsCardsFromSoftware) {
  EXPECT_TRUE(DpdkDeviceIsPci("0000:00:06.0"));
  EXPECT_TRUE(DpdkDeviceIsPci("00:1f.6"));
  EXPECT_FALSE(DpdkDeviceIsPci("net_af_packet0,iface=veth1"));
  EXPECT_FALSE(DpdkDeviceIsPci("00:06"));
  EXPECT_FALSE(DpdkDeviceIsPci("net_ring"));
  EXPECT_FALSE(DpdkDeviceIsPci(""));
  EXPECT_EQ(DpdkDeviceName("00:1f.6"), "0000:00:1f.6");
  EXPECT_EQ(DpdkDeviceName("0000:00:06.0"), "0000:00:06.0");
  EXPECT_EQ(DpdkDeviceName("net_af_packet0,iface=veth1"), "net_af_packet0");
  EXPECT_EQ(DpdkDeviceName("net_null0"), "net_null0");
}

TEST(DpdkSetupTest, SoftwareWithoutHugepagesGetsOrdinaryMemory) {
  EXPECT_THAT(DpdkArguments({"net_af_packet0,iface=a", {}, "one"}, 1, false),
              ElementsAre("ringfence", "--no-telemetry", "--log-level=warning", "--file-prefix=one",
                          "--no-pci", "--no-huge", "-m", "64", "--no-shconf", "--iova-mode=va",
                          "--lcores", "0@1"));
}

TEST(DpdkSetupTest, ACardIsTheOnlyOneThatIsTouched) {
  EXPECT_THAT(DpdkArguments({"00:06.0", {}, "one"}, 0, true),
              ElementsAre("ringfence", "--no-telemetry", "--log-level=warning", "--file-prefix=one",
                          "-a", "0000:00:06.0", "--in-memory", "--lcores", "0@0"));
}

TEST(DpdkSetupTest, TheOperatorsArgumentsWin) {
  const auto arguments =
      DpdkArguments({"net_null0", {"-l", "1", "--no-huge", "-m", "32"}, "one"}, 0, true);
  EXPECT_THAT(arguments, Not(Contains("--lcores")));
  EXPECT_THAT(arguments, Not(Contains("--in-memory")));
  EXPECT_THAT(arguments, Not(Contains("64")));
  EXPECT_EQ(arguments.back(), "32");
}

absl::Status CreateWith(const DpdkIoOptions& options) {
  core::KernelClock clock;
  return DpdkIo::Create(options, &clock).status();
}

std::string Said(const absl::Status& status) { return std::string(status.message()); }

TEST(DpdkSetupTest, RefusesAddressesThatCannotBe) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  ASSERT_TRUE(core::IpAddress::Parse("2001:db8::1", &options.address));
  EXPECT_THAT(Said(CreateWith(options)), AllOf(HasSubstr("net_af_packet0"), HasSubstr("IPv6")));
  options = DpdkOptionsFor(0);
  options.gateway = core::IpAddress::FromV4(0xc0000201);
  EXPECT_THAT(Said(CreateWith(options)), HasSubstr("gateway"));
  options = DpdkOptionsFor(0);
  options.neighbours = {{core::IpAddress::FromV4(0xc0000201), {}}};
  EXPECT_THAT(Said(CreateWith(options)), HasSubstr("192.0.2.1 is outside its network"));
}

TEST(DpdkSetupTest, NamesTheInterfaceThatIsNotThere) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.environment.device = "net_af_packet0,iface=rf-nowhere";
  const absl::Status status = CreateWith(options);
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(Said(status), AllOf(HasSubstr("net_af_packet0,iface=rf-nowhere"),
                                  HasSubstr("no network interface rf-nowhere")));
}

class DpdkDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!VethPair::WhyNot().empty()) GTEST_SKIP() << VethPair::WhyNot();
  }
};

TEST_F(DpdkDeviceTest, SaysThatTheInterfaceIsDown) {
  ASSERT_TRUE(VethPair::Run("ip link set rf0 down"));
  const absl::Status status = CreateWith(DpdkOptionsFor(0));
  ASSERT_TRUE(VethPair::Run("ip link set rf0 up"));
  EXPECT_THAT(Said(status), HasSubstr("rf0 is down. Bring it up: ip link set rf0 up"));
}

// The kernel would answer our peers with "port unreachable".
TEST_F(DpdkDeviceTest, SaysThatTheKernelHasTheAddressToo) {
  ASSERT_TRUE(VethPair::Run("ip address add 10.0.0.1/24 dev rf0"));
  const absl::Status status = CreateWith(DpdkOptionsFor(0));
  ASSERT_TRUE(VethPair::Run("ip address del 10.0.0.1/24 dev rf0"));
  EXPECT_THAT(Said(status), HasSubstr("the kernel has the address 10.0.0.1 too"));
}

TEST_F(DpdkDeviceTest, SaysThatTheDriverIsMissing) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.environment.device = "net_of_nobody0,iface=rf0";
  EXPECT_THAT(Said(CreateWith(options)),
              AllOf(HasSubstr("net_of_nobody0"), HasSubstr("driver installed")));
}

TEST_F(DpdkDeviceTest, SaysThatTheDeviceIsOpenAlready) {
  core::KernelClock clock;
  auto first = DpdkIo::Create(DpdkOptionsFor(0), &clock);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(Said(CreateWith(DpdkOptionsFor(0))), HasSubstr("in use in this program"));
  first->reset();
  EXPECT_TRUE(CreateWith(DpdkOptionsFor(0)).ok());  // And is free again.
}

TEST_F(DpdkDeviceTest, AddressesOfOthersAreRefusedAtOpen) {
  core::KernelClock clock;
  auto io = DpdkIo::Create(DpdkOptionsFor(0), &clock);
  ASSERT_TRUE(io.ok()) << io.status();
  core::net::SocketOptions options;
  options.local = {WireHost(3), 5060};
  EXPECT_THAT(Said((*io)->Open(options).status()),
              AllOf(HasSubstr("10.0.0.4:5060"), HasSubstr("is 10.0.0.1")));
}

// The thread that starts DPDK may run wherever it could before.
TEST_F(DpdkDeviceTest, TheCallingThreadKeepsItsCores) {
  cpu_set_t before;
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_TRUE(CreateWith(DpdkOptionsFor(0)).ok());
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

}  // namespace
}  // namespace tests

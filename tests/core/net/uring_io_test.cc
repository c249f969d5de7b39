// Goal: the io_uring backend keeps the contract of PacketIo in both of its ways to wait (rule 6),
// so that every kernel's way is tested on any.

#include "core/net/uring_io.h"

#include "tests/core/net/packet_io_contract.h"
#include "tests/core/net/uring_world.h"

namespace tests {
namespace {

template <core::net::WaitMode kMode>
std::unique_ptr<IoWorld> MakeWorld() {
  return std::make_unique<UringWorld>(kMode);
}

INSTANTIATE_TEST_SUITE_P(
    Uring, PacketIoContract,
    testing::Values(IoBackend{"minimum_wait", MakeWorld<core::net::WaitMode::kAuto>},
                    IoBackend{"sleep", MakeWorld<core::net::WaitMode::kSleep>}),
    testing::PrintToStringParamName());

}  // namespace
}  // namespace tests

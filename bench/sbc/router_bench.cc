// What one routing decision costs: the draw among the routes of a connector, and the whole search
// of a call all of whose routes fail.

#include "sbc/router.h"

#include <benchmark/benchmark.h>

namespace sbc {
namespace {

constexpr core::Instant kStart = core::Instant() + std::chrono::seconds(1000);

struct RouteBed {
  explicit RouteBed(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const auto host = static_cast<uint16_t>(i);
      CHECK(routes.PushBack(
          {host, TransportKind::kUdp, static_cast<uint8_t>(1 + i / 10), static_cast<uint8_t>(5)}));
      const HostAddress address[] = {
          {.endpoint = {core::IpAddress::FromV4(0x0a000000 + host), 5060}}};
      hosts.SetAddresses(host, Side::kCustomer, address);
    }
  }
  RouteSet routes;
  HostTable hosts{kRoutesMax};
  Failover failover;
  core::Random random{1};
  RoutePlan plan;
  RouteTarget target;
};

void BM_FirstDraw(benchmark::State& state) {
  RouteBed bed(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    bed.plan.Begin(bed.routes, bed.failover, Side::kCustomer, kStart);
    benchmark::DoNotOptimize(bed.plan.Next(bed.hosts, &bed.random, kStart, &bed.target));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_FirstDraw)->Arg(1)->Arg(4)->Arg(20);

void BM_SearchThroughAllRoutes(benchmark::State& state) {
  RouteBed bed(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    bed.plan.Begin(bed.routes, bed.failover, Side::kCustomer, kStart);
    while (bed.plan.Next(bed.hosts, &bed.random, kStart, &bed.target)) {
      benchmark::DoNotOptimize(bed.plan.OnTransportError(kStart));
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_SearchThroughAllRoutes)->Arg(4)->Arg(20);

}  // namespace
}  // namespace sbc

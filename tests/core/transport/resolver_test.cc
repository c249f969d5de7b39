// The resolver over c-ares against a DNS server on the loopback: A, AAAA and SRV with their TTLs,
// rotation, and every way in which a server can fail (RFC 3263 §4.2, RFC 2782; rule 9 of the SBC's
// rules). Nothing leaves the machine.

#include "core/transport/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/dns_server.h"

namespace core::transport {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::DnsServer;

constexpr Instant kStart = Instant{} + hours(7);
constexpr uint16_t kA = DnsServer::kTypeA;
constexpr uint16_t kAaaa = DnsServer::kTypeAaaa;
constexpr uint16_t kSrv = DnsServer::kTypeSrv;

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() { Create({server_.address()}); }

  void Create(const std::vector<std::string>& servers) {
    Resolver::Options options;
    options.servers = servers;
    // c-ares has its own clock: only a server that does not answer makes a test wait, this long.
    options.attempt_timeout = milliseconds(30);
    options.attempts = 2;
    auto resolver = Resolver::Create(options);
    ASSERT_TRUE(resolver.ok()) << resolver.status();
    resolver_ = *std::move(resolver);
  }

  WatchId Watch(const std::string& host, const std::string& service = "") {
    const std::optional<WatchId> id = resolver_->Watch({host, 5062, service}, now_);
    EXPECT_TRUE(id.has_value());
    return *id;
  }

  // Lets resolver and server talk until every query that is due has ended. `now_` stands still.
  void Settle() {
    for (int round = 0; round < 5'000; ++round) {
      resolver_->Poll(now_);
      const ResolutionCache::Counters& counters = resolver_->counters();
      if (counters.queries == counters.answers + counters.failures) return;
      std::vector<pollfd> fds = {{server_.fd(), POLLIN, 0}, {other_server_.fd(), POLLIN, 0}};
      resolver_->AddPollFds(&fds);
      const Duration wait = resolver_->NextDue(now_) - now_;
      ASSERT_GE(wait, Duration::zero());
      ASSERT_LT(wait, seconds(10));  // Something is in flight, so something is to come.
      (void)poll(fds.data(), fds.size(), static_cast<int>(wait / milliseconds(1)));
      server_.Serve();
      other_server_.Serve();
    }
    FAIL() << "the queries do not end";
  }

  std::vector<std::string> Addresses(WatchId id) {
    std::vector<std::string> texts;
    for (const ResolvedAddress& address : resolver_->Find(id)->addresses) {
      const Endpoint::Text text = address.endpoint.text();
      texts.emplace_back(text.view());
    }
    return texts;
  }
  ResolveError ErrorOf(WatchId id) { return resolver_->Find(id)->error; }

  DnsServer server_;
  DnsServer other_server_;
  std::unique_ptr<Resolver> resolver_;
  Instant now_ = kStart;
};

TEST_F(ResolverTest, FindsAddressesOfBothFamiliesInTheirOrder) {
  server_.SetAddresses("pbx.example.com", 60,
                       {"192.0.2.9", "2001:db8::9", "192.0.2.3", "2001:db8::1"});
  const WatchId id = Watch("pbx.example.com");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.9:5062", "192.0.2.3:5062", "[2001:db8::9]:5062",
                                         "[2001:db8::1]:5062"));
  EXPECT_EQ(ErrorOf(id), ResolveError::kNone);
  EXPECT_EQ(resolver_->Find(id)->expires, now_ + seconds(60));
  EXPECT_EQ(resolver_->TakeChanged(), id);
  EXPECT_EQ(server_.Asked("pbx.example.com", kA), 1u);
  EXPECT_EQ(server_.Asked("pbx.example.com", kAaaa), 1u);
}

TEST_F(ResolverTest, AsksAgainBeforeTheTtlEndsAndTakesTheNewSet) {
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1", "192.0.2.2"});
  const WatchId id = Watch("pbx.example.com");
  Settle();
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.2", "192.0.2.1"});
  now_ = kStart + milliseconds(47'999);
  Settle();
  EXPECT_EQ(server_.Asked("pbx.example.com", kA), 1u);
  EXPECT_EQ(resolver_->NextDue(now_), kStart + seconds(48));
  now_ = kStart + seconds(48);
  Settle();
  EXPECT_EQ(server_.Asked("pbx.example.com", kA), 2u);
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.2:5062", "192.0.2.1:5062"));
  EXPECT_FALSE(resolver_->Find(id)->stale);
}

TEST_F(ResolverTest, TakesTheShortestTtlOnTheWay) {
  server_.SetCname("pbx.example.com", 20, "pbx-7.example.com");
  server_.SetAddresses("pbx-7.example.com", 300, {"192.0.2.7"});
  const WatchId id = Watch("pbx.example.com");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.7:5062"));
  EXPECT_EQ(resolver_->Find(id)->expires, now_ + seconds(20));
}

TEST_F(ResolverTest, FindsAHostThatHasOnlyIpv6) {
  server_.SetAddresses("six.example.com", 60, {"2001:db8::6"});
  const WatchId id = Watch("six.example.com");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("[2001:db8::6]:5062"));
}

TEST_F(ResolverTest, AsksNobodyForALiteral) {
  const WatchId id = Watch("192.0.2.5", "_sip._udp");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.5:5062"));
  EXPECT_THAT(server_.questions(), IsEmpty());
  EXPECT_EQ(resolver_->NextDue(now_), kNever);
}

TEST_F(ResolverTest, SaysThatANameDoesNotExistAndTriesAgain) {
  const WatchId id = Watch("nowhere.example.com");
  Settle();
  EXPECT_EQ(ErrorOf(id), ResolveError::kNotFound);
  EXPECT_THAT(Addresses(id), IsEmpty());
  server_.SetAddresses("nowhere.example.com", 60, {"192.0.2.1"});
  now_ += seconds(1);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062"));
}

TEST_F(ResolverTest, ServesTheLastGoodAnswerWhileTheServerFails) {
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1"});
  const WatchId id = Watch("pbx.example.com");
  Settle();
  server_.set_fault(DnsServer::Fault::kServerFailure);
  now_ = kStart + seconds(48);
  Settle();
  EXPECT_EQ(ErrorOf(id), ResolveError::kServer);
  now_ = kStart + seconds(61);
  Settle();
  EXPECT_TRUE(resolver_->Find(id)->stale);
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062"));
  EXPECT_EQ(resolver_->counters().gone_stale, 1u);
  now_ = kStart + hours(1) + seconds(60);
  Settle();
  EXPECT_THAT(Addresses(id), IsEmpty());
  EXPECT_EQ(resolver_->counters().given_up, 1u);

  server_.set_fault(DnsServer::Fault::kNone);
  now_ += seconds(30);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062"));
}

TEST_F(ResolverTest, GivesUpOnASilentServer) {
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1"});
  server_.set_fault(DnsServer::Fault::kSilent);
  const WatchId id = Watch("pbx.example.com");
  Settle();
  EXPECT_EQ(ErrorOf(id), ResolveError::kTimeout);
  EXPECT_EQ(server_.Asked("pbx.example.com", kA), 2u);  // As many as `attempts` says.
}

// What does not answer our question is no answer, whoever sent it.
TEST_F(ResolverTest, BelievesNoAnswerToAnotherQuestion) {
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.66"});
  server_.set_fault(DnsServer::Fault::kWrongId);
  const WatchId id = Watch("pbx.example.com");
  Settle();
  EXPECT_EQ(ErrorOf(id), ResolveError::kTimeout);
  EXPECT_THAT(Addresses(id), IsEmpty());
}

TEST_F(ResolverTest, TakesGarbageForAFailure) {
  for (const DnsServer::Fault fault : {DnsServer::Fault::kGarbage, DnsServer::Fault::kCutShort}) {
    server_.set_fault(fault);
    server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1"});
    server_.SetSrv("_sip._udp.example.com", 60, {{1, 1, 5060, "pbx.example.com"}});
    const WatchId host = Watch("pbx.example.com");
    const WatchId service = Watch("example.com", "_sip._udp");
    Settle();
    EXPECT_THAT(Addresses(host), IsEmpty());
    EXPECT_THAT(Addresses(service), IsEmpty());
    EXPECT_EQ(ErrorOf(service), ResolveError::kServer);
    EXPECT_NE(ErrorOf(host), ResolveError::kNone);
    resolver_->Unwatch(host);
    resolver_->Unwatch(service);
  }
}

TEST_F(ResolverTest, KeepsOneFamilyWhenTheOtherFails) {
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1", "2001:db8::1"});
  server_.set_fault(DnsServer::Fault::kServerFailure, kAaaa);
  const WatchId id = Watch("pbx.example.com");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062"));
}

// Rule 9 holds for each part of an answer: what could not be asked is served as it was, to the end
// of stale_max, and asked for again soon.
TEST_F(ResolverTest, Rule09_KeepsTheFamilyWhoseRefreshFails) {
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1", "2001:db8::1"});
  const WatchId id = Watch("pbx.example.com");
  Settle();
  server_.set_fault(DnsServer::Fault::kServerFailure, kA);
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.2", "2001:db8::2"});
  now_ = kStart + seconds(48);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062", "[2001:db8::2]:5062"));
  EXPECT_EQ(ErrorOf(id), ResolveError::kServer);
  EXPECT_EQ(resolver_->counters().partial, 1u);
  now_ = kStart + seconds(50);
  Settle();
  EXPECT_EQ(server_.Asked("pbx.example.com", kAaaa), 3u);

  // Its own TTL goes on, and its own time limit: the other family's answers do not prolong it.
  now_ = kStart + seconds(61);
  Settle();
  EXPECT_TRUE(resolver_->Find(id)->stale);
  EXPECT_EQ(resolver_->counters().gone_stale, 1u);
  now_ = kStart + hours(1) + seconds(59);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062", "[2001:db8::2]:5062"));
  now_ = kStart + hours(1) + seconds(60);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("[2001:db8::2]:5062"));
  EXPECT_FALSE(resolver_->Find(id)->stale);
  EXPECT_EQ(resolver_->counters().given_up, 1u);

  server_.set_fault(DnsServer::Fault::kNone);
  now_ += seconds(60);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.2:5062", "[2001:db8::2]:5062"));
  EXPECT_EQ(ErrorOf(id), ResolveError::kNone);
}

// "There is none" is an answer, and takes the family away.
TEST_F(ResolverTest, DropsTheFamilyThatTheRefreshDenies) {
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1", "2001:db8::1"});
  const WatchId id = Watch("pbx.example.com");
  Settle();
  server_.SetAddresses("pbx.example.com", 60, {"2001:db8::1"});
  now_ = kStart + seconds(48);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("[2001:db8::1]:5062"));
  EXPECT_EQ(resolver_->counters().partial, 0u);
}

// The same for the targets of SRV records, by their names: the records may come in another order,
// with other ports. A target that they name no more is gone.
TEST_F(ResolverTest, Rule09_KeepsTheSrvTargetWhoseLookupFails) {
  server_.SetSrv(
      "_sip._udp.example.com", 60,
      {{1, 10, 5060, "a.example.com"}, {1, 20, 5070, "b.example.com"}, {2, 1, 5080, "c.example"}});
  server_.SetAddresses("a.example.com", 60, {"192.0.2.10"});
  server_.SetAddresses("b.example.com", 60, {"2001:db8::20"});
  server_.SetAddresses("c.example", 60, {"192.0.2.30"});
  const WatchId id = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_THAT(Addresses(id),
              ElementsAre("192.0.2.10:5060", "[2001:db8::20]:5070", "192.0.2.30:5080"));
  server_.SetSrv("_sip._udp.example.com", 60,
                 {{1, 30, 5071, "b.example.com"}, {1, 10, 5060, "a.example.com"}});
  server_.set_fault(DnsServer::Fault::kServerFailure, kAaaa);
  now_ = kStart + seconds(48);
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("[2001:db8::20]:5071", "192.0.2.10:5060"));
  const ResolvedHost& host = *resolver_->Find(id);
  EXPECT_EQ(host.addresses[0].weight, 30);
  EXPECT_EQ(host.addresses[0].target, 0);
  EXPECT_EQ(host.addresses[1].target, 1);
}

TEST_F(ResolverTest, AsksTheNextServerWhenOneFails) {
  Create({other_server_.address(), server_.address()});
  other_server_.set_fault(DnsServer::Fault::kServerFailure);
  server_.SetAddresses("pbx.example.com", 60, {"192.0.2.1"});
  const WatchId id = Watch("pbx.example.com");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062"));
  EXPECT_EQ(other_server_.Asked("pbx.example.com", kA), 1u);
}

TEST_F(ResolverTest, FollowsSrvByPriorityWithPortsAndWeights) {
  server_.SetSrv("_sip._udp.example.com", 600,
                 {{20, 1, 5080, "backup.example.com"},
                  {10, 60, 5070, "b.example.com"},
                  {10, 40, 5060, "a.example.com"}});
  server_.SetAddresses("a.example.com", 300, {"192.0.2.10", "2001:db8::10"});
  server_.SetAddresses("b.example.com", 60, {"192.0.2.20"});
  server_.SetAddresses("backup.example.com", 300, {"192.0.2.30"});
  const WatchId id = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.20:5070", "192.0.2.10:5060",
                                         "[2001:db8::10]:5060", "192.0.2.30:5080"));
  const ResolvedHost& host = *resolver_->Find(id);
  EXPECT_EQ(host.addresses[0].priority, 10);
  EXPECT_EQ(host.addresses[0].weight, 60);
  EXPECT_EQ(host.addresses[2].weight, 40);
  EXPECT_EQ(host.addresses[3].priority, 20);
  EXPECT_EQ(host.expires, now_ + seconds(60));
  EXPECT_EQ(server_.Asked("example.com", kA), 0u);
}

TEST_F(ResolverTest, TakesTheSrvRecordsOwnTtlToo) {
  server_.SetSrv("_sip._udp.example.com", 30, {{1, 1, 5060, "a.example.com"}});
  server_.SetAddresses("a.example.com", 300, {"192.0.2.10"});
  const WatchId id = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_EQ(resolver_->Find(id)->expires, now_ + seconds(30));
}

// RFC 3263 §4.1: the domain says where the service's SRV records are; what it says of transports
// that we do not have, or with another flag, is for others.
TEST_F(ResolverTest, FollowsNaptrToTheSrvRecords) {
  server_.SetNaptr("example.com", 90,
                   {{10, 1, "s", "SIPS+D2T", "_sips._tcp.example.com"},
                    {20, 2, "s", "SIP+D2U", "_sip._udp.far.example.net"},
                    {20, 1, "S", "sip+d2u", "_sip._udp.near.example.net"},
                    {5, 1, "u", "SIP+D2U", "elsewhere.example.net"}});
  server_.SetSrv("_sip._udp.near.example.net", 600, {{1, 1, 5070, "a.example.net"}});
  server_.SetSrv("_sip._udp.example.com", 600, {{1, 1, 5080, "b.example.net"}});
  server_.SetAddresses("a.example.net", 300, {"192.0.2.10"});
  const WatchId id = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.10:5070"));
  EXPECT_EQ(resolver_->Find(id)->expires, now_ + seconds(90));
  EXPECT_EQ(server_.Asked("_sip._udp.example.com", kSrv), 0u);
}

// Many servers fail at a question for NAPTR, and most domains have none that is ours.
TEST_F(ResolverTest, WithoutNaptrOfOursTheUsualSrvNameServes) {
  server_.SetNaptr("example.com", 60, {{10, 1, "s", "SIPS+D2T", "_sips._tcp.example.com"}});
  server_.SetSrv("_sip._udp.example.com", 600, {{1, 1, 5080, "b.example.net"}});
  server_.SetAddresses("b.example.net", 300, {"192.0.2.20"});
  for (const auto fault : {DnsServer::Fault::kNone, DnsServer::Fault::kServerFailure,
                           DnsServer::Fault::kGarbage, DnsServer::Fault::kCutShort}) {
    server_.set_fault(fault, DnsServer::kTypeNaptr);
    const WatchId id = Watch("example.com", "_sip._udp");
    Settle();
    EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.20:5080"));
    resolver_->Unwatch(id);
  }
}

// RFC 3263 §4.2: no SRV records mean A and AAAA of the name itself, at the given port.
TEST_F(ResolverTest, FallsBackToTheHostWithoutSrvRecords) {
  server_.SetAddresses("example.com", 60, {"192.0.2.1"});
  const WatchId id = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_EQ(server_.Asked("_sip._udp.example.com", kSrv), 1u);
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.1:5062"));
}

// RFC 2782: a target of "." says that the service is decidedly not available.
TEST_F(ResolverTest, TakesNoForAnAnswer) {
  server_.SetSrv("_sip._udp.example.com", 60, {{0, 0, 0, "."}});
  server_.SetAddresses("example.com", 60, {"192.0.2.1"});
  const WatchId id = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_EQ(ErrorOf(id), ResolveError::kRefused);
  EXPECT_THAT(Addresses(id), IsEmpty());
}

// A server that fails to say whether there are SRV records has not said that there are none.
TEST_F(ResolverTest, DoesNotFallBackWhenSrvFails) {
  server_.SetAddresses("example.com", 60, {"192.0.2.1"});
  server_.set_fault(DnsServer::Fault::kServerFailure, kSrv);
  const WatchId id = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_EQ(ErrorOf(id), ResolveError::kServer);
  EXPECT_THAT(Addresses(id), IsEmpty());
}

TEST_F(ResolverTest, KeepsAsManyAddressesAsItHasRoomFor) {
  std::vector<std::string> many;
  for (int i = 1; i <= 20; ++i) many.push_back("192.0.2." + std::to_string(i));
  server_.SetAddresses("many.example.com", 60, many);
  const WatchId id = Watch("many.example.com");
  Settle();
  EXPECT_EQ(Addresses(id).size(), ResolvedHost::kAddressesMax);
  EXPECT_EQ(Addresses(id).front(), "192.0.2.1:5062");
  EXPECT_EQ(resolver_->counters().truncated, 1u);

  std::vector<DnsServer::Srv> targets;
  for (uint16_t i = 1; i <= 20; ++i) targets.push_back({i, 1, i, "many.example.com"});
  server_.SetSrv("_sip._udp.example.com", 60, targets);
  const WatchId service = Watch("example.com", "_sip._udp");
  Settle();
  EXPECT_EQ(Addresses(service).size(), ResolvedHost::kAddressesMax);
  EXPECT_EQ(Addresses(service).front(), "192.0.2.1:1");
  EXPECT_EQ(resolver_->counters().truncated, 2u);
}

// More hosts than it asks for at once: all get their turn.
TEST_F(ResolverTest, AsksForManyHosts) {
  std::vector<WatchId> ids;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "host-" + std::to_string(i) + ".example.com";
    server_.SetAddresses(name, 60, {"192.0.2." + std::to_string(i)});
    ids.push_back(Watch(name));
  }
  Settle();
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_THAT(Addresses(ids[i]), ElementsAre("192.0.2." + std::to_string(i) + ":5062"));
  }
}

TEST_F(ResolverTest, ForgetsAHostThatIsNoLongerWatchedWhileItIsAskedFor) {
  server_.SetAddresses("a.example.com", 60, {"192.0.2.1"});
  server_.SetAddresses("b.example.com", 60, {"192.0.2.2"});
  server_.SetSrv("_sip._udp.example.com", 60, {{1, 1, 5060, "a.example.com"}});
  const WatchId gone = Watch("a.example.com");
  const WatchId gone_service = Watch("example.com", "_sip._udp");
  resolver_->Poll(now_);
  resolver_->Unwatch(gone);
  resolver_->Unwatch(gone_service);
  const WatchId id = Watch("b.example.com");
  for (int round = 0; round < 1000 && Addresses(id).empty(); ++round) {
    std::vector<pollfd> fds = {{server_.fd(), POLLIN, 0}};
    resolver_->AddPollFds(&fds);
    (void)poll(fds.data(), fds.size(), 10);
    server_.Serve();
    resolver_->Poll(now_);
  }
  EXPECT_THAT(Addresses(id), ElementsAre("192.0.2.2:5062"));
  EXPECT_EQ(resolver_->Find(gone), nullptr);
  EXPECT_EQ(resolver_->counters().answers, 1u);
}

TEST_F(ResolverTest, MayDieWithQueriesInFlight) {
  server_.set_fault(DnsServer::Fault::kSilent);
  (void)Watch("a.example.com");
  (void)Watch("example.com", "_sip._udp");
  resolver_->Poll(now_);
  resolver_.reset();
}

TEST(ResolverCreateTest, RefusesServersThatAreNoAddresses) {
  for (const char* server : {"dns.example.com", "", "10.0.0.1:99999", "10.0.0.1,10.0.0.2"}) {
    Resolver::Options options;
    options.servers = {"127.0.0.1", server};
    const auto resolver = Resolver::Create(options);
    ASSERT_FALSE(resolver.ok()) << server;
    EXPECT_NE(resolver.status().message().find("dns.servers"), absl::string_view::npos);
  }
  Resolver::Options options;
  options.servers = {"127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:5353"};
  EXPECT_TRUE(Resolver::Create(options).ok());
}

}  // namespace
}  // namespace core::transport

#include "core/transport/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/pool.h"
#include "core/transport/naptr_answer.h"
#include "core/transport/srv_answer.h"

namespace core::transport {
namespace {

constexpr size_t kQueriesMax = 64;    // Hosts asked for at once; the rest wait their turn.
constexpr size_t kSrvTargetsMax = 8;  // Of one SRV answer, best priority first.
constexpr std::string_view kNaptrService = "SIP+D2U";  // The transport that we have.
constexpr int kUdpAnswerMax = 1232;  // Passes every path whole; longer answers come by TCP.

ResolveError ErrorOf(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return ResolveError::kNone;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
      return ResolveError::kNotFound;
    case ARES_ETIMEOUT:
      return ResolveError::kTimeout;
    case ARES_ENOMEM:
    case ARES_EFILE:
      return ResolveError::kLocal;
    default:  // ECONNREFUSED too: c-ares says so when each server sent SERVFAIL or REFUSED.
      return ResolveError::kServer;
  }
}

bool ReadAddress(const ares_addrinfo_node& node, IpAddress* address) {
  if (node.ai_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, node.ai_addr, sizeof(v4));
    *address = IpAddress::FromV4(ntohl(v4.sin_addr.s_addr));
    return true;
  }
  if (node.ai_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, node.ai_addr, sizeof(v6));
    *address = IpAddress::FromBytes(std::span<const uint8_t, 16>(v6.sin6_addr.s6_addr, 16));
    return true;
  }
  return false;
}

// c-ares takes a list of servers as text; each is judged here, for an error that names it.
absl::StatusOr<std::string> ServerList(const std::vector<std::string>& servers) {
  std::string list;
  for (const std::string& server : servers) {
    Endpoint endpoint;
    if (!Endpoint::Parse(server, &endpoint)) {
      endpoint.port = NAMESERVER_PORT;
      if (!IpAddress::Parse(server, &endpoint.ip)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "dns.servers: \"", server, "\" is not an address, with or without a port"));
      }
    }
    const Endpoint::Text text = endpoint.text();
    if (!list.empty()) list += ',';
    list += text.view();
  }
  return list;
}

}  // namespace

/// The c-ares channel and what is in flight on it.
class Resolver::Driver {
 public:
  explicit Driver(const ResolutionCache::Options& options)
      : cache_(options), queries_(kQueriesMax) {}
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver();

  absl::Status Open(const Options& options);
  void Poll(Instant now);
  void AddPollFds(std::vector<pollfd>* fds) const;
  Instant NextDue(Instant now);
  ResolutionCache* cache() { return &cache_; }

 private:
  struct Query;
  /// The addresses of one name in one family. Several of them make one answer.
  struct Lookup {
    Query* query = nullptr;
    uint16_t port = 0;
    uint16_t priority = 0;
    uint16_t weight = 0;
    uint64_t name = 0;  // HashOfName()
    BoundedVector<IpAddress, ResolvedHost::kAddressesMax> found;
    ResolveError error = ResolveError::kNone;
  };
  /// One host that is asked for.
  struct Query {
    Driver* driver = nullptr;
    WatchId id;
    Duration ttl = Duration::max();
    size_t pending = 0;
    BoundedVector<Lookup, 2 * kSrvTargetsMax> lookups;  // In the order of the answer they make.
    static_assert(ResolveAnswer::kFailedMax >= 2 * kSrvTargetsMax, "Each of them may fail.");
    bool truncated = false;
  };

  static void OnSocketState(void* driver, ares_socket_t fd, int readable, int writable);
  static void OnServiceNames(void* argument, int status, int /*timeouts*/, unsigned char* bytes,
                             int size);
  static void OnService(void* argument, int status, int /*timeouts*/, unsigned char* bytes,
                        int size);
  static void OnAddresses(void* argument, int status, int /*timeouts*/, ares_addrinfo* result);

  void Start(WatchId id);
  void StartServiceTargets(Query* query, SrvAnswer answer);
  void StartHost(Query* query);
  void AskAddresses(Query* query, std::span<const SrvRecord> records);
  void Finish(Query* query);
  void Fail(Query* query, ResolveError error);

  ResolutionCache cache_;
  Pool<Query> queries_;
  std::vector<pollfd> sockets_;
  std::vector<pollfd> ready_;  // A copy of `sockets_`, which changes while it is walked.
  Instant now_;
  ares_channel channel_ = nullptr;
  bool library_open_ = false;
};

Resolver::Driver::~Driver() {
  // Ends what is in flight: each callback comes once more, with ARES_EDESTRUCTION.
  if (channel_ != nullptr) ares_destroy(channel_);
  if (library_open_) ares_library_cleanup();
}

absl::Status Resolver::Driver::Open(const Options& options) {
  const absl::StatusOr<std::string> servers = ServerList(options.servers);
  if (!servers.ok()) return servers.status();
  if (const int error = ares_library_init(ARES_LIB_INIT_ALL); error != ARES_SUCCESS) {
    return absl::InternalError(absl::StrCat("c-ares: ", ares_strerror(error)));
  }
  library_open_ = true;
  ares_options channel_options = {};
  channel_options.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.attempt_timeout).count());
  channel_options.tries = options.attempts;
  channel_options.flags = ARES_FLAG_EDNS;  // Or each answer past 512 bytes takes a TCP connection.
  channel_options.ednspsz = kUdpAnswerMax;
  channel_options.sock_state_cb = OnSocketState;
  channel_options.sock_state_cb_data = this;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_FLAGS |
             ARES_OPT_EDNSPSZ;
  char dns_only[] = "b";
  if (!options.servers.empty()) {
    // Who names the servers wants their answers: no /etc/hosts, no search list.
    channel_options.lookups = dns_only;
    channel_options.ndomains = 0;
    mask |= ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS;
  }
  if (const int error = ares_init_options(&channel_, &channel_options, mask);
      error != ARES_SUCCESS) {
    channel_ = nullptr;
    return absl::InternalError(absl::StrCat("c-ares: ", ares_strerror(error)));
  }
  if (options.servers.empty()) return absl::OkStatus();
  if (const int error = ares_set_servers_ports_csv(channel_, servers->c_str());
      error != ARES_SUCCESS) {
    return absl::InvalidArgumentError(
        absl::StrCat("dns.servers: ", *servers, ": ", ares_strerror(error)));
  }
  return absl::OkStatus();
}

void Resolver::Driver::Poll(Instant now) {
  now_ = now;
  ready_ = sockets_;
  if (!ready_.empty() && ::poll(ready_.data(), ready_.size(), 0) > 0) {
    for (const pollfd& socket : ready_) {
      const bool readable = (socket.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writable = (socket.revents & POLLOUT) != 0;
      if (!readable && !writable) continue;
      ares_process_fd(channel_, readable ? socket.fd : ARES_SOCKET_BAD,
                      writable ? socket.fd : ARES_SOCKET_BAD);
    }
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // Its time-outs.
  cache_.Advance(now);
  while (!queries_.dry()) {
    const std::optional<WatchId> due = cache_.TakeDue(now);
    if (!due.has_value()) break;
    Start(*due);
  }
}

void Resolver::Driver::AddPollFds(std::vector<pollfd>* fds) const {
  fds->insert(fds->end(), sockets_.begin(), sockets_.end());
}

Instant Resolver::Driver::NextDue(Instant now) {
  // While no more can be asked for, what is due has to wait for an answer anyway.
  Instant next = queries_.dry() ? kNever : cache_.NextDue();
  timeval storage = {};
  if (const timeval* timeout = ares_timeout(channel_, nullptr, &storage); timeout != nullptr) {
    const Duration wait =
        std::chrono::seconds(timeout->tv_sec) + std::chrono::microseconds(timeout->tv_usec);
    // A millisecond more, as c-ares and poll(2) round differently, and early would be in vain.
    next = std::min(next, now + wait + std::chrono::milliseconds(1));
  }
  return next;
}

void Resolver::Driver::OnSocketState(void* driver, ares_socket_t fd, int readable, int writable) {
  std::vector<pollfd>& sockets = static_cast<Driver*>(driver)->sockets_;
  const auto at = std::find_if(sockets.begin(), sockets.end(),
                               [fd](const pollfd& socket) { return socket.fd == fd; });
  const auto events =
      static_cast<short>((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0));
  if (events == 0) {
    if (at != sockets.end()) sockets.erase(at);
  } else if (at != sockets.end()) {
    at->events = events;
  } else {
    sockets.push_back({fd, events, 0});
  }
}

void Resolver::Driver::Start(WatchId id) {
  Query* query = queries_.Acquire();
  CHECK(query != nullptr);
  query->driver = this;
  query->id = id;
  const ResolveTarget& target = cache_.TargetOf(id);
  if (target.service.empty()) return StartHost(query);
  ares_query(channel_, target.host.c_str(), ns_c_in, ns_t_naptr, OnServiceNames, query);
}

void Resolver::Driver::OnServiceNames(void* argument, int status, int /*timeouts*/,
                                      unsigned char* bytes, int size) {
  if (status == ARES_EDESTRUCTION) return;
  auto* query = static_cast<Query*>(argument);
  Driver* driver = query->driver;
  if (!driver->cache_.watches(query->id)) return driver->queries_.Release(query);
  // Most domains have no NAPTR, and some servers fail at the question: the SRV records decide.
  const ResolveTarget& target = driver->cache_.TargetOf(query->id);
  std::string name = absl::StrCat(target.service, ".", target.host);
  NaptrAnswer answer;
  if (status == ARES_SUCCESS &&
      ParseNaptrAnswer({bytes, static_cast<size_t>(size)}, kNaptrService, &answer) &&
      !answer.replacement.empty()) {
    name = std::move(answer.replacement);
    query->ttl = answer.ttl;
  }
  ares_query(driver->channel_, name.c_str(), ns_c_in, ns_t_srv, OnService, query);
}

void Resolver::Driver::OnService(void* argument, int status, int /*timeouts*/, unsigned char* bytes,
                                 int size) {
  if (status == ARES_EDESTRUCTION) return;
  auto* query = static_cast<Query*>(argument);
  Driver* driver = query->driver;
  if (!driver->cache_.watches(query->id)) return driver->queries_.Release(query);
  const ResolveError error = ErrorOf(status);
  // No such service is no such record: the host itself may have addresses (RFC 3263 §4.2).
  if (error == ResolveError::kNotFound) return driver->StartHost(query);
  if (error != ResolveError::kNone) return driver->Fail(query, error);
  SrvAnswer answer;
  if (!ParseSrvAnswer({bytes, static_cast<size_t>(size)}, &answer)) {
    return driver->Fail(query, ResolveError::kServer);
  }
  if (answer.records.empty()) return driver->StartHost(query);
  driver->StartServiceTargets(query, std::move(answer));
}

void Resolver::Driver::StartServiceTargets(Query* query, SrvAnswer answer) {
  std::vector<SrvRecord>& records = answer.records;
  if (records.size() == 1 && records.front().target.empty()) {
    return Fail(query, ResolveError::kRefused);
  }
  query->ttl = std::min<Duration>(query->ttl, answer.ttl);
  // Inside a priority they stay as received: servers rotate, and weights are drawn for each call.
  std::stable_sort(records.begin(), records.end(),
                   [](const SrvRecord& a, const SrvRecord& b) { return a.priority < b.priority; });
  if (records.size() > kSrvTargetsMax) {
    query->truncated = true;
    records.resize(kSrvTargetsMax);
  }
  AskAddresses(query, records);
}

void Resolver::Driver::StartHost(Query* query) {
  const ResolveTarget& target = cache_.TargetOf(query->id);
  const SrvRecord record = {0, 0, target.port, target.host};
  AskAddresses(query, {&record, 1});
}

void Resolver::Driver::AskAddresses(Query* query, std::span<const SrvRecord> records) {
  for (const SrvRecord& record : records) {
    Lookup lookup;
    lookup.query = query;
    lookup.port = record.port;
    lookup.priority = record.priority;
    lookup.weight = record.weight;
    lookup.name = HashOfName(record.target);
    CHECK(query->lookups.PushBack(lookup) && query->lookups.PushBack(lookup));
  }
  // One more than there are, as c-ares may answer inside the call, and the last one ends the query.
  query->pending = query->lookups.size() + 1;
  for (size_t i = 0; i < query->lookups.size(); ++i) {
    ares_addrinfo_hints hints = {};
    hints.ai_family = i % 2 == 0 ? AF_INET : AF_INET6;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = ARES_AI_NOSORT;  // The order as received.
    ares_getaddrinfo(channel_, records[i / 2].target.c_str(), nullptr, &hints, OnAddresses,
                     &query->lookups[i]);
  }
  if (--query->pending == 0) Finish(query);
}

void Resolver::Driver::OnAddresses(void* argument, int status, int /*timeouts*/,
                                   ares_addrinfo* result) {
  auto* lookup = static_cast<Lookup*>(argument);
  if (status == ARES_EDESTRUCTION) return ares_freeaddrinfo(result);
  Query* query = lookup->query;
  lookup->error = ErrorOf(status);
  if (result != nullptr) {
    for (const ares_addrinfo_cname* name = result->cnames; name != nullptr; name = name->next) {
      query->ttl = std::min<Duration>(query->ttl, std::chrono::seconds(name->ttl));
    }
    for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
      IpAddress address;
      if (!ReadAddress(*node, &address)) continue;
      query->ttl = std::min<Duration>(query->ttl, std::chrono::seconds(node->ai_ttl));
      if (!lookup->found.PushBack(address)) query->truncated = true;
    }
    ares_freeaddrinfo(result);
  }
  if (--query->pending == 0) query->driver->Finish(query);
}

void Resolver::Driver::Finish(Query* query) {
  ResolveAnswer answer;
  ResolveError error = ResolveError::kNotFound;
  for (size_t i = 0; i < query->lookups.size(); ++i) {
    const Lookup& lookup = query->lookups[i];
    const auto target = static_cast<uint8_t>(i / 2);  // Two lookups each, of A and of AAAA.
    ResolvedAddress resolved = {
        {{}, lookup.port}, lookup.priority, lookup.weight, target, lookup.name};
    // "No such name" in one family says less than a failure in the other.
    if (lookup.error != ResolveError::kNone && lookup.error != ResolveError::kNotFound) {
      error = lookup.error;
      CHECK(answer.failed.PushBack(
          {.as = resolved, .is_v4 = i % 2 == 0, .at = answer.addresses.size(), .error = error}));
      continue;
    }
    for (const IpAddress& address : lookup.found) {
      resolved.endpoint.ip = address;
      if (!answer.addresses.PushBack(resolved)) query->truncated = true;
    }
  }
  if (answer.addresses.empty()) return Fail(query, error);
  if (query->truncated) cache_.OnTruncated();
  answer.ttl = query->ttl;
  cache_.OnAnswer(query->id, answer, now_);
  queries_.Release(query);
}

void Resolver::Driver::Fail(Query* query, ResolveError error) {
  cache_.OnFailure(query->id, error, now_);
  queries_.Release(query);
}

Resolver::Resolver(std::unique_ptr<Driver> driver) : driver_(std::move(driver)) {}
Resolver::~Resolver() = default;

absl::StatusOr<std::unique_ptr<Resolver>> Resolver::Create(const Options& options) {
  auto driver = std::make_unique<Driver>(options.cache);
  if (absl::Status status = driver->Open(options); !status.ok()) return status;
  return std::unique_ptr<Resolver>(new Resolver(std::move(driver)));
}

std::optional<WatchId> Resolver::Watch(const ResolveTarget& target, Instant now,
                                       const ResolvedHost* last) {
  return driver_->cache()->Add(target, now, last);
}
void Resolver::Unwatch(WatchId id) { driver_->cache()->Remove(id); }
void Resolver::Poll(Instant now) { driver_->Poll(now); }
void Resolver::AddPollFds(std::vector<pollfd>* fds) const { driver_->AddPollFds(fds); }
Instant Resolver::NextDue(Instant now) { return driver_->NextDue(now); }
const ResolvedHost* Resolver::Find(WatchId id) { return driver_->cache()->Find(id); }
std::optional<WatchId> Resolver::TakeChanged() { return driver_->cache()->TakeChanged(); }
const ResolutionCache::Counters& Resolver::counters() const { return driver_->cache()->counters(); }

}  // namespace core::transport

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/sdp/address_class.h"
#include "core/sdp/codec.h"
#include "sbc/numbering.h"

// The whole configuration of ringfence-sbc. Each struct holds its defaults, so this file is the
// reference manual; the key in the file is the name of the field unless its comment says otherwise.

namespace sbc {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

enum class Side : uint8_t { kCustomer, kTrunk };
inline constexpr size_t kSideCount = 2;
std::string_view SideName(Side side);

/// A setting that each side may have its own way: `{customer: pass, trunk: refuse}`, or one word
/// for both.
template <typename T>
struct PerSide {
  T customer{};
  T trunk{};
  const T& of(Side side) const { return side == Side::kCustomer ? customer : trunk; }
};

/// Only UDP is carried yet; a listener or route that asks for another is refused when it is read.
enum class TransportKind : uint8_t { kUdp, kTcp, kTls, kWs, kWss };
std::string_view TransportName(TransportKind transport);  // "udp"

enum class IoKind : uint8_t { kUring, kDpdk };

/// A host whose link address is known and need not be asked for by ARP.
struct DpdkNeighbour {
  core::IpAddress address;
  std::array<uint8_t, 6> mac = {};
};

/// `node.dpdk`: the network card that is ours alone under `io: dpdk`.
struct DpdkConfig {
  std::string device;       // A PCI address, or a --vdev: "net_af_packet0,iface=veth1".
  core::IpAddress address;  // Ours, on that card.
  int prefix_length = 24;   // Written with the address: `address: 10.0.0.1/24`.
  std::optional<core::IpAddress>
      gateway;  // For all beyond the prefix; without it they are unreachable.
  std::vector<DpdkNeighbour> neighbours;
  std::vector<std::string> eal;               // Further arguments for DPDK, as its manual has them.
  std::string file_prefix = "ringfence-sbc";  // Keeps us apart from a generator on this machine.
};

inline constexpr size_t kNodeNameMax = 128;  // It is the realm of digests, too.

struct NodeConfig {
  std::string name = "sbc";    // In logs, metrics and the identifiers we mint: unique in a cluster.
  int workers = 1;             // One thread and one core each. A change needs a restart.
  IoKind io = IoKind::kUring;  // A change needs a restart.
  // How long a worker may let packets gather before it wakes. Wake-ups are the largest cost at
  // moderate load, and 1 ms a reception is small beside a network's own jitter.
  core::Duration latency_budget = 1ms;
  // Workers never sleep: nothing waits, and each takes all of its core. A change needs a restart.
  bool poll = false;
  std::optional<DpdkConfig> dpdk;  // Goes with `io: dpdk`, and only with it.
};

/// What this node carries at most, all its workers together. Pools are sized from these at start; a
/// change needs a restart.
struct LimitsConfig {
  uint32_t calls = 20000;         // On whichever workers. (Of media ports each worker has a part.)
  uint32_t calls_per_second = 0;  // New INVITEs from all sources. 0: none of our own.
  uint32_t calls_per_second_per_source = 0;  // From one address. 0: none.
  // Transactions at once. 0: eight a call, which holds a call's own and those that linger for 32 s
  // after their final response (timers D, J and M of RFC 3261). Each worker has an equal part.
  uint32_t transactions = 0;
};

enum class ListenerSide : uint8_t { kCustomer, kTrunk, kAny };

struct ListenerConfig {
  ListenerSide side =
      ListenerSide::kCustomer;  // Must be written. any: the source decides (rule 3).
  TransportKind transport = TransportKind::kUdp;
  core::Endpoint local;  // Keys `address` (must be written) and `port` (5060).
  // The address that the other side sees, where a NAT stands between: EC2's elastic IP.
  std::optional<core::IpAddress> advertise;

  bool serves(Side asked) const {
    return side == ListenerSide::kAny ||
           side == (asked == Side::kCustomer ? ListenerSide::kCustomer : ListenerSide::kTrunk);
  }
  /// What Via and Contact say towards peers outside `local_networks`.
  core::Endpoint advertised() const { return {advertise.value_or(local.ip), local.port}; }
};

/// An address of ours and a range of its ports through which the media of a side goes.
struct MediaConfig {
  Side side = Side::kCustomer;
  core::IpAddress address;
  uint16_t port_first = 0;  // Key `ports`: "20000-29999". All are opened: a pair for each call, and
  uint16_t port_last = 0;   // ten more for each call attempt a second (MediaPorts::kRest).
  std::optional<core::IpAddress> advertise;
  // Many calls have one port, told apart by the address and port that their media comes from. The
  // trunk's side can (and does unless told): its media comes from where its SDP says. A customer
  // behind a NAT cannot, so that side may not.
  bool shared = false;
  // Classes of addresses that its peers' descriptions may name beside those of its own class (rule
  // 24): `allow: [private]` where a public address has PBXs in private networks.
  core::sdp::AddressClassSet allow;
};

struct Credential {
  std::string username;  // `username` or AWS's `Username`; likewise the password.
  std::string password;
};

/// Where the connector's Voice Connector is.
struct TrunkConfig {
  std::string host;  // Default <id>.voiceconnector.chime.aws, re-resolved by its TTL.
  uint16_t port = 5060;
  TransportKind transport = TransportKind::kUdp;
  // Look up NAPTR and SRV records for the host first (RFC 3263); AWS is not known to have any.
  bool srv = false;
  std::vector<core::Cidr> cidrs;  // Who may call from there. Default: the region's own blocks.
  std::vector<core::Cidr> media_cidrs;  // Opt-in: media from these too, beside what its SDP names.
};

/// AWS's OriginationRoute: one PBX of ours. Keys as AWS spells them (`Host`), or in lower case.
struct RouteConfig {
  std::string host;                   // A name or an address (IPv6 without brackets).
  std::optional<core::IpAddress> ip;  // Where the host is an address.
  uint16_t port = 5060;
  TransportKind transport = TransportKind::kUdp;  // Key `Protocol`: UDP.
  uint8_t priority = 1;                           // 1 to 100, 1 is tried first.
  uint8_t weight = 1;                             // 1 to 100, within a priority.
  bool srv = false;                               // Key `srv`, ours: look up NAPTR and SRV records.
};
inline constexpr size_t kRoutesMax = 20;  // What AWS's API takes.
inline constexpr size_t kRoutesExpectedMax =
    10;  // AWS's documents contradict themselves: above, a warning.

/// AWS's Termination, without CidrAllowedList: that one is in ConnectorConfig::customers.
struct TerminationConfig {
  // New calls towards the trunk in any one second. 0: the connector states no limit.
  uint32_t cps_limit = 0;
  std::vector<Country> calling_regions;  // None: every call is refused.
  std::string default_phone_number;      // E.164. Replaces the caller's number; empty: does not.
  bool disabled = false;                 // Also when the connector has no `termination` at all.
};

/// AWS's Origination, without Routes: those are in ConnectorConfig::routes.
struct OriginationConfig {
  bool disabled = false;  // Also when the connector has no `origination` and no `routes`.
};

/// Who may start calls from our side: one PBX, or many of a kind.
struct CustomerConfig {
  std::vector<core::Cidr> cidrs;
  bool nat = false;  // It is behind a NAT: answered where its requests come from, rport or not.
  std::vector<Credential> credentials;  // Not empty: its INVITEs are challenged (RFC 8760).
};

/// AWS's LoggingConfiguration.
struct LoggingConfig {
  bool enable_sip_logs = false;           // `EnableSIPLogs`
  bool enable_media_metric_logs = false;  // `EnableMediaMetricLogs`
};

struct FailoverConfig {
  std::vector<uint16_t> codes = {408, 500, 502, 503,
                                 504};    // Final responses that mean "try the next".
  core::Duration answer_timeout = 4s;     // To the first response of any kind.
  core::Duration progress_timeout = 10s;  // From a 100 to the first 101-199.
  core::Duration ring_timeout = 180s;     // From the first 101-199 to the final response.
  core::Duration total_timeout = 20s;     // For the search of a route as a whole.
  core::Duration options_interval = 30s;  // Between probes of one address. 0s: no probes.
  core::Duration options_timeout = 3s;    // A probe without a final response by then has failed.
};

/// Why a new call is refused. The names are those of the keys of `rejections` and of the counters.
enum class RejectionCause : uint8_t {
  kCidr,      // Source not allowed to call, or naming a connector that is not its own.
  kCps,       // CpsLimit.
  kRegion,    // CallingRegions.
  kCallerId,  // The caller's number is not in phone_numbers.
  kDisabled,  // Termination is disabled.
  kCalls,     // The connector's number of calls is reached. (The node's is kOverload.)
  kNoRoute,  // Every route failed without a final answer that could be passed on, or none is there.
  kOverload,  // The node sheds load; the only refusal but kDrain that carries Retry-After (rule
              // 11).
  kDrain,     // The node is going down.
  kOriginationDisabled,
  kUnknownNumber,  // No connector owns the called number.
  kProtocol,       // What the INVITE itself asks: 420, 422, 481, 406, 415 or 483, as RFCs have it.
};
inline constexpr size_t kRejectionCauseCount = static_cast<size_t>(RejectionCause::kProtocol) + 1;
// Those before kProtocol have a code to set.
inline constexpr size_t kRejectionCodeCount = static_cast<size_t>(RejectionCause::kProtocol);
std::string_view RejectionCauseName(RejectionCause cause);  // "caller_id"

struct RejectionsConfig {
  static constexpr uint16_t kDrop = 0;  // Written `drop`, for kCidr alone: no answer at all.

  // In the order of RejectionCause. Strangers get silence, so that a scan finds nothing. 503 is
  // what makes the trunk try its next route; 403 is what it answers itself to a caller ID not its
  // own.
  std::array<uint16_t, kRejectionCodeCount> codes = {
      kDrop, 503, 403, 403, 403,  // cidr, cps, region, caller_id, disabled
      503,   503, 503, 503,       // calls, no_route, overload, drain
      403,   404,                 // origination_disabled, unknown_number
  };
  uint16_t code(RejectionCause cause) const { return codes[static_cast<size_t>(cause)]; }
};

/// How digits cross: as they come, or the customer's as SIP INFO and the trunk's in RTP (RFC 4733).
enum class DtmfKind : uint8_t { kPass, kInfo };

/// What becomes of the lines of video in offers: each is told to the other side as rejected, or
/// relayed as voice is.
enum class VideoKind : uint8_t { kRefuse, kRelay };

/// One Voice Connector and the PBXs that it stands for.
struct ConnectorConfig {
  // Whole in every record, and a label of the trunk's host name (RFC 1035 §2.3.4).
  static constexpr size_t kIdMax = 63;

  std::string id;  // 22 characters at AWS. What X-VoiceConnector-ID names.
  std::string region = "us-east-1";
  HomePlan home_plan = HomePlan::kNanp;  // Not a key: it follows from the region.
  std::string account_id;                // `AwsAccountId` of the call records.
  TrunkConfig trunk;
  TerminationConfig termination;
  OriginationConfig origination;
  std::vector<CustomerConfig> customers;   // Without the key: one, with CidrAllowedList.
  std::vector<RouteConfig> routes;         // Without the key: origination's. In the order written.
  std::vector<std::string> phone_numbers;  // E.164. Not empty: callers must show one of these.
  LoggingConfig logging;
  std::optional<Credential> credentials;  // What we answer the trunk's challenge with.
  uint32_t calls_max = 0;                 // Key `limits: {calls}`. 0: only the node's.
  // What voice that side is told of: of what came, what both sides' lists have (CodecsTold()), by
  // offers in this order, by answers in the answerer's. None: as they come. One list is for both.
  PerSide<std::vector<core::sdp::Codec>> codecs;
  DtmfKind dtmf = DtmfKind::kPass;
  VideoKind video = VideoKind::kRefuse;  // A Voice Connector has voice alone.
  // A call is ended in which no RTP came for so long from a leg of which it is expected: not while
  // it is held, nor while it sends a fax by T.38. 0s: never. Telephones that suppress silence send
  // nothing while nobody speaks: give these a minute at least.
  core::Duration media_timeout = 0s;
  FailoverConfig failover;      // Starts from the global one.
  RejectionsConfig rejections;  // Starts from the global one.
};

/// RFC 3261 §17 and RFC 4028.
struct SipConfig {
  core::Duration t1 = 500ms;
  core::Duration t2 = 4s;
  core::Duration t4 = 5s;
  core::Duration session_expires =
      1800s;                    // RFC 4028 §4 recommends it, and the trunk's PBXs offer it.
  core::Duration min_se = 90s;  // RFC 4028 §4: never less.
  // Towards that side, all early dialogs of one call share a To-tag (rule 13): for old PBXs.
  PerSide<bool> fold_early_dialogs = {false, false};
};

struct DnsConfig {
  std::vector<core::Endpoint> servers;  // "10.0.0.2" or "127.0.0.1:5353". None: the system's.
  core::Duration stale_max = 1h;  // How long a good answer serves while new ones fail (rule 9).
};

struct HeadersConfig {
  std::vector<std::string> pass;  // Beside the policy table; none that never cross (HEADERS.md).
};

enum class PassPolicy : uint8_t { kRefuse, kPass };

struct CallerIdConfig {
  bool allow_diverted = false;  // An owned number in Diversion or History-Info will do (rule 17).
};

struct EmergencyConfig {
  EmergencyNumbers numbers = EmergencyNumbers::Default();  // Written as a list.
  uint32_t reserve_calls = 8;  // Of limits.calls (rule 6); the default is a quarter at most.
};

/// Has no authentication of its own, so anything but loopback is warned of.
struct AdminConfig {
  core::Endpoint local{core::IpAddress::FromV4(0x7f000001), 9060};  // `address` and `port`.
};

struct LogsConfig {
  std::string directory;  // Call, media and SIP logs, and CDRs. Empty: none are written.
};

/// Everything. Immutable once read: a reload builds another, and calls keep the one they began
/// with.
///
/// Lifetime: whoever swaps it keeps the old one until its last call is gone.
struct Config {
  std::string path;  // The file it came from.
  NodeConfig node;
  LimitsConfig limits;
  std::vector<ListenerConfig> listeners;
  std::vector<MediaConfig> media;
  std::vector<ConnectorConfig> connectors;
  FailoverConfig failover;
  RejectionsConfig rejections;
  SipConfig sip;
  DnsConfig dns;
  HeadersConfig headers;
  PerSide<PassPolicy> transfer;  // REFER, and INVITE with Replaces, from that side (rule 18).
  PerSide<PassPolicy> redirect;  // 3xx that came from that side (rule 18); refused: 480.
  PerSide<PassPolicy> message;   // MESSAGE that came from that side, in a call or outside.
  CallerIdConfig caller_id;
  EmergencyConfig emergency;
  std::vector<core::Cidr> local_networks;  // Peers there are told `address`, not `advertise`.
  core::Duration drain_timeout = 5min;     // After SIGTERM calls may go on for so long, and
                                           // emergency calls begin until no call is left.
  AdminConfig admin;
  LogsConfig logs;

  // What is allowed but probably not meant, a sentence each, with its place in the file.
  std::vector<std::string> warnings;
};

/// Reads and checks the file at `path`, and the files that it names (relative to it).
///
/// Errors: every mistake found, one a line, at most kErrorsMax:
///         `sbc.yaml:7: listeners[2].port: 70000 is outside 1..65535`.
absl::StatusOr<Config> ReadConfig(const std::string& path);
/// The same for text that is already in memory; `path` names it and places its relative files.
absl::StatusOr<Config> ParseConfig(std::string_view text, const std::string& path);

/// What would run, for people: the answer of --check-config.
std::string DescribeConfig(const Config& config);
/// Whether calls of any connector may have video.
bool RelaysVideo(const Config& config);

/// What a reload changes.
struct ConfigChange {
  std::string text;            // "connectors[dr3r...].termination.CpsLimit: 1 -> 5"
  bool needs_restart = false;  // Listeners, workers, io, limits: kept as they were until then.
};
std::vector<ConfigChange> DiffConfig(const Config& before, const Config& after);

}  // namespace sbc

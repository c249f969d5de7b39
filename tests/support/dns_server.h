#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/address.h"

namespace tests {

/// A DNS server on the loopback, which answers as a test tells it and remembers what it was asked.
///
/// Shape:  UDP on a port of the kernel's choice. A name without any record does not exist
///         (NXDOMAIN); one with records of another type has no such data. Its own code end to end,
///         so that it judges the resolver, not itself.
/// Thread: the test's: it answers in Serve(), when fd() is readable.
class DnsServer {
 public:
  struct Srv {
    uint16_t priority;
    uint16_t weight;
    uint16_t port;
    std::string target;  // "." refuses the service.
  };
  struct Naptr {
    uint16_t order;
    uint16_t preference;
    std::string flags;
    std::string service;
    std::string replacement;
  };
  struct Question {
    std::string name;
    uint16_t type;
  };
  enum class Fault {
    kNone,
    kServerFailure,  // SERVFAIL.
    kSilent,         // No answer at all.
    kGarbage,        // Bytes after a good header that are no records.
    kWrongId,        // The answer to another question, as an attacker would send blindly.
    kCutShort,       // The answer ends in the middle of its last record.
  };

  static constexpr uint16_t kTypeA = 1;
  static constexpr uint16_t kTypeCname = 5;
  static constexpr uint16_t kTypeAaaa = 28;
  static constexpr uint16_t kTypeSrv = 33;
  static constexpr uint16_t kTypeNaptr = 35;

  DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer();

  int fd() const { return fd_; }
  std::string address() const;  // "127.0.0.1:port"

  /// Each replaces what the name had of that type, in this order on the wire.
  void SetAddresses(std::string_view name, uint32_t ttl, const std::vector<std::string>& literals);
  void SetSrv(std::string_view name, uint32_t ttl, const std::vector<Srv>& records);
  void SetNaptr(std::string_view name, uint32_t ttl, const std::vector<Naptr>& records);
  void SetCname(std::string_view name, uint32_t ttl, std::string_view target);
  void Remove(std::string_view name) { names_.erase(std::string(name)); }
  void set_fault(Fault fault) { fault_ = fault; }
  /// The next questions of this type only have the fault; the others are answered.
  void set_fault(Fault fault, uint16_t type) {
    fault_ = fault;
    fault_type_ = type;
  }

  /// Answers all questions that are waiting; returns how many there were.
  size_t Serve();
  const std::vector<Question>& questions() const { return questions_; }
  size_t Asked(std::string_view name, uint16_t type) const;

 private:
  struct Record {
    uint32_t ttl;
    std::string bytes;
  };
  using Records = std::map<uint16_t, std::vector<Record>>;  // By type.

  std::string Answer(std::string_view question) const;
  void AppendRecords(const std::string& name, uint16_t type, std::string* out,
                     uint16_t* count) const;

  int fd_;
  std::map<std::string, Records> names_;
  std::vector<Question> questions_;
  Fault fault_ = Fault::kNone;
  uint16_t fault_type_ = 0;  // 0: every type.
};

/// `name` as it stands on the wire, uncompressed (RFC 1035 §3.1).
std::string DnsName(std::string_view name);

}  // namespace tests

#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace tests {
namespace {

constexpr size_t kHeaderSize = 12;
constexpr uint16_t kClassIn = 1;
constexpr uint8_t kResponse = 0x80;
constexpr uint8_t kRecursionDesired = 0x01;
constexpr uint8_t kRecursionAvailable = 0x80;
constexpr uint8_t kServFail = 2;
constexpr uint8_t kNxDomain = 3;

void Append16(uint16_t value, std::string* out) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value & 0xff));
}
void Append32(uint32_t value, std::string* out) {
  Append16(static_cast<uint16_t>(value >> 16), out);
  Append16(static_cast<uint16_t>(value & 0xffff), out);
}
uint16_t Read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                               static_cast<uint8_t>(bytes[at + 1]));
}

// The one question of a query: what c-ares sends is never compressed. False for anything else.
bool ReadQuestion(std::string_view query, DnsServer::Question* question, size_t* end) {
  size_t at = kHeaderSize;
  question->name.clear();
  while (at < query.size() && query[at] != 0) {
    const auto size = static_cast<uint8_t>(query[at]);
    if (at + 1 + size >= query.size()) return false;
    if (!question->name.empty()) question->name += '.';
    question->name += query.substr(at + 1, size);
    at += 1 + size_t{size};
  }
  if (at + 5 > query.size()) return false;
  question->type = Read16(query, at + 1);
  *end = at + 5;
  return true;
}

}  // namespace

std::string DnsName(std::string_view name) {
  std::string bytes;
  while (!name.empty() && name != ".") {
    const size_t dot = std::min(name.find('.'), name.size());
    bytes.push_back(static_cast<char>(dot));
    bytes += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  bytes.push_back('\0');
  return bytes;
}

DnsServer::DnsServer() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  CHECK(fd_ >= 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
}

DnsServer::~DnsServer() { close(fd_); }

std::string DnsServer::address() const {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

void DnsServer::SetAddresses(std::string_view name, uint32_t ttl,
                             const std::vector<std::string>& literals) {
  Records& records = names_[std::string(name)];
  records.erase(kTypeA);
  records.erase(kTypeAaaa);
  for (const std::string& literal : literals) {
    core::IpAddress ip;
    CHECK(core::IpAddress::Parse(literal, &ip));
    const std::string bytes(ip.bytes().begin(), ip.bytes().end());
    if (ip.is_v4()) {
      records[kTypeA].push_back({ttl, bytes.substr(12)});
    } else {
      records[kTypeAaaa].push_back({ttl, bytes});
    }
  }
}

void DnsServer::SetSrv(std::string_view name, uint32_t ttl, const std::vector<Srv>& records) {
  std::vector<Record>& all = names_[std::string(name)][kTypeSrv];
  all.clear();
  for (const Srv& srv : records) {
    std::string bytes;
    Append16(srv.priority, &bytes);
    Append16(srv.weight, &bytes);
    Append16(srv.port, &bytes);
    bytes += DnsName(srv.target);
    all.push_back({ttl, bytes});
  }
}

void DnsServer::SetNaptr(std::string_view name, uint32_t ttl, const std::vector<Naptr>& records) {
  std::vector<Record>& all = names_[std::string(name)][kTypeNaptr];
  all.clear();
  for (const Naptr& naptr : records) {
    std::string bytes;
    Append16(naptr.order, &bytes);
    Append16(naptr.preference, &bytes);
    for (const std::string_view text :
         {std::string_view(naptr.flags), std::string_view(naptr.service), std::string_view()}) {
      bytes += static_cast<char>(text.size());
      bytes += text;
    }
    bytes += DnsName(naptr.replacement);
    all.push_back({ttl, bytes});
  }
}

void DnsServer::SetCname(std::string_view name, uint32_t ttl, std::string_view target) {
  names_[std::string(name)] = {{kTypeCname, {{ttl, DnsName(target)}}}};
}

size_t DnsServer::Asked(std::string_view name, uint16_t type) const {
  return static_cast<size_t>(std::count_if(
      questions_.begin(), questions_.end(),
      [&](const Question& question) { return question.name == name && question.type == type; }));
}

size_t DnsServer::Serve() {
  size_t count = 0;
  std::array<char, 4096> buffer;
  while (true) {
    sockaddr_in peer = {};
    socklen_t peer_size = sizeof(peer);
    const ssize_t size = recvfrom(fd_, buffer.data(), buffer.size(), 0,
                                  reinterpret_cast<sockaddr*>(&peer), &peer_size);
    if (size < 0) return count;
    ++count;
    const std::string_view query(buffer.data(), static_cast<size_t>(size));
    Question question;
    size_t end = 0;
    if (query.size() < kHeaderSize || !ReadQuestion(query, &question, &end)) continue;
    questions_.push_back(question);
    const std::string answer = Answer(query.substr(0, end));
    if (answer.empty()) continue;
    (void)sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&peer),
                 peer_size);  // A peer that went away shows in the test that waits for it.
  }
}

std::string DnsServer::Answer(std::string_view question) const {
  Question asked;
  size_t end = 0;
  CHECK(ReadQuestion(question, &asked, &end));
  const bool faulty = fault_type_ == 0 || fault_type_ == asked.type;
  const Fault fault = faulty ? fault_ : Fault::kNone;
  if (fault == Fault::kSilent) return {};

  std::string records;
  uint16_t count = 0;
  AppendRecords(asked.name, asked.type, &records, &count);
  uint8_t rcode = names_.contains(asked.name) ? 0 : kNxDomain;
  if (fault == Fault::kServerFailure) {
    rcode = kServFail;
    records.clear();
    count = 0;
  }
  if (fault == Fault::kGarbage) {
    records = "\xff\xff these are not the records you are looking for";
    count = 3;
  }
  if (fault == Fault::kCutShort && !records.empty()) records.resize(records.size() - 3);

  std::string answer(question.substr(0, 2));
  if (fault == Fault::kWrongId) answer[0] = static_cast<char>(answer[0] ^ 0x55);
  answer.push_back(static_cast<char>(kResponse | kRecursionDesired));
  answer.push_back(static_cast<char>(kRecursionAvailable | rcode));
  Append16(1, &answer);
  Append16(count, &answer);
  Append32(0, &answer);
  answer += question.substr(kHeaderSize);
  return answer + records;
}

void DnsServer::AppendRecords(const std::string& name, uint16_t type, std::string* out,
                              uint16_t* count) const {
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  const auto append = [&](uint16_t record_type, const Record& record) {
    *out += DnsName(name);
    Append16(record_type, out);
    Append16(kClassIn, out);
    Append32(record.ttl, out);
    Append16(static_cast<uint16_t>(record.bytes.size()), out);
    *out += record.bytes;
    ++*count;
  };
  if (const auto cname = found->second.find(kTypeCname); cname != found->second.end()) {
    append(kTypeCname, cname->second.front());
    Question target;
    size_t end = 0;
    CHECK(ReadQuestion(
        std::string(kHeaderSize, '\0') + cname->second.front().bytes + std::string(4, '\0'),
        &target, &end));
    if (type != kTypeCname) AppendRecords(target.name, type, out, count);
    return;
  }
  const auto records = found->second.find(type);
  if (records == found->second.end()) return;
  for (const Record& record : records->second) append(type, record);
}

}  // namespace tests

// Both readers of DNS answers. Whatever ParseSrvAnswer() accepts has no more records than its
// header says and than we keep, and ends where it ends: the same bytes with more behind them say
// the same, and without the last byte that was needed they are refused.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "core/base/check.h"
#include "core/transport/naptr_answer.h"
#include "core/transport/srv_answer.h"

namespace {

using core::transport::ParseSrvAnswer;
using core::transport::SrvAnswer;

constexpr size_t kMessageMax = 65535;  // As much as a datagram can hold.

// In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
bool Parse(const std::string& bytes, SrvAnswer* answer) {
  const auto exact = std::make_unique<unsigned char[]>(bytes.size());
  std::memcpy(exact.get(), bytes.data(), bytes.size());
  return ParseSrvAnswer({exact.get(), bytes.size()}, answer);
}

bool Same(const SrvAnswer& a, const SrvAnswer& b) {
  if (a.ttl != b.ttl || a.records.size() != b.records.size()) return false;
  for (size_t i = 0; i < a.records.size(); ++i) {
    if (a.records[i].target != b.records[i].target || a.records[i].port != b.records[i].port) {
      return false;
    }
  }
  return true;
}

// The same for NAPTR: what it accepts, it accepts with more behind it.
void CheckNaptr(const std::string& bytes) {
  const auto parse = [](const std::string& message, core::transport::NaptrAnswer* answer) {
    const auto exact = std::make_unique<unsigned char[]>(message.size());
    std::memcpy(exact.get(), message.data(), message.size());
    return core::transport::ParseNaptrAnswer({exact.get(), message.size()}, "SIP+D2U", answer);
  };
  core::transport::NaptrAnswer answer;
  if (!parse(bytes, &answer)) return;
  core::transport::NaptrAnswer longer;
  CHECK(parse(bytes + "behind the answer", &longer));
  CHECK(longer.replacement == answer.replacement && longer.ttl == answer.ttl);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMessageMax) return 0;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  CheckNaptr(bytes);
  SrvAnswer answer;
  if (!Parse(bytes, &answer)) return 0;
  const size_t announced = size_t{data[6]} << 8 | data[7];
  CHECK(answer.records.size() <= announced && answer.records.size() <= SrvAnswer::kRecordsMax);

  // Acceptance is monotonous in the length, so the end of what is needed is found by halving. Names
  // may point anywhere, so what a cut leaves must either be refused or say the same.
  size_t refused = 0;
  size_t accepted = bytes.size();
  while (accepted - refused > 1) {
    const size_t middle = refused + (accepted - refused) / 2;
    SrvAnswer cut;
    if (Parse(bytes.substr(0, middle), &cut)) {
      CHECK(Same(cut, answer));
      accepted = middle;
    } else {
      refused = middle;
    }
  }
  SrvAnswer longer;
  CHECK(Parse(bytes + "behind the answer", &longer) && Same(longer, answer));
  return 0;
}

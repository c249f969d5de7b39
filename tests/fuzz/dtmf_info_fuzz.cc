// The bodies of digits in SIP INFO: whatever is accepted is a key, lasts as long as the limits say,
// and is read again as it is written.

#include <cstdint>
#include <cstring>
#include <memory>

#include "core/base/check.h"
#include "sbc/dtmf_info.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sbc::Digit;
  using sbc::DtmfBody;
  using sbc::DtmfInfoError;
  // In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
  const auto exact = std::make_unique<char[]>(size);
  std::memcpy(exact.get(), data, size);
  const std::string_view body(exact.get(), size);
  (void)sbc::DtmfBodyOf(body);
  for (const DtmfBody kind : {DtmfBody::kRelay, DtmfBody::kPlain}) {
    Digit digit;
    if (ParseDtmfInfo(kind, body, &digit) != DtmfInfoError::kOk) continue;
    CHECK(digit.event <= 16);
    CHECK(digit.duration_ms >= sbc::kDigitMsMin && digit.duration_ms <= sbc::kDigitMsMax);
    char bytes[64];
    core::TextWriter out({bytes, sizeof(bytes)});
    WriteDtmfRelay(digit, &out);
    Digit again;
    CHECK(out.ok() && ParseDtmfInfo(DtmfBody::kRelay, out.text(), &again) == DtmfInfoError::kOk);
    CHECK(again == digit);
  }
  return 0;
}

// Whatever ParseVia() accepts, WriteVia() gives back, and ParseVia() accepts that again to the same
// fields.

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/check.h"
#include "core/sip/via.h"

namespace {

using core::sip::ParseError;
using core::sip::Via;

bool Same(const Via& a, const Via& b) {
  return a.transport == b.transport && a.sent_by == b.sent_by && a.branch == b.branch &&
         a.received == b.received && a.has_rport == b.has_rport && a.rport == b.rport &&
         a.parameters.text() == b.parameters.text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  Via first;
  if (ParseVia({exact.get(), size}, &first) != ParseError::kOk) return 0;

  std::vector<char> memory(size);
  core::sip::TextWriter out(memory);
  WriteVia(first, &out);
  CHECK(out.ok());
  Via second;
  CHECK(ParseVia(out.text(), &second) == ParseError::kOk);
  CHECK(Same(first, second));
  CHECK(first.parameters.Has("branch") == !first.branch.empty() ||
        first.parameters.Find("branch") == "");
  return 0;
}

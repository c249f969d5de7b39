// Whatever ParseUri() accepts, WriteUri() gives back byte for byte (a port without its leading
// zeros), every escape in it can be undone, and a URI is equivalent to itself.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/sip/uri.h"

namespace {

using core::sip::ParseError;
using core::sip::TextWriter;
using core::sip::Uri;

bool Same(const Uri& a, const Uri& b) {
  return a.scheme == b.scheme && a.has_password == b.has_password &&
         a.scheme_text == b.scheme_text && a.user == b.user && a.password == b.password &&
         a.host_port == b.host_port && a.parameters == b.parameters && a.headers == b.headers &&
         a.opaque == b.opaque;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  Uri first;
  if (ParseUri({exact.get(), size}, &first) != ParseError::kOk) return 0;

  std::vector<char> memory(size);
  TextWriter out(memory);
  WriteUri(first, &out);
  CHECK(out.ok());
  Uri second;
  CHECK(ParseUri(out.text(), &second) == ParseError::kOk);
  CHECK(Same(first, second));
  CHECK(out.text().size() == size || first.host_port.port != 0);

  std::vector<char> plain(size);
  for (const std::string_view part :
       {first.user, first.password, first.parameters, first.headers}) {
    CHECK(core::sip::Unescape(part, plain).has_value());
  }
  CHECK(Equivalent(first, second) && Equivalent(second, first));
  return 0;
}

// Whatever ParseNameAddr() accepts, WriteNameAddr() gives back in brackets, and that is accepted
// again to the same fields; the comma list that it is one value of has exactly that one value.

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/check.h"
#include "core/sip/list_reader.h"
#include "core/sip/name_addr.h"

namespace {

using core::sip::NameAddr;
using core::sip::ParseError;

bool Same(const NameAddr& a, const NameAddr& b) {
  return a.display_name == b.display_name && a.uri == b.uri && a.tag == b.tag &&
         a.parameters.text() == b.parameters.text() && a.quoted == b.quoted &&
         a.wildcard == b.wildcard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  NameAddr first;
  if (ParseNameAddr({exact.get(), size}, &first) != ParseError::kOk) return 0;

  std::vector<char> memory(size + 3);  // Brackets, and the space before them.
  core::sip::TextWriter out(memory);
  WriteNameAddr(first, &out);
  CHECK(out.ok());
  NameAddr second;
  CHECK(ParseNameAddr(out.text(), &second) == ParseError::kOk);
  CHECK(Same(first, second) && second.bracketed != second.wildcard);

  core::sip::ListReader values(out.text());
  std::string_view value;
  CHECK(values.Next(&value) && value == core::sip::Trim(out.text()) && !values.Next(&value));
  return 0;
}

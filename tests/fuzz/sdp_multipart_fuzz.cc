// The first line of the input is the boundary, the rest the body. Whatever Parse() accepts is cut
// into parts that lie in it in their order; its own description put in place of itself gives the
// body back, and another one gives a body that is cut in the same way.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/sdp/multipart.h"

namespace {

using core::sdp::BodyPart;
using core::sdp::MultipartBody;
using core::sdp::ParseError;

std::string WithSdp(const MultipartBody& body, std::string_view sdp, size_t size) {
  std::vector<char> memory(size + sdp.size() + 32);
  core::TextWriter out(memory);
  body.WriteWithSdp(sdp, &out);
  CHECK(out.ok());
  return std::string(out.text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > UINT16_MAX) return 0;  // No SIP message carries more.
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  const std::string_view input(exact.get(), size);
  const size_t line = input.find("\r\n");
  if (line == std::string_view::npos) return 0;
  const std::string_view boundary = input.substr(0, line);
  const std::string_view bytes = input.substr(line + 2);

  MultipartBody first;
  if (first.Parse(boundary, bytes) != ParseError::kOk) {
    CHECK(first.parts().empty());
    return 0;
  }
  CHECK(!first.parts().empty());
  const char* at = bytes.data();
  for (const BodyPart& part : first.parts()) {
    CHECK(part.content.data() >= at);
    at = part.content.data() + part.content.size();
    CHECK(at <= bytes.data() + bytes.size());
    CHECK(part.content.find("\r\n--" + std::string(boundary)) == std::string_view::npos);
  }
  std::string_view sdp;
  if (first.FindSdp(&sdp) != ParseError::kOk) return 0;
  constexpr std::string_view kOurs = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
  const std::string written = WithSdp(first, kOurs, size);
  MultipartBody second;
  CHECK(second.Parse(boundary, written) == ParseError::kOk);
  CHECK(second.parts().size() == first.parts().size());
  std::string_view found;
  CHECK(second.FindSdp(&found) == ParseError::kOk && found == kOurs);
  for (size_t i = 0; i < first.parts().size(); ++i) {
    const BodyPart& a = first.parts()[i];
    const BodyPart& b = second.parts()[i];
    CHECK(a.media_type == b.media_type && a.disposition == b.disposition);
    CHECK(a.content == b.content || a.content.data() == sdp.data());
  }
  CHECK(WithSdp(second, kOurs, written.size()) == written);
  return 0;
}

// Whatever Index() accepts, the writer reproduces, and Index() accepts that again with the same
// start line, the same fields (unfolded, under their canonical names) and the same body. What the
// writer refuses holds what it says it refuses.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/sip/message.h"
#include "core/sip/message_writer.h"
#include "core/sip/verdict.h"

namespace {

using core::sip::HeaderField;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;

constexpr size_t kNamesLongest = Message::kHeadersMax * 40;  // What canonical names may add.

std::optional<std::string> Write(const Message& message) {
  std::vector<char> memory(Message::kBytesMax + kNamesLongest);
  MessageWriter out(memory);
  if (message.is_request()) {
    out.RequestLine(message.method_text(), message.request_uri());
  } else {
    out.StatusLine(message.status_code(), message.reason());
  }
  for (size_t i = 0; i < message.header_count(); ++i) {
    const HeaderField field = message.header(i);
    if (field.id != HeaderId::kContentLength) out.RawHeader(field.name, field.value);
  }
  out.Body("", message.body());
  if (!out.Finish().has_value()) return std::nullopt;
  return std::string(out.text());
}

bool HoldsWhatIsRefused(const Message& message) {
  core::sip::Cursor uri(message.request_uri());
  uri.TakeAll(core::sip::kUriChar);
  return !uri.AtEnd() || message.bytes().find('\0') != std::string_view::npos;
}

void CheckSame(const Message& first, const Message& second) {
  CHECK(first.is_request() == second.is_request() && first.method() == second.method());
  CHECK(first.method_text() == second.method_text());
  CHECK(first.request_uri() == second.request_uri());
  CHECK(first.status_code() == second.status_code());
  CHECK(first.reason().empty() || first.reason() == second.reason());
  CHECK(first.body() == second.body());
  size_t next = 0;
  for (size_t i = 0; i < first.header_count(); ++i) {
    const HeaderField before = first.header(i);
    if (before.id == HeaderId::kContentLength) continue;
    const HeaderField after = second.header(next++);
    std::vector<char> memory(before.value.size());
    CHECK(before.id == after.id && core::sip::Unfold(before.value, memory) == after.value);
    CHECK(after.name == (before.id == HeaderId::kUnknown ? before.name : Name(before.id)));
  }
  CHECK(next + 1 == second.header_count());
}

}  // namespace

// The input is copied to a heap block of its exact size, so that AddressSanitizer sees the first
// byte read past its end.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  Message first;
  const ParseError error = first.Index({exact.get(), size});
  const core::sip::Verdict verdict = Judge(first);
  CHECK(!verdict.ok() || error == ParseError::kOk);
  CHECK(error == ParseError::kTooManyHeaders || error == ParseError::kTooLong ||
        core::sip::PeekCallId({exact.get(), size}) == first.call_id());
  if (error != ParseError::kOk) return 0;

  const std::optional<std::string> written = Write(first);
  if (!written.has_value()) {
    CHECK(HoldsWhatIsRefused(first));
    return 0;
  }
  // Content-Length may be the one field too many.
  if (written->size() > Message::kBytesMax || first.header_count() == Message::kHeadersMax)
    return 0;
  Message second;
  CHECK(second.Index(*written) == ParseError::kOk);
  CheckSame(first, second);
  if (first.repeated() == HeaderId::kUnknown) {
    CHECK(Judge(second).status_code == verdict.status_code && Judge(second).ok() == verdict.ok());
  }
  CHECK(Write(second) == written);
  return 0;
}

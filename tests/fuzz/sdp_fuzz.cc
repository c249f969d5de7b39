// A body passes as it came, whatever it holds: SDP is not read yet, so nothing in it may change how
// the message around it is framed. (What reads SDP will have its own property here.)

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/sip/message.h"
#include "core/sip/message_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kHeadRoom = 1024;
  if (size > core::sip::Message::kBytesMax - kHeadRoom) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::vector<char> memory(size + kHeadRoom);
  core::sip::MessageWriter out(memory);
  out.RequestLine("INVITE", "sip:+18155558245@127.0.0.9");
  out.Header(core::sip::HeaderId::kCallId, "a");
  if (body.empty()) {
    out.NoBody();
  } else {
    out.Body("application/sdp", body);
  }
  const auto written = out.Finish();
  CHECK(written.has_value());

  // To a block of its exact size, so that a read past the end is seen.
  const auto exact = std::make_unique<char[]>(*written);
  std::memcpy(exact.get(), memory.data(), *written);
  core::sip::Message message;
  CHECK(message.Index({exact.get(), *written}) == core::sip::ParseError::kOk);
  CHECK(message.body() == body);
  CHECK(message.call_id() == "a");
  CHECK(message.Has(core::sip::HeaderId::kContentType) == !body.empty());
  return 0;
}

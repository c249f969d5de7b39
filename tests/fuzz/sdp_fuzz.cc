// Whatever Parse() accepts, the writer writes anew with everything kept, Parse() accepts that again
// to the same model with our addresses in it, and writing that once more changes no byte. Nothing
// of ICE is left, nor of the keys where no line is secure, and what the hash sees is all but o=.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/sdp/answer_judge.h"
#include "core/sdp/hold.h"
#include "core/sdp/rewrite.h"
#include "core/sdp/session_description.h"

namespace {

using core::sdp::ContentHash;
using core::sdp::Fate;
using core::sdp::Format;
using core::sdp::MediaDescription;
using core::sdp::MediaRewrite;
using core::sdp::ParseError;
using core::sdp::Rewrite;
using core::sdp::SessionDescription;

constexpr core::IpAddress kOurs = core::IpAddress::FromV4(0xcb00710a);
constexpr uint16_t kPort = 20000;

std::vector<MediaRewrite> KeepAll(const SessionDescription& source) {
  std::vector<MediaRewrite> media;
  for (const MediaDescription& line : source.media()) {
    media.push_back(KeepMedia(line, source.formats(line)));
    media.back().port = static_cast<uint16_t>(kPort + 2 * media.size());
    // Elsewhere than at the next port, so that a=rtcp is written.
    media.back().rtcp_port = static_cast<uint16_t>(media.back().port - 1);
    media.back().has_rtcp_mux = line.has_rtcp_mux;
    media.back().keeps_security = IsSecure(line.protocol);
  }
  return media;
}

std::string Write(const SessionDescription& source, uint64_t version) {
  const std::vector<MediaRewrite> media = KeepAll(source);
  // A line that ended in LF gets a CR, and each m= line gains what is ours.
  std::vector<char> memory(SessionDescription::kBytesMax + SessionDescription::kLinesMax + 4096);
  core::TextWriter out(memory);
  Rewrite rewrite;
  rewrite.version = version;
  rewrite.address = kOurs;
  rewrite.media = media;
  WriteRewritten(source, rewrite, &out);
  CHECK(out.ok());
  return std::string(out.text());
}

void CheckSame(const Format& a, const Format& b) {
  CHECK(a.number == b.number && SameEncoding(a, b) && a.encoding == b.encoding);
  CHECK(a.clock_rate_hz == b.clock_rate_hz && a.channels == b.channels && a.codec == b.codec);
  CHECK(a.fmtp == b.fmtp && a.has_rtpmap == b.has_rtpmap);
}

void CheckSame(const SessionDescription& first, const SessionDescription& second) {
  CHECK(first.media().size() == second.media().size());
  for (size_t i = 0; i < first.media().size(); ++i) {
    const MediaDescription& a = first.media()[i];
    const MediaDescription& b = second.media()[i];
    CHECK(a.type == b.type && a.protocol == b.protocol && a.type_text == b.type_text);
    CHECK(a.protocol_text == b.protocol_text && a.is_rejected() == b.is_rejected());
    CHECK(EffectiveDirection(a) == EffectiveDirection(b) && a.mid == b.mid);
    if (a.is_rejected()) continue;
    CHECK(b.connection.address == kOurs && b.port == kPort + 2 * (i + 1));
    CHECK(!a.is_rtp() || (b.RtcpEndpoint(false).port == b.port - 1));
    CHECK(!a.is_rtp() || a.has_rtcp_mux == b.has_rtcp_mux);
    CHECK(a.ptime_ms == b.ptime_ms && a.maxptime_ms == b.maxptime_ms);
    const auto formats = first.formats(a);
    const auto again = second.formats(b);
    CHECK(formats.size() == again.size());
    for (size_t k = 0; k < formats.size(); ++k) CheckSame(formats[k], again[k]);
  }
  CHECK(JudgeAnswer(first, second).is_usable());
}

void CheckNothingLeads(const SessionDescription& written) {
  size_t lines = written.session_line_count();
  bool is_secure = false;
  for (const MediaDescription& media : written.media()) {
    lines = std::max(lines, size_t{media.first_line} + media.line_count);
    is_secure = is_secure || (IsSecure(media.protocol) && !media.is_rejected());
  }
  for (size_t i = 0; i < lines; ++i) {
    const Fate fate = FateOf(written.line(i).attribute);
    CHECK(fate != Fate::kDrop && (is_secure || fate != Fate::kSecurity));
  }
}

}  // namespace

// The input is copied to a heap block of its exact size, so that AddressSanitizer sees the first
// byte read past its end.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  static SessionDescription first;
  static SessionDescription second;
  const ParseError error = first.Parse({exact.get(), size});
  CHECK((StatusCodeOf(error) == 0) == (error == ParseError::kOk));
  if (error != ParseError::kOk) {
    CHECK(first.media().empty() && first.bytes().empty());
    return 0;
  }
  const std::string written = Write(first, 1);
  const ParseError again = second.Parse(written);
  // What we say of ourselves may be the line or the byte too many.
  if (again == ParseError::kTooManyLines || again == ParseError::kTooLong) return 0;
  CHECK(again == ParseError::kOk);
  CheckSame(first, second);
  CheckNothingLeads(second);
  CHECK(Write(second, 1) == written);
  CHECK(ContentHash(Write(second, 2)) == ContentHash(written) && Write(second, 2) != written);
  return 0;
}

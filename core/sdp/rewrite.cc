#include "core/sdp/rewrite.h"

#include <array>

#include "core/base/ascii.h"
#include "core/base/check.h"
#include "core/base/siphash.h"
#include "core/sdp/cursor.h"
#include "core/sdp/feedback.h"
#include "core/sdp/hold.h"
#include "core/sdp/telephone_event.h"

namespace core::sdp {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

void WriteLine(char type, std::string_view value, TextWriter* out) {
  const char start[] = {type, '='};
  out->Append({start, sizeof(start)});
  out->Append(value);
  out->Append(kLineEnd);
}

// BUNDLE would put several lines on one port of ours, ANAT offers addresses (RFC 4091).
bool GroupCrosses(std::string_view value) {
  Cursor in(value);
  (void)in.TakeUntil(':');
  (void)in.Take(':');
  (void)in.Space();
  const std::string_view semantics = in.TakeField();
  return !EqualsIgnoreCase(semantics, "BUNDLE") && !EqualsIgnoreCase(semantics, "ANAT");
}

bool AttributeCrosses(const Line& line, bool keeps_security) {
  switch (FateOf(line.attribute)) {
    case Fate::kKeep:
      return true;
    case Fate::kSecurity:
      return keeps_security;
    case Fate::kGroup:
      return GroupCrosses(line.value);
    case Fate::kFormat:
    case Fate::kDirection:
    case Fate::kRtcp:
    case Fate::kDrop:
      return false;
  }
  return false;
}

void WriteConnection(std::string_view type_and_user, const IpAddress& address, TextWriter* out) {
  const IpAddress::Text text = address.text();
  out->Append(type_and_user);
  out->Append(address.is_v4() ? "IN IP4 " : "IN IP6 ");
  out->Append(text.view());
  out->Append(kLineEnd);
}

// The lines of the session section of these types, in their own order.
void WriteSessionLines(const SessionDescription& source, std::string_view types, TextWriter* out) {
  for (size_t i = 0; i < source.session_line_count(); ++i) {
    const Line line = source.line(i);
    if (types.find(line.type) != std::string_view::npos) WriteLine(line.type, line.value, out);
  }
}

bool KeepsSecurity(const Rewrite& rewrite) {
  for (const MediaRewrite& media : rewrite.media) {
    if (media.keeps_security && !media.is_rejected) return true;
  }
  return false;
}

// By RFC 8866's order, whatever the source's was; what it left out and must stand is filled in.
void WriteSession(const SessionDescription& source, const Rewrite& rewrite, TextWriter* out) {
  out->Append("v=0\r\no=");
  out->Append(rewrite.username);
  out->Append(' ');
  out->AppendNumber(rewrite.session_id);
  out->Append(' ');
  out->AppendNumber(rewrite.version);
  WriteConnection(" ", rewrite.address, out);
  // The name of a call's session is its product's, as User-Agent (RFC 8866 §5.3: "-" for none).
  WriteLine('s', "-", out);
  WriteSessionLines(source, "i", out);
  WriteConnection("c=", rewrite.address, out);
  WriteSessionLines(source, "b", out);
  if (!source.has_time()) out->Append("t=0 0\r\n");
  WriteSessionLines(source, "trz", out);
  const bool keeps_security = KeepsSecurity(rewrite);
  for (size_t i = 0; i < source.session_line_count(); ++i) {
    const Line line = source.line(i);
    if (line.type == 'a' && AttributeCrosses(line, keeps_security)) {
      WriteLine('a', line.value, out);
    }
  }
}

// What each of the source's formats is called there; kNoNumber where it stays behind.
using Numbers = std::array<uint8_t, SessionDescription::kFormatsPerMediaMax>;

Numbers MakeNumbers(const FormatSelection& selection) {
  Numbers numbers;
  numbers.fill(Format::kNoNumber);
  for (const auto& entry : selection.entries) numbers[entry.index] = entry.number;
  return numbers;
}

struct MediaLine {
  uint16_t port = 0;
  std::string_view protocol;
  const FormatSelection& selection;
  uint8_t event_number = Format::kNoNumber;
};

void WriteMediaLine(const MediaDescription& media, std::span<const Format> formats,
                    const MediaLine& line, TextWriter* out) {
  out->Append("m=");
  out->Append(media.type_text);
  out->Append(' ');
  out->AppendNumber(line.port);
  out->Append(' ');
  out->Append(line.protocol);
  for (const auto& entry : line.selection.entries) {
    out->Append(' ');
    if (entry.number == Format::kNoNumber) {
      out->Append(formats[entry.index].text);
    } else {
      out->AppendNumber(entry.number);
    }
  }
  if (line.selection.empty()) out->Append(media.is_rtp() ? " 0" : " -");  // One must stand (§5.14).
  if (line.event_number != Format::kNoNumber) {
    out->Append(' ');
    out->AppendNumber(line.event_number);
  }
  out->Append(kLineEnd);
}

// What is asked of us we must pass on, so nothing else may be asked; and under no other profile
// (RFC 4585 §4.2).
bool FeedbackCrosses(const MediaDescription& media, const MediaRewrite& rewrite, const Line& line) {
  const bool has_profile = media.protocol == Protocol::kRtpAvpf ||
                           media.protocol == Protocol::kRtpSavpf ||
                           media.protocol == Protocol::kUdpTlsRtpSavpf;
  return rewrite.keeps_feedback && has_profile && ReadFeedback(line.value).any();
}

// rtpmap, fmtp or rtcp-fb: the number that it begins with is the format's there.
void WriteFormatAttribute(const MediaDescription& media, const Line& line, const Numbers& numbers,
                          TextWriter* out) {
  if (!media.is_rtp()) return WriteLine('a', line.value, out);
  Cursor in(line.value);
  (void)in.TakeUntil(':');
  (void)in.Take(':');
  if (line.attribute == Attribute::kRtcpFb && in.rest().substr(0, 1) == "*") {
    return WriteLine('a', line.value, out);
  }
  if (line.format == Format::kNoNumber || numbers[line.format] == Format::kNoNumber) return;
  (void)in.TakeUntil(' ');
  out->Append("a=");
  out->Append(Name(line.attribute));
  out->Append(':');
  out->AppendNumber(numbers[line.format]);
  out->Append(in.rest());
  out->Append(kLineEnd);
}

void WriteOwnEvents(uint8_t number, TextWriter* out) {
  out->Append("a=rtpmap:");
  out->AppendNumber(number);
  out->Append(" telephone-event/");
  out->AppendNumber(kEventClockHz);
  out->Append("\r\na=fmtp:");
  out->AppendNumber(number);
  out->Append(' ');
  out->Append(kOwnEvents);
  out->Append(kLineEnd);
}

// What we say of ourselves, behind what the peer said.
void WriteOwnAttributes(const MediaDescription& media, const MediaRewrite& rewrite,
                        TextWriter* out) {
  if (rewrite.event_number != Format::kNoNumber) WriteOwnEvents(rewrite.event_number, out);
  if (media.has_direction || rewrite.direction != Direction::kSendRecv) {
    WriteLine('a', Name(rewrite.direction), out);
  }
  if (!media.is_rtp()) return;
  if (rewrite.rtcp_port != 0 && rewrite.rtcp_port != rewrite.port &&
      rewrite.rtcp_port != rewrite.port + 1) {
    out->Append("a=rtcp:");
    out->AppendNumber(rewrite.rtcp_port);
    out->Append(kLineEnd);
  }
  if (rewrite.has_rtcp_mux) out->Append("a=rtcp-mux\r\n");
}

// RFC 3264 §6: the formats of a rejected line mean nothing, and one must stand. Its mid does mean
// something: a group may name it (RFC 5888 §9.2).
void WriteRejected(const MediaDescription& media, std::span<const Format> formats,
                   TextWriter* out) {
  WriteMediaLine(media, formats, {0, media.protocol_text, SelectAll(formats)}, out);
  if (media.mid.empty()) return;
  out->Append("a=mid:");
  out->Append(media.mid);
  out->Append(kLineEnd);
}

void WriteMedia(const SessionDescription& source, const MediaDescription& media,
                const MediaRewrite& rewrite, TextWriter* out) {
  const std::span<const Format> formats = source.formats(media);
  const bool is_keyless =
      IsSecure(media.protocol) && !rewrite.keeps_security && rewrite.protocol.empty();
  if (rewrite.is_rejected || media.is_rejected() || rewrite.formats.empty() || is_keyless) {
    return WriteRejected(media, formats, out);
  }
  const std::string_view protocol =
      rewrite.protocol.empty() ? media.protocol_text : rewrite.protocol;
  WriteMediaLine(media, formats, {rewrite.port, protocol, rewrite.formats, rewrite.event_number},
                 out);
  const Numbers numbers = MakeNumbers(rewrite.formats);
  // i= and b= before a=, whatever the source's order was.
  for (const char type : {'i', 'b', 'a'}) {
    for (size_t i = media.first_line; i < size_t{media.first_line} + media.line_count; ++i) {
      const Line line = source.line(i);
      if (line.type != type) continue;
      if (type != 'a') {
        WriteLine(type, line.value, out);
      } else if (line.attribute == Attribute::kRtcpFb && !FeedbackCrosses(media, rewrite, line)) {
        continue;
      } else if (FateOf(line.attribute) == Fate::kFormat) {
        WriteFormatAttribute(media, line, numbers, out);
      } else if (AttributeCrosses(line, rewrite.keeps_security)) {
        WriteLine('a', line.value, out);
      }
    }
  }
  WriteOwnAttributes(media, rewrite, out);
}

}  // namespace

MediaRewrite KeepMedia(const MediaDescription& media, std::span<const Format> formats) {
  MediaRewrite rewrite;
  rewrite.is_rejected = media.is_rejected();
  rewrite.direction = EffectiveDirection(media);
  rewrite.formats = SelectAll(formats);
  return rewrite;
}

void WriteRewritten(const SessionDescription& source, const Rewrite& rewrite, TextWriter* out) {
  CHECK(rewrite.media.size() == source.media().size());
  WriteSession(source, rewrite, out);
  for (size_t i = 0; i < rewrite.media.size(); ++i) {
    WriteMedia(source, source.media()[i], rewrite.media[i], out);
  }
}

uint64_t ContentHash(std::string_view written) {
  constexpr std::string_view kOriginStart = "\no=";
  constexpr HashKey kKey = {0x72696e6766656e63u, 0x65736470636f6e74u};
  const size_t at = written.find(kOriginStart);
  if (at == std::string_view::npos) return SipHash(kKey, written);
  const size_t end = written.find('\n', at + kOriginStart.size());
  const uint64_t before = SipHash(kKey, written.substr(0, at));
  return SipHash({before, kKey[1]}, end == std::string_view::npos ? "" : written.substr(end));
}

std::optional<size_t> WriteForLeg(const SessionDescription& source, Rewrite rewrite,
                                  LocalOrigin* origin, std::span<char> memory) {
  rewrite.session_id = origin->session_id;
  rewrite.version = origin->version;
  TextWriter out(memory);
  WriteRewritten(source, rewrite, &out);
  if (!out.ok()) return std::nullopt;
  const uint64_t content_hash = ContentHash(out.text());
  if (origin->has_content && content_hash != origin->content_hash) {
    ++rewrite.version;
    out = TextWriter(memory);
    WriteRewritten(source, rewrite, &out);
    if (!out.ok()) return std::nullopt;
  }
  *origin = {rewrite.session_id, rewrite.version, content_hash, true};
  return out.size();
}

}  // namespace core::sdp

#include <algorithm>

#include "core/base/ascii.h"
#include "core/sdp/connection.h"
#include "core/sdp/cursor.h"
#include "core/sdp/session_description.h"

// The m= sections of a description: their first line, and what their attributes say.

namespace core::sdp {
namespace {

constexpr uint64_t kPtimeMax = 10000;  // Ten seconds in one packet: more is no packet time.
constexpr uint8_t kPayloadTypeMax = 127;
constexpr uint64_t kPortCountMax = 255;

MediaType FindMediaType(std::string_view text) {
  constexpr std::string_view kNames[] = {"",     "audio",       "video",  "image",
                                         "text", "application", "message"};
  for (size_t i = 1; i < std::size(kNames); ++i) {
    if (text == kNames[i]) return static_cast<MediaType>(i);
  }
  return MediaType::kOther;
}

// UDPTL is written in both cases, the RTP profiles in one; no two differ by case alone.
Protocol FindProtocol(std::string_view text) {
  constexpr std::string_view kNames[] = {
      "",          "RTP/AVP",          "RTP/AVPF",          "RTP/SAVP",
      "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "udptl"};
  for (size_t i = 1; i < std::size(kNames); ++i) {
    if (EqualsIgnoreCase(text, kNames[i])) return static_cast<Protocol>(i);
  }
  return Protocol::kOther;
}

bool HasBlank(std::string_view name) {
  return std::any_of(name.begin(), name.end(),
                     [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

// "ptime" and "maxptime" are non-zero-int-or-real: 20, and from some 20.0       RFC 8866 §6.4
ParseError ReadMilliseconds(std::string_view value, uint16_t* milliseconds, bool* is_zero) {
  Cursor in(value);
  uint64_t fraction = 0;
  if (!in.TakeNumber(kPtimeMax, milliseconds)) return ParseError::kAttribute;
  if (in.Take('.') && !in.TakeNumber(UINT32_MAX, &fraction)) return ParseError::kAttribute;
  *is_zero = *milliseconds == 0 && fraction == 0;
  return in.AtEnd() ? ParseError::kOk : ParseError::kAttribute;
}

Format MakeFormat(std::string_view text) {
  Format format;
  format.text = text;
  return format;
}

Format MakePayload(std::string_view text, uint8_t number) {
  const StaticPayload& payload = FindStaticPayload(number);
  Format format = MakeFormat(text);
  format.number = number;
  format.encoding = payload.encoding;
  format.clock_rate_hz = payload.clock_rate_hz;
  format.channels = payload.channels;
  format.codec = payload.codec;
  return format;
}

// rtpmap-value = payload-type SP encoding-name "/" clock-rate [ "/" encoding-params ]   §6.6
ParseError ReadRtpMap(std::string_view value, Format* format) {
  Cursor in(value);
  const std::string_view encoding = in.TakeUntil('/');
  uint32_t clock_rate_hz = 0;
  uint8_t channels = 1;
  if (encoding.empty() || encoding.find(' ') != std::string_view::npos || !in.Take('/') ||
      !in.TakeNumber(UINT32_MAX, &clock_rate_hz) || clock_rate_hz == 0) {
    return ParseError::kRtpMap;
  }
  if (in.Take('/') && (!in.TakeNumber(UINT8_MAX, &channels) || channels == 0)) {
    return ParseError::kRtpMap;
  }
  if (!in.AtEnd()) return ParseError::kRtpMap;
  Format read = *format;
  read.encoding = encoding;
  read.clock_rate_hz = clock_rate_hz;
  read.channels = channels;
  read.codec = FindCodec(encoding);
  read.has_rtpmap = true;
  // One number for two encodings is a way to be read in two ways. A static number is fixed, but
  // equipment in the field does use some of them for its own: then the map counts (RFC 3551 §3).
  if (format->has_rtpmap && !SameEncoding(*format, read)) return ParseError::kRepeated;
  *format = read;
  return ParseError::kOk;
}

// rtcp-attribute = "a=rtcp:" port [nettype space addrtype space connection-address]
//                                                                             RFC 3605 §2.1
ParseError ReadRtcp(std::string_view value, RtcpAttribute* rtcp) {
  Cursor in(value);
  RtcpAttribute read;
  if (!in.TakeNumber(UINT16_MAX, &read.port)) return ParseError::kAttribute;
  if (in.Space() && !in.AtEnd()) {
    Connection connection;
    const ParseError error = ParseConnection(in.rest(), &connection);
    if (error != ParseError::kOk) return error;
    read.address = connection.address;
    read.has_address = true;
  }
  if (!in.AtEnd() && !read.has_address) return ParseError::kAttribute;
  read.is_said = true;
  if (rtcp->is_said && (rtcp->port != read.port || rtcp->has_address != read.has_address ||
                        rtcp->address != read.address)) {
    return ParseError::kRepeated;
  }
  *rtcp = read;
  return ParseError::kOk;
}

}  // namespace

bool SameEncoding(const Format& a, const Format& b) {
  if (a.number == Format::kNoNumber || b.number == Format::kNoNumber) return a.text == b.text;
  // A number that nobody explained is only itself.
  if (a.encoding.empty() || b.encoding.empty()) {
    return a.encoding.empty() && b.encoding.empty() && a.number == b.number;
  }
  if (a.clock_rate_hz != b.clock_rate_hz || a.channels != b.channels) return false;
  // G729 and G729A are one codec. The rates of G726 and all that we do not know go by name.
  if (a.codec == b.codec && a.codec != Codec::kUnknown && a.codec != Codec::kG726) return true;
  return EqualsIgnoreCase(a.encoding, b.encoding);
}

Endpoint MediaDescription::RtcpEndpoint(bool muxed) const {
  if (port == 0) return {};
  if (muxed) return rtp();
  if (rtcp.is_said) {
    return {rtcp.has_address ? rtcp.address : connection.address, rtcp.port};
  }
  if (port == UINT16_MAX) return {};
  return {connection.address, static_cast<uint16_t>(port + 1)};
}

// media-field = %s"m" "=" media SP port ["/" integer] SP proto 1*(SP fmt) CRLF      RFC 8866 §5.14
ParseError SessionDescription::ReadMedia(std::string_view value) {
  if (media_count_ == kMediaMax) return ParseError::kTooManyMedia;
  MediaDescription& media = media_[media_count_];
  media = {};
  media.first_line = static_cast<uint16_t>(line_count_);
  media.first_format = static_cast<uint16_t>(format_count_);

  Cursor in(TrimEnd(value));
  media.type_text = in.TakeField();
  if (media.type_text.empty() || in.AtEnd()) return ParseError::kMedia;
  if (!in.TakeNumber(UINT16_MAX, &media.port)) return ParseError::kPort;
  if (in.Take('/')) {
    // That many pairs of ports from this one on. They must exist.
    if (!in.TakeNumber(kPortCountMax, &media.port_count) || media.port_count == 0 ||
        media.port + 2 * (media.port_count - 1) > UINT16_MAX) {
      return ParseError::kPort;
    }
  }
  if (!in.Space()) return in.AtEnd() ? ParseError::kMedia : ParseError::kPort;
  media.protocol_text = in.TakeField();
  if (media.protocol_text.empty()) return ParseError::kMedia;
  media.type = FindMediaType(media.type_text);
  media.protocol = FindProtocol(media.protocol_text);
  const ParseError error = ReadFormats(in.rest(), &media);
  if (error == ParseError::kOk) ++media_count_;
  return error;
}

ParseError SessionDescription::ReadFormats(std::string_view text, MediaDescription* media) {
  Cursor in(text);
  // Rejected lines lose their formats in the field, and nobody misses them.
  if (in.AtEnd() && !media->is_rejected()) return ParseError::kMedia;
  while (!in.AtEnd()) {
    const std::string_view field = in.TakeField();
    Format format = MakeFormat(field);
    if (media->is_rtp()) {
      Cursor number(field);
      uint8_t payload_type = 0;
      if (!number.TakeNumber(kPayloadTypeMax, &payload_type) || !number.AtEnd()) {
        return ParseError::kFormat;
      }
      // A number that stands twice says nothing more the second time.
      if (FindFormat(payload_type, *media) != Format::kNoNumber) continue;
      format = MakePayload(field, payload_type);
    }
    if (media->format_count == kFormatsPerMediaMax || format_count_ == kFormatsMax) {
      return ParseError::kTooManyFormats;
    }
    formats_[format_count_++] = format;
    ++media->format_count;
  }
  return ParseError::kOk;
}

uint8_t SessionDescription::FindFormat(uint8_t number, const MediaDescription& media) const {
  for (uint8_t i = 0; i < media.format_count; ++i) {
    if (formats_[media.first_format + i].number == number) return i;
  }
  return Format::kNoNumber;
}

ParseError SessionDescription::ReadMediaConnection(std::string_view value) {
  MediaDescription& media = media_[media_count_ - 1];
  // More than one are layers of a multicast (RFC 8866 §5.7).
  if (media.connection.is_said) return ParseError::kMulticast;
  return ParseConnection(value, &media.connection);
}

// attribute-field = %s"a" "=" attribute-name [":" attribute-value]            RFC 8866 §5.13
ParseError SessionDescription::ReadAttribute(std::string_view text) {
  Cursor in(TrimEnd(text));
  const std::string_view name = in.TakeUntil(':');
  if (name.empty()) return ParseError::kAttribute;
  (void)in.Take(':');  // Without it the attribute is a flag.
  // "candidate :1 1 UDP" and "sendonly now" are attributes to some readers and to us are none.
  const Attribute attribute = HasBlank(name) ? Attribute::kUnreadable : FindAttribute(name);
  lines_[line_count_ - 1].attribute = attribute;
  switch (attribute) {
    case Attribute::kSendRecv:
      return ReadDirection(Direction::kSendRecv);
    case Attribute::kSendOnly:
      return ReadDirection(Direction::kSendOnly);
    case Attribute::kRecvOnly:
      return ReadDirection(Direction::kRecvOnly);
    case Attribute::kInactive:
      return ReadDirection(Direction::kInactive);
    case Attribute::kUnknown:
    case Attribute::kUnreadable:
      return ParseError::kOk;
    default:
      // The others are of the media level; at the session's they mean nothing.
      return media_count_ == 0 ? ParseError::kOk : ReadMediaAttribute(attribute, in.rest());
  }
}

ParseError SessionDescription::ReadMediaAttribute(Attribute attribute, std::string_view value) {
  MediaDescription& media = media_[media_count_ - 1];
  switch (attribute) {
    case Attribute::kRtpMap:
    case Attribute::kFmtp:
    case Attribute::kRtcpFb:
      return media.is_rtp() ? ReadFormatAttribute(attribute, value) : ParseError::kOk;
    case Attribute::kPtime:
      return ReadPacketTime(value, &media.ptime_ms);
    case Attribute::kMaxPtime:
      return ReadPacketTime(value, &media.maxptime_ms);
    case Attribute::kRtcp:
      return ReadRtcp(value, &media.rtcp);
    case Attribute::kRtcpMux:
      media.has_rtcp_mux = true;
      return ParseError::kOk;
    case Attribute::kMid:
      if (!media.mid.empty() && media.mid != value) return ParseError::kRepeated;
      if (value.empty()) return ParseError::kAttribute;
      media.mid = value;
      return ParseError::kOk;
    default:
      return ParseError::kOk;
  }
}

// 0 is none and divides nobody's clock: it stays behind, as if nothing had been said.
ParseError SessionDescription::ReadPacketTime(std::string_view value, uint16_t* milliseconds) {
  bool is_zero = false;
  const ParseError error = ReadMilliseconds(value, milliseconds, &is_zero);
  if (is_zero) lines_[line_count_ - 1].attribute = Attribute::kUnreadable;
  return error;
}

// Of two that differ, each reader would choose his own (RFC 8866 §6.7: at most one stands).
ParseError SessionDescription::ReadDirection(Direction direction) {
  const bool of_session = media_count_ == 0;
  Direction& known = of_session ? direction_ : media_[media_count_ - 1].direction;
  bool& is_known = of_session ? has_direction_ : media_[media_count_ - 1].has_own_direction;
  if (is_known && known != direction) return ParseError::kRepeated;
  is_known = true;
  known = direction;
  if (!of_session) media_[media_count_ - 1].has_direction = true;
  return ParseError::kOk;
}

// Of a payload type that its m= line does not have, nothing is read: the line is written nowhere.
ParseError SessionDescription::ReadFormatAttribute(Attribute attribute, std::string_view value) {
  Cursor in(value);
  // rtcp-fb-pt = "*" / fmt                                                    RFC 4585 §4.2
  if (attribute == Attribute::kRtcpFb && in.Take('*')) return ParseError::kOk;
  uint8_t number = 0;
  if (!in.TakeNumber(kPayloadTypeMax, &number)) return ParseError::kFormat;
  if (!in.Space()) {
    if (attribute == Attribute::kRtpMap) return ParseError::kRtpMap;
    return in.AtEnd() ? ParseError::kOk : ParseError::kFormat;
  }
  const MediaDescription& media = media_[media_count_ - 1];
  const uint8_t index = FindFormat(number, media);
  if (index == Format::kNoNumber) return ParseError::kOk;
  lines_[line_count_ - 1].format = index;
  Format& format = formats_[media.first_format + index];
  if (attribute == Attribute::kRtpMap) return ReadRtpMap(in.rest(), &format);
  if (attribute == Attribute::kFmtp && format.fmtp.empty()) format.fmtp = in.rest();
  return ParseError::kOk;
}

}  // namespace core::sdp

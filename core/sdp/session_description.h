#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/address.h"
#include "core/sdp/attribute.h"
#include "core/sdp/codec.h"
#include "core/sdp/connection.h"
#include "core/sdp/direction.h"
#include "core/sdp/parse_error.h"

namespace core::sdp {

enum class MediaType : uint8_t { kOther, kAudio, kVideo, kImage, kText, kApplication, kMessage };

/// The transport of an m= line. What is kOther passes by its text or is refused, as the user likes.
enum class Protocol : uint8_t {
  kOther,
  kRtpAvp,
  kRtpAvpf,
  kRtpSavp,
  kRtpSavpf,
  kUdpTlsRtpSavp,
  kUdpTlsRtpSavpf,
  kUdptl,  // T.38 (ITU-T T.38 annex D)
};
constexpr bool IsRtp(Protocol protocol) {
  return protocol >= Protocol::kRtpAvp && protocol <= Protocol::kUdpTlsRtpSavpf;
}
constexpr bool IsSecure(Protocol protocol) {
  return protocol >= Protocol::kRtpSavp && protocol <= Protocol::kUdpTlsRtpSavpf;
}

/// Who made the description, and which one of his it is (RFC 8866 §5.2). Numbers stay text: RFC
/// 8866 bounds them by nothing, and only whether they changed is of interest.
struct Origin {
  std::string_view username;
  std::string_view session_id;
  std::string_view version;
  std::string_view address;  // As written: may be a name, as nothing is sent there.
};

/// One format of an m= line.
struct Format {
  static constexpr uint8_t kNoNumber = 0xff;

  std::string_view text;      // As it stands on the m= line.
  std::string_view encoding;  // From rtpmap or RFC 3551's table; empty where neither says.
  std::string_view fmtp;      // The first one's parameters.
  uint32_t clock_rate_hz = 0;
  uint8_t number = kNoNumber;  // The RTP payload type, 0 to 127; kNoNumber where it is not RTP.
  uint8_t channels = 1;
  Codec codec = Codec::kUnknown;
  bool has_rtpmap = false;
};

/// True where both are the same encoding, whatever their numbers are.
bool SameEncoding(const Format& a, const Format& b);

/// Where RTCP is to be sent, if it was said (RFC 3605).
struct RtcpAttribute {
  IpAddress address;
  uint16_t port = 0;
  bool is_said = false;
  bool has_address = false;
};

/// One m= section.
struct MediaDescription {
  MediaType type = MediaType::kOther;
  Protocol protocol = Protocol::kOther;
  std::string_view type_text;
  std::string_view protocol_text;
  uint16_t port = 0;                           // 0: rejected or ended (RFC 3264 §6, §8.2).
  uint16_t port_count = 1;                     // "<port>/<number of ports>"
  Connection connection;                       // Its own, else the session's.
  Direction direction = Direction::kSendRecv;  // Its own, else the session's, else sendrecv.
  bool has_direction = false;                  // Said, here or for the session.
  bool has_own_direction = false;
  bool has_rtcp_mux = false;
  RtcpAttribute rtcp;
  uint16_t ptime_ms = 0;  // 0: not said.
  uint16_t maxptime_ms = 0;
  std::string_view mid;

  uint16_t first_line = 0;  // Of the section, the m= line itself left out.
  uint16_t line_count = 0;
  uint16_t first_format = 0;
  uint16_t format_count = 0;

  bool is_rejected() const { return port == 0; }
  bool is_rtp() const { return IsRtp(protocol); }
  bool is_t38() const { return type == MediaType::kImage && protocol == Protocol::kUdptl; }
  /// Where to send RTP. Unspecified while the peer wants none (see hold.h).
  Endpoint rtp() const { return {connection.address, port}; }
  /// Where to send RTCP: with RTP if `muxed` (both sides said rtcp-mux), else where a=rtcp says,
  /// else at the next port (RFC 3550 §11). Port 0: there is no such place.
  Endpoint RtcpEndpoint(bool muxed) const;
};

/// One line, read in place.
struct Line {
  char type = '\0';
  Attribute attribute = Attribute::kUnknown;  // Of an a= line.
  uint8_t format = Format::kNoNumber;  // Of an rtpmap, fmtp or rtcp-fb: which of its section's.
  std::string_view value;              // All behind the `=`, spaces at the end included.
};

/// A session description read in place from the body that carried it (RFC 8866).
///
/// Shape:    at most kMediaMax m= sections, kFormatsMax formats and kLinesMax lines of kLineMax
///           bytes. Large (some 12 kB): keep one a worker and parse into it again; nothing of it is
///           cleared but counts.
/// Lifetime: borrows the bytes it parsed. Every view it returns dies with their Packet.
/// Errors:   Parse() refuses what is malformed or beyond a bound, and is then empty. It is lenient
///           where equipment in the field is, and nothing hangs on it: lines may end in LF alone,
///           the last in nothing; t= or s= may be missing; lines of a section may come in any
///           order; spaces may stand doubled or at a line's end.
class SessionDescription {
 public:
  static constexpr size_t kBytesMax = 16384;  // A browser's longest offers have some 8 kB.
  static constexpr size_t kLineMax = 2048;    // sprop-parameter-sets and keys are long.
  static constexpr size_t kLinesMax = 320;    // A browser's offer of video has 200.
  static constexpr size_t kMediaMax = 8;
  static constexpr size_t kFormatsMax = 128;
  static constexpr size_t kFormatsPerMediaMax = 64;  // A browser's video has 45.

  [[nodiscard]] ParseError Parse(std::string_view bytes);

  std::string_view bytes() const { return bytes_; }
  const Origin& origin() const { return origin_; }
  std::string_view session_name() const { return session_name_; }  // Empty where s= is missing.
  const Connection& connection() const { return connection_; }     // The session's own.
  bool has_time() const { return has_time_; }

  std::span<const MediaDescription> media() const { return {media_.data(), media_count_}; }
  std::span<const Format> formats(const MediaDescription& media) const {
    return {formats_.data() + media.first_format, media.format_count};
  }
  /// The lines before the first m= line; and those of a section behind its m= line.
  size_t session_line_count() const {
    return media_count_ == 0 ? line_count_ : media_[0].first_line - size_t{1};
  }
  Line line(size_t index) const {
    const LineEntry& entry = lines_[index];
    return {entry.type, entry.attribute, entry.format, bytes_.substr(entry.at, entry.size)};
  }

 private:
  struct LineEntry {
    uint16_t at;
    uint16_t size;
    char type;
    Attribute attribute;
    uint8_t format;
  };

  void Reset(std::string_view bytes);
  ParseError ParseLines();
  ParseError ReadLine(char type, std::string_view value);
  ParseError ReadSessionLine(char type, std::string_view value);
  ParseError ReadMedia(std::string_view value);
  ParseError ReadFormats(std::string_view text, MediaDescription* media);
  ParseError ReadMediaConnection(std::string_view value);
  ParseError ReadAttribute(std::string_view text);
  ParseError ReadMediaAttribute(Attribute attribute, std::string_view value);
  ParseError ReadPacketTime(std::string_view value, uint16_t* milliseconds);
  ParseError ReadDirection(Direction direction);
  ParseError ReadFormatAttribute(Attribute attribute, std::string_view value);
  ParseError Finish();
  uint8_t FindFormat(uint8_t number, const MediaDescription& media) const;

  std::string_view bytes_;
  std::string_view session_name_;
  Origin origin_;
  Connection connection_;
  Direction direction_ = Direction::kSendRecv;
  bool has_direction_ = false;
  bool has_origin_ = false;
  bool has_session_name_ = false;
  bool has_time_ = false;
  size_t line_count_ = 0;
  size_t media_count_ = 0;
  size_t format_count_ = 0;
  std::array<MediaDescription, kMediaMax> media_;
  std::array<LineEntry, kLinesMax> lines_;
  std::array<Format, kFormatsMax> formats_;
};

}  // namespace core::sdp

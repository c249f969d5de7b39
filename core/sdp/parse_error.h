#pragma once

#include <cstdint>
#include <string_view>

namespace core::sdp {

/// What is wrong with a session description that a peer sent. Readers leave their result empty when
/// it is not kOk.
enum class [[nodiscard]] ParseError : uint8_t{
    kOk,
    // Malformed: 400.
    kEmpty,      // No bytes at all.
    kLine,       // Not `<type>=<value>`; an empty line with more behind it; NUL or a stray CR.
    kLineType,   // A type letter that RFC 8866 does not have (§5: then all of it is refused).
    kPlace,      // A line where its section may not have it.
    kVersion,    // Not v=0 first.
    kMissing,    // No o=, or no c= for media that wants one.
    kRepeated,   // What may stand once stands twice, or twice and differently.
    kOrigin,     // Not the six fields of o=.
    kAddress,    // Not an address of the family that was said.
    kTime,       // Not the two numbers of t=.
    kBandwidth,  // Not `<bwtype>:<number>`.
    kMedia,      // An m= line without media type, port, protocol or formats.
    kPort,       // A port or a number of ports outside its range.
    kFormat,     // An RTP payload type that is no number from 0 to 127.
    kAttribute,  // An attribute without a name, or one that we read and cannot.
    kRtpMap,     // Not `<payload type> <encoding>/<clock rate>[/<channels>]`.
    kBoundary,   // A multipart body whose boundary is illegal, missing, or can be read in two ways.
    kPart,       // A part whose header fields cannot be read.
    // Understood and not acceptable: 488.
    kTooLong,          // More bytes than SessionDescription::kBytesMax.
    kLineTooLong,      // A line of more bytes than kLineMax.
    kTooManyLines,     // More lines than kLinesMax.
    kTooManyMedia,     // More m= lines than kMediaMax.
    kTooManyFormats,   // More formats than kFormatsMax, or kFormatsPerMediaMax on one line.
    kNetworkType,      // Not IN, or neither IP4 nor IP6.
    kHostName,         // A c= that would have to be looked up.
    kMulticast,        // A c= with a TTL or a count of addresses, or a second c=.
    kTooManyParts,     // More parts in a multipart body than MultipartBody::kPartsMax.
    kNestedMultipart,  // A multipart within a multipart.
    kEncoding,         // SDP under a transfer encoding that changes its bytes.
    kDisposition,      // SDP that does not describe this session (RFC 3959's early-session).
    kNoSdp,            // A multipart body without SDP.
};

/// 400 for what is malformed, 488 for what is understood and not acceptable (RFC 3261 §21.4.1,
/// §21.4.26); 0 for kOk.
uint16_t StatusCodeOf(ParseError error);

/// For logs and test failures.
std::string_view Name(ParseError error);

}  // namespace core::sdp

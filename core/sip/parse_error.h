#pragma once

#include <cstdint>
#include <string_view>

namespace core::sip {

/// What is wrong with bytes that a peer sent. Readers leave their result empty when it is not kOk.
enum class [[nodiscard]] ParseError : uint8_t{
    kOk,
    kEmpty,           // Nothing but CRLFs: a keep-alive (RFC 5626 §3.5.1), not a message.
    kTooLong,         // More bytes than Message::kBytesMax.
    kStartLine,       // Neither a Request-Line nor a Status-Line (RFC 3261 §7.1, §7.2).
    kVersion,         // A well-formed SIP-Version that is not SIP/2.0: 505.
    kStatusCode,      // Not three digits from 100 to 699.
    kHeaderLine,      // A line that is no header field, or a CR or LF that ends no line.
    kTooManyHeaders,  // More header fields than Message::kHeadersMax: 513.
    kTruncated,       // The bytes end before the empty line that ends the header fields.
    kContentLength,   // Content-Length is no number, or is said twice and differently.
    kBodyShort,       // Fewer bytes of body than Content-Length says (§18.3).
    kMissing,         // The header field is absent.
    kRepeated,        // A header field that may stand once stands twice.
    kViaProtocol,     // Not SIP/2.0/ at the start of a Via.
    kViaTransport,    // No transport in a Via.
    kHost,            // No host name, IPv4 address or IPv6 reference where one must be.
    kPort,            // A port outside 1 to 65535.
    kScheme,          // No URI scheme.
    kUser,            // A user part or password with a character it may not have.
    kEscape,          // A % without two hex digits.
    kUri,             // A URI with a character that no URI has.
    kDisplayName,     // A display name that is neither tokens nor a quoted string.
    kBrackets,        // A < without its >.
    kQuotes,          // A quoted string without its end.
    kParameter,       // A parameter without name, or with = and no value.
    kNumber,          // Not a number, or outside its range.
    kMethod,          // No method where one must be.
    kToken,           // No token where one must be.
    kTrailing,        // Something after the end of the value.
};

/// For logs and test failures.
std::string_view Name(ParseError error);

}  // namespace core::sip

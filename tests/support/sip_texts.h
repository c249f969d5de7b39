#pragma once

#include <string>
#include <string_view>

namespace tests {

/// A request with the least that RFC 3261 §8.1.1 asks for.
struct RequestText {
  std::string method = "INVITE";
  std::string uri = "sip:bob@198.51.100.1";
  std::string via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKpeer1";
  std::string from_tag = "alice-tag";
  std::string to_tag = "";
  std::string call_id = "call-1@192.0.2.1";
  std::string cseq = "1 INVITE";
  std::string fields = "Contact: <sip:alice@192.0.2.1:5060>\r\n";  // Whole lines.
  std::string body = "";

  std::string text() const {
    return method + " " + uri + " SIP/2.0\r\n" + "Via: " + via + "\r\n" + "Max-Forwards: 70\r\n" +
           "From: Alice <sip:alice@example.com>" + Tag(from_tag) + "\r\n" +
           "To: <sip:bob@example.org>" + Tag(to_tag) + "\r\n" + "Call-ID: " + call_id + "\r\n" +
           "CSeq: " + cseq + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

 private:
  static std::string Tag(std::string_view tag) {
    return tag.empty() ? std::string() : ";tag=" + std::string(tag);
  }
};

/// The same INVITE with another method: what its client sends after it.
inline RequestText Following(RequestText request, const std::string& method) {
  const std::string number = request.cseq.substr(0, request.cseq.find(' '));
  request.method = method;
  request.cseq = number + " " + method;
  return request;
}

/// A response to a request of ours, as the peer writes it.
struct ResponseText {
  std::string status_line = "200 OK";
  std::string branch = "z9hG4bKours1";
  std::string cseq = "1 INVITE";
  std::string to_tag = "bob-tag";
  std::string fields = "Contact: <sip:bob@192.0.2.1:5060>\r\n";

  std::string text() const {
    return "SIP/2.0 " + status_line + "\r\n" +
           "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=" + branch + "\r\n" +
           "From: Alice <sip:alice@example.com>;tag=alice-tag\r\n" + "To: <sip:bob@example.org>" +
           (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\n" + "Call-ID: call-1@192.0.2.1\r\n" +
           "CSeq: " + cseq + "\r\n" + fields + "Content-Length: 0\r\n\r\n";
  }
};

}  // namespace tests

#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/concat.h"

// Pieces of scenarios, so that a test shows only what it is about.

namespace tests {

/// <scenario> around these elements.
inline std::string Scenario(std::initializer_list<std::string> elements) {
  std::string xml = "<scenario name=\"test\">\n";
  for (const std::string& element : elements) xml += element + "\n";
  return xml + "</scenario>\n";
}

/// A <send> of a request by the client, with these attributes and further header lines.
inline std::string SendRequest(std::string_view method, int cseq, std::string_view attributes = "",
                               std::string_view headers = "", std::string_view actions = "") {
  return core::Concat("<send ", attributes, "><![CDATA[\n", method,
                      " sip:callee@[remote_ip]:[remote_port] SIP/2.0\n",
                      "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n",
                      "From: <sip:caller@[local_ip]>;tag=c[call_number]\n",
                      "To: <sip:callee@[remote_ip]>[peer_tag_param]\n", "Call-ID: [call_id]\n",
                      "CSeq: ", cseq, " ", method == "ACK" ? "ACK" : method, "\n", headers,
                      "Max-Forwards: 70\nContent-Length: 0\n", "]]>", actions, "</send>");
}

/// A <send> of a response by the server.
inline std::string SendResponse(std::string_view status_line, std::string_view attributes = "",
                                std::string_view headers = "") {
  return core::Concat("<send ", attributes, "><![CDATA[\nSIP/2.0 ", status_line,
                      "\n[last_Via:]\n[last_From:]\n[last_To:];tag=s[call_number]\n",
                      "[last_Call-ID:]\n[last_CSeq:]\n", "Contact: <sip:[local_ip]:[local_port]>\n",
                      headers, "Content-Length: 0\n]]></send>");
}

inline std::string Recv(std::string_view what, std::string_view more = "") {
  const bool response = what.front() >= '1' && what.front() <= '6';
  return core::Concat("<recv ", response ? "response" : "request", "=\"", what, "\" ", more, "/>");
}

/// The same with <action> around `actions`.
inline std::string RecvWith(std::string_view what, std::string_view more,
                            std::string_view actions) {
  const bool response = what.front() >= '1' && what.front() <= '6';
  return core::Concat("<recv ", response ? "response" : "request", "=\"", what, "\" ", more,
                      "><action>", actions, "</action></recv>");
}

inline std::string Nop(std::string_view actions, std::string_view more = "") {
  return core::Concat("<nop ", more, "><action>", actions, "</action></nop>");
}

/// A request as a scripted peer sends it.
inline std::string Request(std::string_view method, std::string_view call_id, int cseq,
                           std::string_view more_headers = "") {
  return core::Concat(method, " sip:callee@10.0.0.2 SIP/2.0\r\n",
                      "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-", method, "-", cseq, "\r\n",
                      "From: <sip:caller@10.0.0.1>;tag=peer\r\nTo: <sip:callee@10.0.0.2>\r\n",
                      "Call-ID: ", call_id, "\r\nCSeq: ", cseq, " ", method, "\r\n", more_headers,
                      "Content-Length: 0\r\n\r\n");
}

}  // namespace tests

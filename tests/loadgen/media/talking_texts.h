#pragma once

#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>

#include "core/base/concat.h"

namespace tests {

/// A file of these bytes, for as long as the test runs.
class MediaFile {
 public:
  explicit MediaFile(std::string_view bytes, std::string_view name = "media")
      : path_(core::Concat("/tmp/ringfence_", name, "_", static_cast<int64_t>(getpid()))) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~MediaFile() { (void)unlink(path_.c_str()); }
  MediaFile(const MediaFile&) = delete;
  MediaFile& operator=(const MediaFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string Sdp(std::string_view address, std::string_view port,
                       std::string_view event = "101") {
  return core::Concat("v=0\no=- 1 1 IN IP4 ", address, "\ns=-\nc=IN IP4 ", address,
                      "\nt=0 0\nm=audio ", port, " RTP/AVP 0 8 ", event, "\na=rtpmap:", event,
                      " telephone-event/8000\n");
}

inline std::string Exec(std::string_view what) {
  return core::Concat("<nop><action><exec ", what, "/></action></nop>\n");
}

/// A caller that does `talk` between its ACK and its BYE.
inline std::string TalkingCaller(std::string_view talk, std::string_view sdp = "",
                                 std::string_view bye_answered = "") {
  const std::string own = Sdp("[media_ip]", "[media_port]");
  const auto request = [](std::string_view method, std::string_view number) {
    return core::Concat(method, " sip:b@[remote_ip]:[remote_port] SIP/2.0\n",
                        "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n",
                        "From: <sip:a@[local_ip]>;tag=[call_number]\n",
                        "To: <sip:b@[remote_ip]>[peer_tag_param]\nCall-ID: [call_id]\nCSeq: ",
                        number, " ", method, "\n");
  };
  return core::Concat(
      "<scenario><send retrans=\"500\"><![CDATA[\n", request("INVITE", "1"),
      "Content-Type: application/sdp\nContent-Length: [len]\n\n", sdp.empty() ? own : sdp,
      "]]></send>\n<recv response=\"200\"/>\n<send><![CDATA[\n", request("ACK", "1"),
      "Content-Length: 0\n\n]]></send>\n", talk, "<send retrans=\"500\"><![CDATA[\n",
      request("BYE", "2"), "Content-Length: 0\n\n]]></send>\n<recv response=\"200\"", bye_answered,
      "/></scenario>");
}

/// A callee that does `talk` once it has the ACK; `bye` are more attributes of its <recv> of BYE.
inline std::string TalkingCallee(std::string_view talk, std::string_view bye = "",
                                 std::string_view event = "101") {
  const auto answer = [](std::string_view more) {
    return core::Concat("<send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n",
                        "[last_To:];tag=c[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n", more,
                        "]]></send>\n");
  };
  return core::Concat(
      "<scenario><recv request=\"INVITE\"/>\n",
      answer(core::Concat("Content-Type: application/sdp\nContent-Length: [len]\n\n",
                          Sdp("[media_ip]", "[rtpstream_audio_port]", event))),
      "<recv request=\"ACK\"/>\n", talk, "<recv request=\"BYE\" ", bye, "/>\n",
      answer("Content-Length: 0\n\n"), "</scenario>");
}

}  // namespace tests

#include "tests/sim/sbc_sim_sdp.h"

#include <algorithm>

namespace tests {
namespace {

// What a number means in all these descriptions: the dynamic ones need their rtpmap.
struct Meaning {
  uint8_t number;
  const char* map;
};
constexpr Meaning kMeanings[] = {{kPcma, "PCMA/8000"},    {9, "G722/8000"},
                                 {13, "CN/8000"},         {18, "G729/8000"},
                                 {kOpus, "opus/48000/2"}, {kEvents, "telephone-event/8000"}};

std::string FaxLine(uint16_t port, const std::string& connection) {
  return "m=image " + std::to_string(port) + " udptl t38\r\n" + connection +
         "a=T38FaxVersion:0\r\na=T38FaxRateManagement:transferredTCF\r\n";
}

std::string VideoLine(const SpokenSdp& sdp, const std::string& connection) {
  const std::string number = std::to_string(sdp.video_number);
  return "m=video " + std::to_string(sdp.video_port) + " RTP/AVPF " + number + "\r\n" + connection +
         "a=rtpmap:" + number + " H264/90000\r\na=rtcp-fb:" + number +
         " nack\r\na=rtcp-fb:" + number + " nack pli\r\na=rtcp-fb:* ccm fir\r\n" +
         (sdp.video_muxed ? "a=rtcp-mux\r\n" : "");
}

std::string VoiceLine(const SpokenSdp& sdp, const std::string& connection) {
  const uint16_t port = sdp.fax == SpokenSdp::Fax::kOwnLine ? uint16_t{0} : sdp.port;
  std::string text = "m=audio " + std::to_string(port) + " RTP/AVP";
  std::string maps;
  for (const uint8_t format : sdp.formats) {
    text += " " + std::to_string(format);
    for (const Meaning& meaning : kMeanings) {
      if (meaning.number != format) continue;
      maps += "a=rtpmap:" + std::to_string(format) + " " + meaning.map + "\r\n";
    }
  }
  text += "\r\n" + connection + maps;
  if (sdp.says_rtcp) text += "a=rtcp:" + std::to_string(port + 1) + "\r\n";
  if (!sdp.direction.empty()) text += "a=" + sdp.direction + "\r\n";
  return text;
}

}  // namespace

bool SpokenSdp::Has(uint8_t format) const {
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

std::string SpokenSdp::Codec() const {
  for (const uint8_t format : formats) {
    switch (format) {
      case 0:
        return "pcmu";
      case kPcma:
        return "pcma";
      case 9:
        return "g722";
      case 18:
        return "g729";
      case kOpus:
        return "opus";
      default:
        break;  // Events, and comfort noise.
    }
  }
  return "";
}

std::string SpokenSdp::Text() const {
  const std::string family = address.find(':') == std::string::npos ? "IN IP4 " : "IN IP6 ";
  const std::string connection = "c=" + family + address + "\r\n";
  const std::string each = address_in_media ? connection : "";
  std::string text = "v=0\r\no=- 1 " + std::to_string(version) + " " + family + address +
                     "\r\ns=-\r\n" + (address_in_media ? "" : connection) + "t=0 0\r\n";
  if (video_number != 0 && video_first) text += VideoLine(*this, each);
  text += fax == Fax::kInPlace ? FaxLine(fax_port, each) : VoiceLine(*this, each);
  if (refused_line) text += "m=audio 0 RTP/AVP 0\r\n" + each;
  if (video_number != 0 && !video_first) text += VideoLine(*this, each);
  if (has_fax_line) text += FaxLine(fax == Fax::kOwnLine ? fax_port : uint16_t{0}, each);
  return text;
}

std::string HostPort(const std::string& address, int port) {
  const bool is_v4 = address.find(':') == std::string::npos;
  return (is_v4 ? address : "[" + address + "]") + ":" + std::to_string(port);
}

core::Endpoint TargetOf(const std::string& sdp, const char* line) {
  const auto after = [&sdp](const char* start) {
    const size_t at = sdp.find(start);
    if (at == std::string::npos) return std::string();
    const size_t begin = at + std::char_traits<char>::length(start);
    return sdp.substr(begin, sdp.find_first_of(" \r", begin) - begin);
  };
  const std::string v4 = after("c=IN IP4 ");
  const std::string address = v4.empty() ? "[" + after("c=IN IP6 ") + "]" : v4;
  core::Endpoint target;
  return core::Endpoint::Parse(address + ":" + after(line), &target) ? target : core::Endpoint{};
}

SpokenSdp SpokenSdp::Draw(Dice* dice, const std::string& address, uint16_t port) {
  SpokenSdp sdp{.address = address, .port = port};
  for (const Meaning& meaning : kMeanings) {
    if (!dice->Chance(0.3)) continue;
    // PCMU need not be the one that is liked best.
    sdp.formats.insert(dice->Chance(0.5) ? sdp.formats.begin() : sdp.formats.end(), meaning.number);
  }
  if (dice->Chance(0.2)) sdp.direction = "sendrecv";
  sdp.address_in_media = dice->Chance(0.3);
  sdp.says_rtcp = dice->Chance(0.3);
  sdp.refused_line = dice->Chance(0.1);
  return sdp;
}

SpokenSdp SpokenSdp::DrawAnswer(Dice* dice, const std::string& address, uint16_t port,
                                const SpokenSdp& offer) {
  SpokenSdp sdp = Draw(dice, address, port);
  sdp.formats.clear();
  for (const uint8_t format : offer.formats) {
    if (format == 0 || dice->Chance(0.6)) sdp.formats.push_back(format);
  }
  sdp.refused_line = offer.refused_line;  // As many lines as the offer has (RFC 3264 §6).
  return sdp;
}

}  // namespace tests

#include "tests/sim/sbc_sim_sdp.h"

namespace tests {
namespace {

// What a number means in all these descriptions: the dynamic ones need their rtpmap.
struct Meaning {
  uint8_t number;
  const char* map;
};
constexpr Meaning kMeanings[] = {{8, "PCMA/8000"},     {9, "G722/8000"},
                                 {13, "CN/8000"},      {18, "G729/8000"},
                                 {96, "opus/48000/2"}, {101, "telephone-event/8000"}};

}  // namespace

std::string SpokenSdp::Text() const {
  const std::string connection = "c=IN IP4 " + address + "\r\n";
  std::string text = "v=0\r\no=- 1 " + std::to_string(version) + " IN IP4 " + address +
                     "\r\ns=-\r\n" + (address_in_media ? "" : connection) + "t=0 0\r\nm=audio " +
                     std::to_string(port) + " RTP/AVP";
  std::string maps;
  for (const uint8_t format : formats) {
    text += " " + std::to_string(format);
    for (const Meaning& meaning : kMeanings) {
      if (meaning.number != format) continue;
      maps += "a=rtpmap:" + std::to_string(format) + " " + meaning.map + "\r\n";
    }
  }
  text += "\r\n" + (address_in_media ? connection : "") + maps;
  if (says_rtcp) text += "a=rtcp:" + std::to_string(port + 1) + "\r\n";
  if (!direction.empty()) text += "a=" + direction + "\r\n";
  if (refused_line) text += "m=audio 0 RTP/AVP 0\r\n" + (address_in_media ? connection : "");
  return text;
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

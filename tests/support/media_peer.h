#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/random.h"
#include "core/buffer/packet_pool.h"
#include "core/rtp/rtcp_session.h"
#include "core/rtp/source.h"
#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"
#include "tests/support/simulation.h"

namespace tests {

/// The media of a peer: an RTP port, and the RTCP port above it.
///
/// Use:    Send() sends one packet of any kind; Talk() sends voice every 20 ms until Hush(), with
///         sequence numbers, timestamps and RTCP as RFC 3550 has them.
/// Thread: the test's. Allocates as it likes.
class MediaPeer final : public Participant {
 public:
  MediaPeer(const std::string& address, SimNetwork* network, Simulation* simulation);

  void Turn() override;
  core::Instant NextDue() const override;

  void Send(const std::string& payload, const core::Endpoint& to, char type = 0);
  /// These bytes and no others, as no RTP: a fax's UDPTL; or to `to` as RTCP.
  void SendBytes(const std::string& bytes, const core::Endpoint& to);
  void SendRtcpBytes(const std::string& bytes, const core::Endpoint& to);
  void Talk(const core::Endpoint& to, bool with_rtcp = true);
  void Hush() { talking_ = false; }
  /// To another pair of ports of its address, in silence: what comes to the old one is lost.
  void Move(uint16_t port);
  /// From now on this one of so many is not sent, though it has its number. 0: none.
  void LoseOneIn(uint32_t count) { lose_one_in_ = count; }
  /// As a sender that goes on numbering while it sends nothing.
  void SkipNumbers(uint16_t count) {
    sequence_number_ = static_cast<uint16_t>(sequence_number_ + count);
  }
  /// As a sender whose clock goes on while it sends nothing.
  void SkipTime(core::Duration duration);
  /// From now on its voice is of this type, and of this SSRC.
  void set_voice_type(uint8_t type) { voice_type_ = static_cast<char>(type); }
  void set_ssrc(uint32_t ssrc) { ssrc_ = ssrc; }
  /// A digit of 100 ms, as one packet that begins it, and ends it unless its ends were lost.
  void Press(uint8_t event, char type = 101, bool ends = true);

  /// A key as equipment plays it (RFC 4733 §2.5.1), in place of the voice of Talk(): `updates`
  /// packets that grow by 20 ms each, and its end three times.
  void Play(uint8_t event, uint8_t updates);
  bool plays() const { return key_packets_left_ > 0; }

  const core::rtp::Source& source() const { return source_; }
  uint32_t sent() const { return sent_; }  // Of Talk().

  std::vector<std::string> got;        // Payloads,
  std::vector<std::string> got_whole;  // the datagrams that they came in,
  std::vector<std::string> got_rtcp;   // and those at the port above.
  std::vector<uint8_t> got_types;      // and their types, where they came in RTP.
  std::set<uint16_t> got_numbers;      // Sequence numbers: counted by nobody's Source.

  struct SentRtcp {
    core::Instant at;
    std::string bytes;
  };
  std::vector<SentRtcp> sent_rtcp;  // Of Talk().

 private:
  void OpenBoth();
  void SendRtp(char type, uint32_t timestamp, const std::string& payload, bool marker = false);
  void SendKey();
  void SendRtcp(core::Instant now);
  void OnPacket(core::Packet packet, core::Instant now);

  SimNetwork* network_;
  core::PacketStore store_{{.small = 64, .medium = 4, .large = 1}};
  SimIo io_;
  core::Random random_{7};
  uint32_t ssrc_ = 0x7e57;
  core::Endpoint local_;
  core::SocketId socket_;
  core::Endpoint rtcp_local_;
  core::SocketId rtcp_socket_;
  core::rtp::Source source_{{}};
  core::rtp::RtcpSession rtcp_;

  char voice_type_ = 0;
  bool talking_ = false;
  bool with_rtcp_ = false;
  core::Endpoint to_;
  core::Instant next_;
  uint16_t sequence_number_ = 100;
  uint32_t timestamp_ = 1000;
  uint32_t lose_one_in_ = 0;
  uint32_t due_ = 0;
  uint32_t sent_ = 0;
  uint8_t key_ = 0;
  uint8_t key_updates_ = 0;
  uint8_t key_packets_left_ = 0;  // Of all that say it.
  uint32_t key_timestamp_ = 0;
};

}  // namespace tests

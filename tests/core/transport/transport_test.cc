// Goal: the transport passes on well-formed messages with the way back (RFC 3261 §18.2.1, RFC
// 3581), answers or drops the others by the rules (400, 505, 513; strangers get silence), and lets
// no response in that is not to one of ours (§18.1.2).

#include "core/transport/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"
#include "tests/support/sip_texts.h"

namespace tests {
namespace {

using core::Endpoint;
using core::Instant;
using core::Packet;
using core::SocketId;
using core::sip::Hop;
using core::sip::Message;
using core::transport::Listener;
using core::transport::Transport;
using core::transport::TransportUser;
using std::chrono_literals::operator""ms;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr uint8_t kTrunkSide = 3;

Endpoint At(std::string_view text) {
  Endpoint endpoint;
  CHECK(Endpoint::Parse(text, &endpoint));
  return endpoint;
}

class TransportTest : public testing::Test, public TransportUser {
 protected:
  struct Heard {
    std::string start;  // Method, or status code.
    Endpoint back_to;
    uint8_t side;
  };

  TransportTest() {
    core::net::SocketOptions options;
    options.local = At("10.0.0.1:5060");
    socket_ = io_.Open(options).value();
    options.local = At("192.0.2.1:5060");
    peer_socket_ = peer_.Open(options).value();
    CHECK(transport_.AddListener(
        {socket_, At("10.0.0.1:5060"), At("203.0.113.10:5060"), kTrunkSide, {}}));
  }

  void OnMessage(const Message& message, Packet& packet, const Hop& return_path, uint8_t side,
                 Instant) override {
    EXPECT_EQ(message.bytes().data(), packet.text().data());
    EXPECT_EQ(return_path.socket, socket_);
    EXPECT_EQ(return_path.local, At("10.0.0.1:5060"));
    heard_.push_back({message.is_request() ? std::string(message.method_text())
                                           : std::to_string(message.status_code()),
                      return_path.remote, side});
  }
  bool MayAnswer(const Endpoint& source, uint8_t side) override {
    EXPECT_EQ(source.ip, At("192.0.2.1:5060").ip);
    EXPECT_EQ(side, kTrunkSide);
    return may_answer_;
  }

  // The peer sends this, and the transport's next turn gets it.
  void Send(std::string_view text) {
    Packet packet = store_.Copy(text);
    CHECK(packet);
    packet.SetRoute(peer_socket_, At("192.0.2.1:5060"), At("10.0.0.1:5060"));
    peer_.Send(std::move(packet));
  }
  void Turn() {
    peer_.FlushAndWait(now());
    network_.clock().AdvanceTo(now() + 1ms);
    network_.DeliverDue();
    io_.FlushAndWait(now());
    for (Packet& packet : io_.Receive()) transport_.OnPacket(std::move(packet), now());
    io_.FlushAndWait(now());
    network_.clock().AdvanceTo(now() + 1ms);
    network_.DeliverDue();
    peer_.FlushAndWait(now());
    for (const Packet& packet : peer_.Receive()) answers_.emplace_back(packet.text());
  }
  void Exchange(std::string_view text) {
    Send(text);
    Turn();
  }
  Instant now() { return network_.clock().Now(); }
  const core::transport::TransportCounters& counters() const { return transport_.counters(); }

  core::PacketStore store_{{.small = 64, .medium = 8, .large = 4}};
  SimNetwork network_{1};
  SimIo io_{&network_};
  SimIo peer_{&network_};
  SocketId socket_;
  SocketId peer_socket_;
  Transport transport_{{.io = &io_, .store = &store_, .user = this, .key = {1, 2}}};
  std::vector<Heard> heard_;
  std::vector<std::string> answers_;
  bool may_answer_ = true;
};

// A request is passed on with its side and the way back: the source port where rport asks for it,
// the port of sent-by elsewhere; never maddr.
TEST_F(TransportTest, PassesRequestsWithTheWayBack) {
  RequestText request;
  request.via = "SIP/2.0/UDP 10.9.9.9:5080;branch=z9hG4bKa;rport";
  Exchange(request.text());
  request.via = "SIP/2.0/UDP 10.9.9.9:5080;branch=z9hG4bKa";
  Exchange(request.text());
  request.via = "SIP/2.0/UDP 10.9.9.9;maddr=198.51.100.9;branch=z9hG4bKa";
  Exchange(request.text());

  ASSERT_THAT(heard_, SizeIs(3));
  EXPECT_EQ(heard_[0].start, "INVITE");
  EXPECT_EQ(heard_[0].side, kTrunkSide);
  EXPECT_EQ(heard_[0].back_to, At("192.0.2.1:5060"));
  EXPECT_EQ(heard_[1].back_to, At("192.0.2.1:5080"));
  EXPECT_EQ(heard_[2].back_to, At("192.0.2.1:5060"));
  EXPECT_EQ(counters().requests, 3u);
  EXPECT_THAT(answers_, IsEmpty());
}

// §18.1.2: a response must have one of our addresses on top, the advertised or the local one.
TEST_F(TransportTest, PassesOnlyResponsesToOurRequests) {
  const auto response = [](const std::string& sent_by) {
    std::string text = ResponseText().text();
    const std::string ours = "198.51.100.1:5060";
    return text.replace(text.find(ours), ours.size(), sent_by);
  };
  Exchange(response("203.0.113.10:5060"));
  Exchange(response("203.0.113.10"));  // 5060 is the default.
  Exchange(response("10.0.0.1:5060"));
  Exchange(response("203.0.113.10:5062"));
  Exchange(response("198.51.100.1:5060"));
  Exchange(response("sbc.example.com:5060"));

  EXPECT_THAT(heard_, SizeIs(3));
  EXPECT_EQ(heard_[0].start, "200");
  EXPECT_EQ(heard_[0].back_to, At("192.0.2.1:5060"));
  EXPECT_EQ(counters().responses, 3u);
  EXPECT_EQ(counters().foreign_responses, 3u);
}

// CRLFs, zero bytes and STUN hold a NAT's binding open and mean nothing here (RFC 5626).
TEST_F(TransportTest, IgnoresKeepAlives) {
  Exchange("\r\n\r\n");
  Exchange("\r\n");
  Exchange(std::string_view("\0\0\0\0", 4));
  Exchange(
      std::string_view("\0\1\0\0\x21\x12\xa4\x42"
                       "123456789abc",
                       20));
  EXPECT_EQ(counters().keep_alives, 4u);

  // An empty datagram too, where the backend hands it on.
  core::PacketPool pool(16, 1);
  Packet empty = pool.Acquire();
  empty.SetRoute(socket_, At("10.0.0.1:5060"), At("192.0.2.1:5060"));
  transport_.OnPacket(std::move(empty), now());
  EXPECT_EQ(counters().keep_alives, 5u);
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(counters().malformed_dropped, 0u);
}

// A malformed request gets the code that fits, with a To tag, and the same for its repeat (§8.2.7).
TEST_F(TransportTest, AnswersMalformedRequests) {
  RequestText bad_cseq;
  bad_cseq.cseq = "1 OPTIONS";
  Exchange(bad_cseq.text());
  Exchange(bad_cseq.text());
  std::string version = RequestText().text();
  version.replace(version.find("SIP/2.0\r\n"), 7, "SIP/7.0");
  Exchange(version);

  ASSERT_THAT(answers_, SizeIs(3));
  EXPECT_THAT(answers_[0], StartsWith("SIP/2.0 400 "));
  EXPECT_THAT(answers_[0], HasSubstr("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKpeer1\r\n"));
  EXPECT_THAT(answers_[0], HasSubstr("To: <sip:bob@example.org>;tag="));
  EXPECT_EQ(answers_[0], answers_[1]);
  EXPECT_THAT(answers_[2], StartsWith("SIP/2.0 505 "));
  EXPECT_EQ(counters().malformed_answered, 3u);
  EXPECT_THAT(heard_, IsEmpty());
}

// Nobody answers an ACK or a response, however malformed, nor what is no SIP at all.
TEST_F(TransportTest, DropsWhatHasNoAnswer) {
  RequestText ack;
  ack.method = "ACK";
  ack.cseq = "x ACK";
  Exchange(ack.text());
  ResponseText response;
  response.cseq = "x INVITE";
  Exchange(response.text());
  Exchange("what is this");
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_THAT(heard_, IsEmpty());
  EXPECT_EQ(counters().malformed_dropped, 3u);
}

// A stranger's malformed request is dropped in silence: an answer would tell that we are here.
TEST_F(TransportTest, StrangersGetSilence) {
  may_answer_ = false;
  RequestText bad;
  bad.cseq = "1 OPTIONS";
  Exchange(bad.text());
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_EQ(counters().malformed_dropped, 1u);
}

// A flood of garbage makes no flood of answers: so many a turn.
TEST_F(TransportTest, AnswersALimitedNumberATurn) {
  RequestText bad;
  bad.cseq = "1 OPTIONS";
  for (int i = 0; i < 20; ++i) Send(bad.text());
  Turn();
  EXPECT_THAT(answers_, SizeIs(16));
  EXPECT_EQ(counters().answers_limited, 4u);
  answers_.clear();
  Exchange(bad.text());
  EXPECT_THAT(answers_, SizeIs(1));
}

// Rule 21: a datagram that was cut off is answered 513 if its head came through, whether or not its
// Content-Length tells of the loss; otherwise it is dropped.
TEST_F(TransportTest, AnswersTruncatedRequests513) {
  RequestText request;
  request.body = std::string(500, 'x');
  const std::string text = request.text();
  const size_t head = text.size() - request.body.size();
  core::PacketPool pool(2048, 1);
  const auto receive = [&](std::string_view bytes) {
    Packet packet = pool.Acquire();
    bytes.copy(packet.data(), bytes.size());
    packet.set_size(static_cast<uint32_t>(bytes.size()));
    packet.SetRoute(socket_, At("10.0.0.1:5060"), At("192.0.2.1:5060"));
    packet.slot()->truncated = true;
    transport_.OnPacket(std::move(packet), now());
    Turn();
  };
  receive(std::string_view(text).substr(0, head + 100));
  receive(std::string_view(text).substr(0, head - 10));
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(answers_[0], StartsWith("SIP/2.0 513 "));
  EXPECT_EQ(counters().truncated, 2u);
  EXPECT_EQ(counters().malformed_dropped, 1u);
  EXPECT_THAT(heard_, IsEmpty());
}

// More header fields than we read: 513 too.
TEST_F(TransportTest, AnswersTooManyHeaderFields513) {
  RequestText request;
  for (size_t i = 0; i < Message::kHeadersMax; ++i) request.fields += "X-More: 1\r\n";
  Exchange(request.text());
  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(answers_[0], StartsWith("SIP/2.0 513 "));
}

// A store that is dry: no answer, counted; the peer's repeat may find room.
TEST_F(TransportTest, DryStoreGivesNoAnswer) {
  std::vector<Packet> hogs;
  while (Packet hog = store_.Acquire(1)) hogs.push_back(std::move(hog));
  core::PacketPool pool(2048, 1);
  Packet packet = pool.Acquire();
  RequestText bad;
  bad.cseq = "1 OPTIONS";
  const std::string text = bad.text();
  text.copy(packet.data(), text.size());
  packet.set_size(static_cast<uint32_t>(text.size()));
  packet.SetRoute(socket_, At("10.0.0.1:5060"), At("192.0.2.1:5060"));
  transport_.OnPacket(std::move(packet), now());
  EXPECT_EQ(counters().answers_starved, 1u);
}

TEST_F(TransportTest, ListenersComeAndGoUpToTheirMaximum) {
  transport_.RemoveListener(socket_);
  EXPECT_EQ(transport_.FindListener(socket_), nullptr);
  Exchange(RequestText().text());
  EXPECT_EQ(counters().unknown_socket, 1u);
  Listener listener;
  for (uint32_t i = 0; i < Transport::kListenersMax; ++i) {
    listener.socket = {i, 1};
    EXPECT_TRUE(transport_.AddListener(listener));
  }
  EXPECT_FALSE(transport_.AddListener(listener));
  EXPECT_EQ(transport_.listeners().size(), Transport::kListenersMax);
}

}  // namespace
}  // namespace tests

#include "core/transport/transport.h"

#include <algorithm>

#include "core/sip/response_builder.h"

namespace core::transport {
namespace {

using sip::Message;
using sip::ParseError;
using sip::Verdict;
using sip::Via;

constexpr uint16_t kSipPort = 5060;
constexpr std::string_view kStunCookie = "\x21\x12\xa4\x42";

// What holds a NAT's binding open and says nothing: CRLFs (RFC 5626 §3.5.1), zero bytes as some
// phones send them, STUN (RFC 5626 §3.5.2; whoever wants its answer must do without).
bool IsKeepAlive(std::string_view bytes) {
  if (bytes.find_first_not_of("\r\n") == std::string_view::npos) return true;
  if (bytes.size() <= 4 && bytes.find_first_not_of('\0') == std::string_view::npos) return true;
  const bool maybe_stun = static_cast<unsigned char>(bytes[0]) < 4;
  return maybe_stun && bytes.size() >= 20 && bytes.substr(4, 4) == kStunCookie;
}

// What a truncated request is told, if its head came through whole (rule 21 of the SBC's rules).
Verdict JudgeTruncated(const Message& message) {
  const bool head_is_whole =
      message.error() == ParseError::kOk || message.error() == ParseError::kBodyShort;
  if (!head_is_whole || !message.is_request() || message.method() == sip::Method::kAck) {
    return {Verdict::Action::kDrop, 0, ""};
  }
  return {Verdict::Action::kAnswer, 513, "Message Too Large"};
}

bool Names(const sip::HostPort& sent_by, const Endpoint& endpoint) {
  IpAddress address;
  const uint16_t port = sent_by.port != 0 ? sent_by.port : kSipPort;
  return port == endpoint.port && IpAddress::Parse(sent_by.host, &address) &&
         address == endpoint.ip;
}

sip::Hop ReturnPath(const Message& message, const Packet& packet, const Listener& listener) {
  sip::Hop hop{packet.socket(), listener.local, packet.remote(), listener.transport};
  Via via;
  // Without a Via that can be read, the way it came is all there is.
  if (message.is_request() && message.TopVia(&via) == ParseError::kOk && !hop.reliable()) {
    hop.remote = sip::ResponseTarget(via, packet.remote());
  }
  return hop;
}

}  // namespace

bool Transport::AddListener(const Listener& listener) { return listeners_.PushBack(listener); }

void Transport::RemoveListener(SocketId socket) {
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].socket == socket) return listeners_.EraseAt(i);
  }
}

const Listener* Transport::FindListener(SocketId socket) const {
  for (const Listener& listener : listeners_) {
    if (listener.socket == socket) return &listener;
  }
  return nullptr;
}

void Transport::OnPacket(Packet packet, Instant now) {
  const Listener* listener = FindListener(packet.socket());
  if (listener == nullptr) {
    ++counters_.unknown_socket;
    return;
  }
  if (IsKeepAlive(packet.text())) {
    ++counters_.keep_alives;
    return;
  }
  Message message;
  (void)message.Index(packet.text());  // Judge() asks the message for its error.
  if (packet.truncated()) ++counters_.truncated;
  const Verdict verdict = packet.truncated() ? JudgeTruncated(message) : Judge(message);
  switch (verdict.action) {
    case Verdict::Action::kProcess:
      PassOn(message, packet, *listener, now);
      return;
    case Verdict::Action::kAnswer:
      Answer(message, packet, *listener, verdict, now);
      return;
    case Verdict::Action::kDrop:
      ++counters_.malformed_dropped;
      return;
  }
}

void Transport::PassOn(const Message& message, Packet& packet, const Listener& listener,
                       Instant now) {
  if (!message.is_request()) {
    // §18.1.2: a response whose top Via is not ours went astray, or somebody made it up.
    Via via;
    if (message.TopVia(&via) != ParseError::kOk || !IsOurs(via.sent_by)) {
      ++counters_.foreign_responses;
      return;
    }
  }
  ++(message.is_request() ? counters_.requests : counters_.responses);
  options_.user->OnMessage(message, packet, ReturnPath(message, packet, listener), listener.side,
                           now);
}

void Transport::Answer(const Message& request, const Packet& packet, const Listener& listener,
                       const Verdict& verdict, Instant now) {
  if (!options_.user->MayAnswer(packet.remote(), listener.side)) {
    ++counters_.malformed_dropped;
    return;
  }
  if (turn_ != now) {
    turn_ = now;  // The clock is read once a turn, so another moment is another turn.
    answered_in_turn_ = 0;
  }
  if (answered_in_turn_ == options_.answers_per_turn_max) {
    ++counters_.answers_limited;
    return;
  }
  // The head again, with long names, where it came from, a reason and a tag.
  constexpr size_t kAdded = 256;
  const size_t size = request.bytes().size() - request.body().size() + kAdded;
  Packet answer = options_.store->Acquire(std::min<size_t>(size, PacketStore::kLargeBytes));
  if (!answer) {
    ++counters_.answers_starved;
    return;
  }
  char tag[16];
  uint64_t left = SipHash(options_.key, request.bytes());  // The same for each repeat (§8.2.7).
  for (char& digit : tag) {
    digit = "0123456789abcdef"[left & 15];
    left >>= 4;
  }
  sip::ResponseHead head;
  head.status_code = verdict.status_code;
  head.reason = verdict.reason;
  head.to_tag = {tag, sizeof(tag)};
  sip::MessageWriter out({answer.data(), answer.capacity()});
  WriteResponseHead(&out, request, packet.remote(), head);
  out.NoBody();
  const auto written = out.Finish();
  if (!written) {  // Its fields hold what must not be written, such as NUL.
    ++counters_.malformed_dropped;
    return;
  }
  answer.set_size(static_cast<uint32_t>(*written));
  const sip::Hop hop = ReturnPath(request, packet, listener);
  answer.SetRoute(hop.socket, hop.local, hop.remote);
  ++answered_in_turn_;
  ++counters_.malformed_answered;
  Send(std::move(answer));
}

bool Transport::IsOurs(const sip::HostPort& sent_by) const {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const Listener& listener) {
    return Names(sent_by, listener.advertised) || Names(sent_by, listener.local);
  });
}

void Transport::Send(Packet packet) {
  ++counters_.sent;
  options_.io->Send(std::move(packet));
}

}  // namespace core::transport

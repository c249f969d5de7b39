// MESSAGE outside of a dialog (RFC 3428), on the sides that `message: pass` lets send it: judged as
// a call would be, sent to one route, and forgotten with its answer.

#include "core/sip/response_builder.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/header_policy.h"
#include "sbc/product.h"
#include "sbc/termination.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ServerTransaction;

bool B2bua::MayMessage(const Policy& policy, Side side) {
  return policy.config().message.of(side) == PassPolicy::kPass;
}

void B2bua::OnPagerMessage(ServerTransaction& transaction, const Message& message,
                           const Packet& packet, Instant now) {
  if (JudgeInvite(transaction, message, now) != 0) return;
  NewCall asked;
  asked.policy = options_.host->policy();
  // Where another worker counts the rate of calls, a message is not counted: it is no call, and
  // limits.transactions bounds it.
  auto refusal = FindConnector(message, packet, &asked);
  if (!refusal.has_value()) refusal = CheckNode(asked);
  if (!refusal.has_value() && asked.customer != nullptr && !asked.customer->credentials.empty() &&
      !Authenticate(transaction, message, *asked.customer, now)) {
    return;
  }
  if (!refusal.has_value()) refusal = CheckCall(message, packet, &asked);
  if (!refusal.has_value() && !asked.record.emergency) {
    refusal = RefuseGrant(*asked.connector, options_.host->AskRate(packet.remote().ip, now));
  }
  if (refusal.has_value()) {
    (void)AnswerRefusal(transaction, message, *refusal, now);
    return;
  }
  const bool to_trunk = side_ == Side::kCustomer;
  RoutePlan plan;
  plan.Begin(to_trunk ? asked.connector->trunk : asked.connector->routes, asked.connector->failover,
             to_trunk ? Side::kTrunk : Side::kCustomer, now);
  RouteTarget target;
  while (plan.Next(*options_.hosts, options_.random, now, &target)) {
    if (SendPagerMessage(transaction, message, packet, asked, target, now)) return;
    if (plan.OnTransportError(now) == RoutePlan::Verdict::kStop) break;
  }
  (void)AnswerRefusal(transaction, message,
                      Refuse(RejectionCause::kNoRoute, asked.connector->config->rejections,
                             "no route could be sent to"),
                      now);
}

bool B2bua::SendPagerMessage(ServerTransaction& transaction, const Message& message,
                             const Packet& packet, const NewCall& asked, const RouteTarget& target,
                             Instant now) {
  const Side towards = side_ == Side::kCustomer ? Side::kTrunk : Side::kCustomer;
  Face face;
  if (!FaceTowards(*asked.policy, towards, target.endpoint, &face)) return false;
  PagerMessage* pager = pagers_.Acquire();
  if (pager == nullptr) return false;
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  Tag tag;
  Tag call_id;
  options_.mint->MintBranch(options_.shard, &branch);
  options_.mint->MintTag(options_.shard, &tag);
  options_.mint->MintCallId(options_.shard, &call_id);
  Packet out_packet = builder_.Build([&](MessageWriter* out) {
    (void)WriteOutsideHead({.method = Method::kMessage,
                            .towards = towards,
                            .face = &face,
                            .peer = target.endpoint,
                            .branch = branch.view(),
                            .from_tag = tag.view(),
                            .call_id = call_id.view()},
                           *asked.connector, message, out);
    CopyPassing(message, {.towards = towards}, *asked.policy, out);
    out->Header(HeaderId::kUserAgent, kProduct);
    CopyBody(message, out);
  });
  const core::Handle<PagerMessage> handle = pagers_.HandleOf(pager);
  core::sip::TransactionTable::Request request;
  request.packet = std::move(out_packet);
  request.hop = {face.socket, face.local, target.endpoint, core::sip::TransportKind::kUdp};
  request.method = Method::kMessage;
  request.branch = branch.view();
  request.user =
      TransactionMark{TransactionMark::Kind::kPager, 0, {handle.index, handle.generation}}.bits();
  if (!request.packet || !options_.table->KeepRequest(transaction, packet) ||
      options_.table->SendRequest(std::move(request), now) == nullptr) {
    pagers_.Release(pager);
    return false;
  }
  pager->server = options_.table->HandleOf(transaction);
  return true;
}

void B2bua::OnPagerResponse(const TransactionMark& mark, const Message& response, Instant now) {
  PagerMessage* pager = pagers_.Find({mark.call.index, mark.call.generation});
  if (pager == nullptr || response.status_code() < 200) return;
  ServerTransaction* server = options_.table->Find(pager->server);
  pagers_.Release(pager);
  if (server == nullptr ||
      scratch_message_.Index(server->request()) != core::sip::ParseError::kOk) {
    return;
  }
  uint16_t status = UpstreamStatus(response.status_code());
  if (status == 408) status = 500;  // RFC 4320: never 408 to a non-INVITE.
  Answer(*server, scratch_message_, status, now);
}

// Silence, or a peer that cannot be reached. Who asked has given up by then, or is told that we
// could not.
void B2bua::OnPagerFailure(const TransactionMark& mark, Instant now) {
  PagerMessage* pager = pagers_.Find({mark.call.index, mark.call.generation});
  if (pager == nullptr) return;
  const core::Handle<ServerTransaction> server = pager->server;
  pagers_.Release(pager);
  RefuseWaiting(server, 500, now);
}

}  // namespace sbc

// Goal: the rows of the four transaction machines are those of the figures of RFC 3261 (5 to 8) and
// RFC 6026 (§7.1, §7.2), pair by pair: each pair of a state and an event is walked, and one that
// the figures do not draw does nothing. What the rows do must also fit together: see the last test.

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "core/sip/client_transaction.h"
#include "core/sip/server_transaction.h"

namespace core::sip {
namespace {

using ClientState = ClientTransaction::State;
using ClientEvent = ClientTransaction::Event;
using ServerState = ServerTransaction::State;
using ServerEvent = ServerTransaction::Event;

template <typename State, typename Event>
using Arrows = std::map<std::pair<State, Event>, State>;

template <typename Transaction>
void ExpectArrows(bool is_invite,
                  const Arrows<typename Transaction::State, typename Transaction::Event>& arrows) {
  for (size_t state = 0; state < Transaction::kStates; ++state) {
    for (size_t event = 0; event < Transaction::kEvents; ++event) {
      const auto in = static_cast<typename Transaction::State>(state);
      const auto on = static_cast<typename Transaction::Event>(event);
      const auto& step = Transaction::Machine(is_invite).Find(in, on);
      const auto arrow = arrows.find({in, on});
      EXPECT_EQ(step.defined, arrow != arrows.end()) << "state " << state << " event " << event;
      if (step.defined && arrow != arrows.end()) {
        EXPECT_EQ(step.to, arrow->second) << "state " << state << " event " << event;
      }
    }
  }
}

// Figure 5 with RFC 6026's Accepted; and Proceeding, which our own CANCEL limits (§9.1).
TEST(TransactionMachineTest, InviteClientIsFigure5WithAccepted) {
  using enum ClientTransaction::State;
  using enum ClientTransaction::Event;
  ExpectArrows<ClientTransaction>(true, {
                                            {{kCalling, kTimerA}, kCalling},
                                            {{kCalling, kTimerB}, kTerminated},
                                            {{kCalling, kSendFailed}, kTerminated},
                                            {{kCalling, k1xx}, kProceeding},
                                            {{kCalling, k2xx}, kAccepted},
                                            {{kCalling, k300To699}, kCompleted},
                                            {{kProceeding, k1xx}, kProceeding},
                                            {{kProceeding, k2xx}, kAccepted},
                                            {{kProceeding, k300To699}, kCompleted},
                                            {{kProceeding, kCancelSent}, kProceeding},
                                            {{kProceeding, kTimerB}, kTerminated},
                                            {{kAccepted, k2xx}, kAccepted},
                                            {{kAccepted, kTimerM}, kTerminated},
                                            {{kCompleted, k300To699}, kCompleted},
                                            {{kCompleted, kSendFailed}, kTerminated},
                                            {{kCompleted, kTimerD}, kTerminated},
                                        });
}

TEST(TransactionMachineTest, OtherClientIsFigure6) {
  using enum ClientTransaction::State;
  using enum ClientTransaction::Event;
  ExpectArrows<ClientTransaction>(false, {
                                             {{kTrying, kTimerE}, kTrying},
                                             {{kTrying, kTimerF}, kTerminated},
                                             {{kTrying, kSendFailed}, kTerminated},
                                             {{kTrying, k1xx}, kProceeding},
                                             {{kTrying, k200To699}, kCompleted},
                                             {{kProceeding, kTimerE}, kProceeding},
                                             {{kProceeding, kTimerF}, kTerminated},
                                             {{kProceeding, kSendFailed}, kTerminated},
                                             {{kProceeding, k1xx}, kProceeding},
                                             {{kProceeding, k200To699}, kCompleted},
                                             {{kCompleted, kTimerK}, kTerminated},
                                         });
}

// Figure 7 with RFC 6026's Accepted, which ours splits in two: before and after the ACK of its 2xx.
TEST(TransactionMachineTest, InviteServerIsFigure7WithAccepted) {
  using enum ServerTransaction::State;
  using Event = ServerTransaction::Event;
  ExpectArrows<ServerTransaction>(true, {
                                            {{kProceeding, Event::kRepeat}, kProceeding},
                                            {{kProceeding, Event::kRespond1xx}, kProceeding},
                                            {{kProceeding, Event::kRespond2xx}, kAccepted},
                                            {{kProceeding, Event::kRespond300To699}, kCompleted},
                                            {{kProceeding, Event::kDrop}, kTerminated},
                                            {{kAccepted, Event::kRespond2xx}, kAccepted},
                                            {{kAccepted, Event::kTimerG}, kAccepted},
                                            {{kAccepted, Event::kUserSawAck}, kAcknowledged},
                                            {{kAccepted, Event::kTimerL}, kTerminated},
                                            {{kAcknowledged, Event::kTimerL}, kTerminated},
                                            {{kCompleted, Event::kRepeat}, kCompleted},
                                            {{kCompleted, Event::kTimerG}, kCompleted},
                                            {{kCompleted, Event::kAck}, kConfirmed},
                                            {{kCompleted, Event::kTimerH}, kTerminated},
                                            {{kConfirmed, Event::kTimerI}, kTerminated},
                                        });
}

TEST(TransactionMachineTest, OtherServerIsFigure8) {
  using enum ServerTransaction::State;
  using Event = ServerTransaction::Event;
  ExpectArrows<ServerTransaction>(false, {
                                             {{kTrying, Event::kRespond1xx}, kProceeding},
                                             {{kTrying, Event::kRespond200To699}, kCompleted},
                                             {{kTrying, Event::kDrop}, kTerminated},
                                             {{kProceeding, Event::kRepeat}, kProceeding},
                                             {{kProceeding, Event::kRespond1xx}, kProceeding},
                                             {{kProceeding, Event::kRespond200To699}, kCompleted},
                                             {{kCompleted, Event::kRepeat}, kCompleted},
                                             {{kCompleted, Event::kTimerJ}, kTerminated},
                                         });
}

template <typename Transaction, typename Check>
void ForEachStep(Check check) {
  for (const bool is_invite : {true, false}) {
    for (size_t state = 0; state < Transaction::kStates; ++state) {
      for (size_t event = 0; event < Transaction::kEvents; ++event) {
        const auto on = static_cast<typename Transaction::Event>(event);
        const auto in = static_cast<typename Transaction::State>(state);
        const auto& step = Transaction::Machine(is_invite).Find(in, on);
        if (step.defined) check(in, on, step);
      }
    }
  }
}

// Only a response brings a response to pass up or to acknowledge, and who ends arms nothing.
TEST(TransactionMachineTest, ClientActionsFitTheirEvents) {
  using enum ClientTransaction::Event;
  constexpr uint32_t kNeedsResponse = ClientTransaction::kPassUp | ClientTransaction::kSendAck;
  constexpr uint32_t kArms = ClientTransaction::kArmA | ClientTransaction::kArmB |
                             ClientTransaction::kArmD | ClientTransaction::kArmE |
                             ClientTransaction::kArmE2 | ClientTransaction::kArmK |
                             ClientTransaction::kArmM;
  ForEachStep<ClientTransaction>([&](ClientState in, ClientEvent on, const auto& step) {
    const bool response = on == k1xx || on == k2xx || on == k300To699 || on == k200To699;
    EXPECT_TRUE(response || (step.actions & kNeedsResponse) == 0);
    EXPECT_NE(in, ClientState::kTerminated);
    EXPECT_TRUE(step.to != ClientState::kTerminated || (step.actions & kArms) == 0);
  });
}

TEST(TransactionMachineTest, ServerActionsFitTheirEvents) {
  using Event = ServerTransaction::Event;
  constexpr uint32_t kArms = ServerTransaction::kArmG | ServerTransaction::kArmH |
                             ServerTransaction::kArmI | ServerTransaction::kArmJ |
                             ServerTransaction::kArmL;
  ForEachStep<ServerTransaction>([&](ServerState in, ServerEvent on, const auto& step) {
    const bool respond = on == Event::kRespond1xx || on == Event::kRespond2xx ||
                         on == Event::kRespond300To699 || on == Event::kRespond200To699;
    EXPECT_EQ(respond, (step.actions & ServerTransaction::kSend) != 0);
    EXPECT_NE(in, ServerState::kTerminated);
    EXPECT_TRUE(step.to != ServerState::kTerminated || (step.actions & kArms) == 0);
  });
}

}  // namespace
}  // namespace core::sip

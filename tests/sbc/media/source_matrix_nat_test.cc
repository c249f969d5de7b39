// Rule 23 where more than one place may send: behind a NAT, by `trunk.media_cidrs`, and what was
// queued before anybody's place was known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "tests/sbc/media/source_matrix.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

constexpr MatrixState kAnsweredStates[] = {
    MatrixState::kEarly,   MatrixState::kTalking,    MatrixState::kHeld,
    MatrixState::kRefused, MatrixState::kRefreshed,  MatrixState::kUpdated,
    MatrixState::kOpen,    MatrixState::kOurRefresh, MatrixState::kLent};

template <typename Body>
void ForEach(bool (*is_meant)(const MatrixKind&), std::span<const MatrixState> states, Body body) {
  for (const MatrixKind& kind : kMatrixKinds) {
    if (!is_meant(kind)) continue;
    for (const MatrixState state : states) {
      for (const bool outbound : {true, false}) {
        const SourceMatrix::Cell cell = {.kind = kind, .state = state, .outbound = outbound};
        SCOPED_TRACE(cell.name());
        SourceMatrix call(cell);
        body(&call);
      }
    }
  }
}

size_t HeardAt(SourceMatrix* call, const core::Endpoint& at) {
  return call->Listen(at).VoiceHeard();
}

size_t ReportsAt(SourceMatrix* call, const core::Endpoint& at) {
  const Ear& ear = call->Listen(at);
  return ear.got.size() - ear.VoiceHeard();
}

core::Endpoint Past(core::Endpoint at, int by) {
  at.port = static_cast<uint16_t>(at.port + by);
  return at;
}
// Where the reports go to whose RTP comes from there.
core::Endpoint RtcpOf(SourceMatrix* call, const core::Endpoint& place) {
  return call->cell().kind.mux ? place : Past(place, 1);
}

bool IsNat(const MatrixKind& kind) { return kind.nat && !kind.learnt; }
bool IsLearnt(const MatrixKind& kind) { return kind.learnt; }
bool HasCidrs(const MatrixKind& kind) { return kind.cidrs; }

/// What the trunk says next arrives there.
void ExpectMediaGoesTo(SourceMatrix* call, const core::Endpoint& place) {
  const size_t before = HeardAt(call, place);
  call->SendVoice(&call->trunk());
  call->Run(20ms);
  EXPECT_EQ(HeardAt(call, place), before + 1) << "media for the customer";
}
/// What comes from there arrives at the trunk, or does not.
void ExpectFrom(SourceMatrix* call, const core::Endpoint& place, bool crosses) {
  const size_t before = HeardAt(call, call->trunk().real);
  call->Listen(place);
  call->Send({place, call->customer().told, call->Voice(&call->customer())});
  call->Run(20ms);
  EXPECT_EQ(HeardAt(call, call->trunk().real), before + (crosses ? 1 : 0))
      << "voice from port " << place.port << " of the customer's address";
}

// RTCP alone says nothing of where RTP comes from. Its own port it tells.
TEST(SourceMatrixNatTest, Rule23_RtcpAloneTeachesNoPlaceOfMedia) {
  ForEach(&IsNat, kAnsweredStates, [](SourceMatrix* call) {
    call->Reach();
    const core::Endpoint place = call->customer().real;
    const uint64_t relayed = call->counters().relayed;
    for (int i = 0; i < 3; ++i) {
      call->SendReport(&call->customer());
      call->SendVoice(&call->trunk());
      call->Run(5s);
    }
    EXPECT_EQ(call->counters().learnt, 0u);
    EXPECT_EQ(call->counters().relayed, relayed);
    EXPECT_EQ(HeardAt(call, place), 0u);
    EXPECT_EQ(call->HeardByOthers(), 0u);
    ExpectFrom(call, place, true);
    ExpectMediaGoesTo(call, place);
    EXPECT_EQ(call->counters().learnt, 1u);
    call->Finish();
  });
}

// Nor what is no RTP, or of no agreed type; and once taught the place is taught, for RTCP too.
TEST(SourceMatrixNatTest, Rule23_OnlyAValidPacketTeachesAndOnlyOnce) {
  constexpr MatrixState kStates[] = {MatrixState::kEarly, MatrixState::kTalking,
                                     MatrixState::kLent};
  ForEach(&IsNat, kStates, [](SourceMatrix* call) {
    call->Reach();
    const core::Endpoint place = call->customer().real;
    const core::Endpoint other = Past(place, 2);
    const core::Endpoint told = call->customer().told;
    for (const core::Endpoint& from : {other, Past(other, 1)}) {
      call->Listen(from);
      call->Send({from, told, "no RTP at all, but long enough"});
      call->Send({from, told, call->Voice(&call->customer(), 18)});
      call->Send({from, told, call->Voice(&call->customer(), 72)});
    }
    call->Run(1s);
    EXPECT_EQ(call->counters().learnt, 0u);
    ExpectFrom(call, place, true);
    call->SendReport(&call->customer());
    ExpectFrom(call, other, false);
    const size_t reports = ReportsAt(call, RtcpOf(call, place));
    const uint64_t taken = call->counters().rtcp_received;
    call->customer().real = other;
    call->SendReport(&call->customer());
    call->customer().real = place;
    call->Run(15s);
    EXPECT_EQ(call->counters().rtcp_received, taken);
    EXPECT_GT(ReportsAt(call, RtcpOf(call, place)), reports);
    EXPECT_EQ(call->HeardByOthers(), 0u);
    ExpectMediaGoesTo(call, place);
    EXPECT_EQ(call->counters().learnt, 1u);
    call->Finish();
  });
}

// Where a description says the same again of where the customer is, or is one of the trunk's, the
// place that was taught is sent to before it is heard again; and once it is, no other teaches.
TEST(SourceMatrixNatTest, Rule23_ALearntPlaceStaysWhoeverSpeaksAfterIt) {
  using State = MatrixState;
  constexpr State kStates[] = {
      State::kTalking,   State::kHeld,    State::kInactive, State::kRefused, State::kOpen,
      State::kRefreshed, State::kUpdated, State::kMusic,    State::kZero,    State::kOurRefresh};
  ForEach(&IsLearnt, kStates, [](SourceMatrix* call) {
    const State state = call->cell().state;
    const bool outbound = call->cell().outbound;
    const bool moves = state == State::kMusic || state == State::kZero;
    if (moves && outbound) return;  // Then the customer says that it is elsewhere.
    const bool is_held = state == State::kHeld || state == State::kInactive || moves;
    call->Establish();
    const core::Endpoint place = call->customer().real;
    call->Change();
    if (!is_held || (!outbound && (state == State::kHeld || state == State::kMusic))) {
      ExpectMediaGoesTo(call, place);
    }
    call->SendVoice(&call->customer());
    call->SendReport(&call->customer());
    call->Run(20ms);
    for (const int by : {2, 1002}) {
      ExpectFrom(call, Past(place, by), false);
      call->customer().real = Past(place, by);
      call->SendReport(&call->customer());
      call->customer().real = place;
      call->Run(20ms);
    }
    if (!is_held || (outbound && state == State::kHeld)) ExpectFrom(call, place, true);
    const size_t reports = ReportsAt(call, RtcpOf(call, place));
    call->Run(12s);
    EXPECT_GT(ReportsAt(call, RtcpOf(call, place)), reports) << "reports to the customer";
    EXPECT_EQ(call->counters().learnt, 1u);
    for (const int by : {2, 3, 1002, 1003}) {
      EXPECT_TRUE(call->Listen(Past(place, by)).got.empty()) << "port " << by << " above";
    }
    call->Finish();
  });
}

// One that says that it is elsewhere lets another port of its address teach, once. Until that is
// heard the place of before is good, whatever still comes from there.
TEST(SourceMatrixNatTest, Rule23_AChangedDescriptionTeachesAnewOnce) {
  constexpr MatrixState kStates[] = {MatrixState::kTalking};
  for (const bool by_port : {true, false}) {
    ForEach(&IsLearnt, kStates, [by_port](SourceMatrix* call) {
      SCOPED_TRACE(by_port ? "another port" : "another address");
      call->Establish();
      SourceMatrix::Party& customer = call->customer();
      const core::Endpoint place = customer.real;
      const core::Endpoint other = Past(place, 2);
      if (by_port) {
        customer.said.port = 7300;
      } else {
        customer.said.ip = call->At(141, 1).ip;
      }
      call->SetAnswers(200);
      call->Offer("INVITE", call->Sdp(call->caller(), "0 8 101"));
      ExpectMediaGoesTo(call, place);
      ExpectFrom(call, call->At(66, place.port), false);
      ExpectFrom(call, place, true);
      EXPECT_EQ(call->counters().learnt, 1u);
      ExpectFrom(call, other, true);
      EXPECT_EQ(call->counters().learnt, 2u);
      ExpectMediaGoesTo(call, other);
      for (const core::Endpoint& late : {place, Past(place, 4)}) ExpectFrom(call, late, false);
      ExpectMediaGoesTo(call, other);
      EXPECT_EQ(call->counters().learnt, 2u);
      call->Finish();
    });
  }
}

// The operator's own risk: who sends from these addresses is heard, and nothing is sent there.
TEST(SourceMatrixCidrsTest, Rule23_MediaCidrsLetOthersSpeakAndNothingElse) {
  ForEach(&HasCidrs, kAnsweredStates, [](SourceMatrix* call) {
    call->Reach();
    const core::Endpoint place = call->trunk().real;
    const core::Endpoint customer = call->customer().real;
    for (const int host : {48, 49}) {
      const core::Endpoint inside = call->At(host, 61000);
      call->Listen(inside);
      call->Listen(Past(inside, 1));
      const size_t before = HeardAt(call, customer);
      call->trunk().real = inside;
      call->SendVoice(&call->trunk());
      call->SendReport(&call->trunk());
      call->SendVoice(&call->trunk(), 18);
      call->trunk().real = place;
      call->Run(20ms);
      EXPECT_EQ(HeardAt(call, customer), before + 1);
      ExpectFrom(call, customer, true);  // To where the trunk said, and nowhere else.
    }
    for (const int host : {47, 56}) {
      call->trunk().real = call->At(host, 61000);
      call->Listen(call->trunk().real);
      const size_t before = HeardAt(call, customer);
      call->SendVoice(&call->trunk());
      call->trunk().real = place;
      call->Run(20ms);
      EXPECT_EQ(HeardAt(call, customer), before);
    }
    call->Run(12s);
    EXPECT_EQ(call->HeardByOthers(), 0u);
    call->Finish();
  });
}

// Who is nowhere is nowhere else either.
TEST(SourceMatrixCidrsTest, Rule23_MediaCidrsEndWhereNoMediaIsWanted) {
  constexpr MatrixState kStates[] = {MatrixState::kOffered, MatrixState::kZero,
                                     MatrixState::kEnded};
  ForEach(&HasCidrs, kStates, [](SourceMatrix* call) {
    call->Reach();
    const core::Endpoint customer = call->customer().real;
    const size_t before = HeardAt(call, customer);
    const core::Endpoint inside = call->At(50, 61000);
    call->Listen(inside);
    for (uint16_t port = 30000; port < 30004; port += 2) {
      call->Send({inside, call->At(3, port), call->Voice(&call->trunk())});
    }
    call->Run(12s);
    EXPECT_EQ(HeardAt(call, customer), before);
    EXPECT_EQ(call->HeardByOthers(), 0u);
    call->Finish();
  });
}

// What lay in a socket's queue before anybody's place was known comes out after: it is judged as
// any other. A stranger's is not taken, and the peer's own is.
TEST(SourceMatrixQueueTest, Rule23_WhatWasQueuedBeforeTheAnswerIsJudgedBySource) {
  for (const MatrixKind& kind : kMatrixKinds) {
    for (const bool outbound : {true, false}) {
      const SourceMatrix::Cell cell = {
          .kind = kind, .state = MatrixState::kOffered, .outbound = outbound};
      SCOPED_TRACE(cell.name());
      std::vector<std::string> stories[2];
      for (const bool sprays : {false, true}) {
        SourceMatrix call(cell);
        call.Reach();
        call.world().Pause(0, true);
        const size_t before = HeardAt(&call, call.caller().real);
        for (int i = 0; i < 4; ++i) call.SendVoice(&call.callee());
        if (sprays) {
          EXPECT_GT(call.Shoot(MatrixAttack::kOtherHosts), 0u);
          EXPECT_GT(call.Shoot(MatrixAttack::kRtcp), 0u);
        }
        const uint64_t refused = call.counters().wrong_source + call.counters().strays;
        call.SendAnswer();
        call.Run(50ms);
        EXPECT_EQ(call.counters().wrong_source + call.counters().strays, refused);
        call.world().Pause(0, false);
        call.Run(200ms);
        call.ExpectAnswered();
        const bool knows_caller = !kind.nat || !outbound;
        EXPECT_EQ(HeardAt(&call, call.caller().real) >= before + 3, knows_caller);
        EXPECT_EQ(call.counters().wrong_source + call.counters().strays > refused + 20, sprays);
        call.Run(12s);
        EXPECT_EQ(call.HeardByOthers(), 0u);
        call.Finish();
        stories[sprays] = call.Story();
      }
      EXPECT_EQ(stories[1], stories[0]);
    }
  }
}

}  // namespace
}  // namespace tests

// Goal: a state machine whose rows say two things of one pair does not compile (style section 8).

#include "core/sip/state_table.h"

namespace {

enum class State { kOff, kOn };
enum class Event { kPress };
using Row = core::sip::StateRow<State, Event>;

constexpr Row kRows[] = {
    {State::kOff, Event::kPress, State::kOn, 0},
    {State::kOn, Event::kPress, State::kOff, 0},
#ifdef MISUSE
    {State::kOn, Event::kPress, State::kOn, 0},
#endif
};
constexpr core::sip::StateTable<State, 2, Event, 1> kTable(kRows);
static_assert(kTable.Find(State::kOff, Event::kPress).to == State::kOn);

}  // namespace

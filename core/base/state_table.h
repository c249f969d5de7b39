#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace core {

/// One row of a state machine, to hold against the RFC's figure.
template <typename State, typename Event>
struct StateRow {
  State in;
  Event on;
  State to;
  uint32_t actions;  // A set of the machine's action bits.
};

/// Rows as a matrix, made at compile time. A pair with no row keeps its state and does nothing; two
/// rows for one pair do not compile.
template <typename State, size_t kStates, typename Event, size_t kEvents>
class StateTable {
 public:
  struct Step {
    State to{};
    uint32_t actions = 0;
    bool defined = false;
  };

  template <size_t kRows>
  constexpr explicit StateTable(const StateRow<State, Event> (&rows)[kRows]) {
    for (const auto& row : rows) {
      Step& step = steps_[static_cast<size_t>(row.in)][static_cast<size_t>(row.on)];
      if (step.defined) TwoRowsForOnePair();
      step = {row.to, row.actions, true};
    }
  }

  constexpr const Step& Find(State in, Event on) const {
    return steps_[static_cast<size_t>(in)][static_cast<size_t>(on)];
  }

 private:
  static void TwoRowsForOnePair() {}  // Not constexpr: a table that calls it is no constant.

  std::array<std::array<Step, kEvents>, kStates> steps_{};
};

}  // namespace core

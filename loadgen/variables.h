#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/sip/text_writer.h"

namespace loadgen {

/// Whose a scenario variable is: one call's, one user's (`-users`), or the whole run's.
enum class VariableScope : uint8_t { kCall, kUser, kGlobal };
inline constexpr size_t kVariableScopeCount = 3;

/// Where a variable's value stands: the store of its scope, and the index in it.
struct VariableId {
  VariableScope scope = VariableScope::kCall;
  uint16_t index = 0;
  friend bool operator==(VariableId, VariableId) = default;
};

/// The names of a scenario's variables, as they are met while it loads.
///
/// Shape:  at most kVariablesMax in each scope. A name that no <Global> or <User> declared is the
///         call's.
/// Errors: Use() and Declare() have nothing to give when a scope is full.
/// Thread: built at start, then only read.
class VariableTable {
 public:
  static constexpr size_t kVariablesMax = 1024;

  struct Entry {
    std::string name;
    VariableId id;
    int references = 0;  // How often the scenario names it: SIPp refuses a variable named once.
    int line = 0;        // Of the first mention.
  };

  /// The variable of that name, made in the call's scope when it is new. Counts one reference.
  std::optional<VariableId> Use(std::string_view name, int line);
  /// Makes it in `scope`, if it is not there. Counts one reference.
  std::optional<VariableId> Declare(VariableScope scope, std::string_view name, int line);
  /// The nearest of that name (call, user, global) without counting; nothing when unknown.
  std::optional<VariableId> Find(std::string_view name) const;

  std::string_view name(VariableId id) const;
  size_t count(VariableScope scope) const { return counts_[static_cast<size_t>(scope)]; }
  std::span<const Entry> entries() const { return entries_; }

 private:
  Entry* FindEntry(std::string_view name);
  std::optional<VariableId> Add(VariableScope scope, std::string_view name, int line);

  std::vector<Entry> entries_;
  size_t counts_[kVariableScopeCount] = {};
};

enum class VariableType : uint8_t { kUnset, kString, kRegexp, kDouble, kBool };

struct VariableValue {
  VariableType type = VariableType::kUnset;
  bool boolean = false;
  uint16_t capacity = 0;  // Of its place in the text memory.
  uint16_t size = 0;
  uint32_t at = 0;
  double number = 0;
};

/// The values of one scope's variables.
///
/// Shape:    as many values as the scenario has variables in the scope; their texts share one block
///           of memory, each at most kTextMax bytes. A variable past the last one is unset, and
///           setting it does nothing.
/// Lifetime: borrows both blocks from its owner (a call's slab, the worker). Nothing is allocated.
/// Errors:   SetText() is false, and the variable is unset, when the text memory is full.
/// Thread:   one worker's.
class VariableStore {
 public:
  static constexpr size_t kTextMax = 0xffff;

  VariableStore() = default;
  VariableStore(std::span<VariableValue> values, std::span<char> text)
      : values_(values), text_(text) {
    Clear();
  }

  void Clear();
  void Unset(uint16_t index);
  void SetNumber(uint16_t index, double number);
  void SetBool(uint16_t index, bool boolean);
  /// kString or kRegexp. `text` may be a view of this store's own text.
  [[nodiscard]] bool SetText(uint16_t index, VariableType type, std::string_view text);

  VariableType type(uint16_t index) const { return ValueOf(index).type; }
  /// Empty for all but kString and kRegexp.
  std::string_view text(uint16_t index) const;
  /// What `test=` asks: a regexp that matched, a true bool, a number that is not 0, any string.
  bool IsTrue(uint16_t index) const;
  /// The value as a number: of a text the longest number it begins with. False where there is none.
  bool ReadNumber(uint16_t index, double* number) const;
  /// As `[$name]` prints it: numbers as %f, an unset variable as nothing.
  void Write(uint16_t index, core::sip::TextWriter* out) const;
  size_t size() const { return values_.size(); }

 private:
  const VariableValue& ValueOf(uint16_t index) const {
    return index < values_.size() ? values_[index] : kUnsetValue;
  }
  bool MakeRoom(size_t size, uint16_t keep);
  void Store(VariableValue* value, VariableType type, std::string_view text);

  static constexpr VariableValue kUnsetValue{};
  std::span<VariableValue> values_;
  std::span<char> text_;
  uint32_t used_ = 0;
};

}  // namespace loadgen

#include "loadgen/variables.h"

#include <charconv>
#include <cstring>
#include <limits>

#include "core/base/check.h"

namespace loadgen {

VariableTable::Entry* VariableTable::FindEntry(std::string_view name) {
  Entry* found = nullptr;
  for (Entry& entry : entries_) {
    if (entry.name != name) continue;
    if (found == nullptr || entry.id.scope < found->id.scope) found = &entry;  // Nearest first.
  }
  return found;
}

std::optional<VariableId> VariableTable::Add(VariableScope scope, std::string_view name, int line) {
  size_t& count = counts_[static_cast<size_t>(scope)];
  if (count == kVariablesMax) return std::nullopt;
  const VariableId id{scope, static_cast<uint16_t>(count++)};
  entries_.push_back({std::string(name), id, 1, line});
  return id;
}

std::optional<VariableId> VariableTable::Use(std::string_view name, int line) {
  Entry* entry = FindEntry(name);
  if (entry == nullptr) return Add(VariableScope::kCall, name, line);
  ++entry->references;
  return entry->id;
}

std::optional<VariableId> VariableTable::Declare(VariableScope scope, std::string_view name,
                                                 int line) {
  for (Entry& entry : entries_) {
    if (entry.name != name || entry.id.scope != scope) continue;
    ++entry.references;
    return entry.id;
  }
  return Add(scope, name, line);
}

std::optional<VariableId> VariableTable::Find(std::string_view name) const {
  const Entry* entry = const_cast<VariableTable*>(this)->FindEntry(name);
  if (entry == nullptr) return std::nullopt;
  return entry->id;
}

std::string_view VariableTable::name(VariableId id) const {
  for (const Entry& entry : entries_) {
    if (entry.id == id) return entry.name;
  }
  return {};
}

void VariableStore::Clear() {
  for (VariableValue& value : values_) value = {};
  used_ = 0;
}

void VariableStore::Unset(uint16_t index) {
  if (index < values_.size()) values_[index].type = VariableType::kUnset;
}

void VariableStore::SetNumber(uint16_t index, double number) {
  if (index >= values_.size()) return;
  values_[index].type = VariableType::kDouble;
  values_[index].number = number;
}

void VariableStore::SetBool(uint16_t index, bool boolean) {
  if (index >= values_.size()) return;
  values_[index].type = VariableType::kBool;
  values_[index].boolean = boolean;
}

void VariableStore::Store(VariableValue* value, VariableType type, std::string_view text) {
  std::memmove(text_.data() + value->at, text.data(), text.size());
  value->size = static_cast<uint16_t>(text.size());
  value->type = type;
}

bool VariableStore::SetText(uint16_t index, VariableType type, std::string_view text) {
  if (index >= values_.size()) return true;
  VariableValue& value = values_[index];
  if (text.size() > kTextMax) {
    value.type = VariableType::kUnset;
    return false;
  }
  if (text.empty()) {
    value.type = type;
    value.size = 0;
    return true;
  }
  if (text.size() > value.capacity) {
    const char* begin = text_.data();
    const bool ours = text.data() >= begin && text.data() < begin + text_.size();
    // Compaction would move a text of ours under our hands: such a copy goes to fresh room only.
    if (text.size() > text_.size() - used_ && (ours || !MakeRoom(text.size(), index))) {
      value.type = VariableType::kUnset;
      return false;
    }
    value.at = used_;
    value.capacity = static_cast<uint16_t>(text.size());
    used_ += static_cast<uint32_t>(text.size());
  }
  Store(&value, type, text);
  return true;
}

// Packs the live texts to the front of the memory, lowest first, and forgets all other places.
bool VariableStore::MakeRoom(size_t size, uint16_t keep) {
  values_[keep].type = VariableType::kUnset;
  uint32_t packed = 0;
  uint32_t from = 0;
  while (true) {
    VariableValue* next = nullptr;
    for (VariableValue& value : values_) {
      const bool text = value.type == VariableType::kString || value.type == VariableType::kRegexp;
      if (!text || value.capacity == 0 || value.at < from) continue;
      if (next == nullptr || value.at < next->at) next = &value;
    }
    if (next == nullptr) break;
    from = next->at + next->capacity;
    std::memmove(text_.data() + packed, text_.data() + next->at, next->size);
    next->at = packed;
    next->capacity = next->size;
    packed += next->size;
  }
  for (VariableValue& value : values_) {
    const bool text = value.type == VariableType::kString || value.type == VariableType::kRegexp;
    if (!text) value.capacity = 0;
  }
  used_ = packed;
  return size <= text_.size() - used_;
}

std::string_view VariableStore::text(uint16_t index) const {
  const VariableValue& value = ValueOf(index);
  if (value.type != VariableType::kString && value.type != VariableType::kRegexp) return {};
  return {text_.data() + value.at, value.size};
}

bool VariableStore::IsTrue(uint16_t index) const {
  const VariableValue& value = ValueOf(index);
  switch (value.type) {
    case VariableType::kUnset:
      return false;
    case VariableType::kString:
    case VariableType::kRegexp:
      return true;
    case VariableType::kDouble:
      return value.number != 0;
    case VariableType::kBool:
      return value.boolean;
  }
  return false;
}

bool VariableStore::ReadNumber(uint16_t index, double* number) const {
  const VariableValue& value = ValueOf(index);
  if (value.type == VariableType::kDouble) {
    *number = value.number;
    return true;
  }
  if (value.type == VariableType::kBool) {
    *number = value.boolean ? 1 : 0;
    return true;
  }
  std::string_view digits = text(index);
  while (!digits.empty() && (digits.front() == ' ' || digits.front() == '+')) {
    digits.remove_prefix(1);
  }
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), *number);
  return result.ec == std::errc{};
}

void VariableStore::Write(uint16_t index, core::sip::TextWriter* out) const {
  const VariableValue& value = ValueOf(index);
  switch (value.type) {
    case VariableType::kUnset:
      return;
    case VariableType::kString:
    case VariableType::kRegexp:
      out->Append(text(index));
      return;
    case VariableType::kBool:
      out->Append(value.boolean ? "true" : "false");
      return;
    case VariableType::kDouble: {
      // The longest: a sign, 309 digits, the point and six decimals.
      char digits[std::numeric_limits<double>::max_exponent10 + 16];
      const auto result =
          std::to_chars(digits, digits + sizeof(digits), value.number, std::chars_format::fixed, 6);
      CHECK(result.ec == std::errc{});
      out->Append(std::string_view(digits, static_cast<size_t>(result.ptr - digits)));
      return;
    }
  }
}

}  // namespace loadgen

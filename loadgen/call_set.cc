#include "loadgen/call_set.h"

#include <algorithm>
#include <new>

#include "core/base/check.h"
#include "loadgen/message_hash.h"

namespace loadgen {
namespace {

using core::Instant;

// Beside the last message of each call, one that waits for its recv, and those of the turn.
constexpr size_t kReceivedMore = 1024;

// Objects of one type at `*at`, which moves behind them.
template <typename T>
std::span<T> Place(char** at, size_t count) {
  static_assert(alignof(T) <= alignof(uint64_t) && std::is_trivially_destructible_v<T>);
  T* first = reinterpret_cast<T*>(*at);
  for (size_t i = 0; i < count; ++i) new (first + i) T();
  *at += (count * sizeof(T) + alignof(uint64_t) - 1) / alignof(uint64_t) * alignof(uint64_t);
  return {first, count};
}

size_t Rounded(size_t bytes) {
  return (bytes + alignof(uint64_t) - 1) / alignof(uint64_t) * alignof(uint64_t);
}

size_t TextBytes(size_t variables) { return variables == 0 ? 0 : CallSet::kTextBytesPerCall; }

size_t StoreBytes(size_t variables) {
  return Rounded(variables * sizeof(VariableValue)) + TextBytes(variables);
}

// So many variables at `*at`, their texts behind them.
VariableStore PlaceStore(char** at, size_t variables) {
  const auto values = Place<VariableValue>(at, variables);
  const std::span<char> text(*at, TextBytes(variables));
  *at += text.size();
  return {values, text};
}

}  // namespace

std::string_view TrimCallId(std::string_view call_id) {
  constexpr std::string_view kMark = "///";
  const size_t at = call_id.find(kMark);
  return at == std::string_view::npos ? call_id : call_id.substr(at + kMark.size());
}

// Room for the scenario that has most of each.
size_t CallSet::StrideOf(const std::vector<const Scenario*>& scenarios, size_t injection_files) {
  size_t variables = 0;
  size_t user_variables = 0;
  size_t timers = 0;
  size_t transactions = 0;
  for (const Scenario* scenario : scenarios) {
    variables = std::max(variables, scenario->variables.count(VariableScope::kCall));
    user_variables = std::max(user_variables, scenario->variables.count(VariableScope::kUser));
    timers = std::max(timers, scenario->rtds.size());
    transactions = std::max(transactions, scenario->transactions.size());
  }
  return StoreBytes(variables) + StoreBytes(user_variables) +
         Rounded(timers * sizeof(ResponseTimer)) +
         Rounded(transactions * sizeof(NamedTransaction)) +
         Rounded(injection_files * sizeof(uint32_t));
}

CallSet::CallSet(const Limits& limits, const std::vector<const Scenario*>& scenarios,
                 size_t injection_files, core::PacketStore* store, core::Random* random)
    : store_(store),
      key_(random->NextKey()),
      message_key_(random->Next()),
      calls_(limits.calls),
      received_(limits.calls * 2 + kReceivedMore),
      by_call_id_(limits.calls),
      injection_lines_(injection_files),
      stride_(StrideOf(scenarios, injection_files)),
      slab_(limits.calls * stride_),
      dead_(limits.dead_calls),
      dead_by_hash_(limits.dead_calls) {}

CallSet::~CallSet() {
  while (Call* call = open_.front()) Close(call, Instant{});
}

void CallSet::LaySlab(Call* call, const Scenario& scenario) {
  if (stride_ == 0) return;
  char* at = &slab_[stride_ * calls_.HandleOf(call).index];
  call->variables = PlaceStore(&at, scenario.variables.count(VariableScope::kCall));
  call->own_user_variables = PlaceStore(&at, scenario.variables.count(VariableScope::kUser));
  call->response_timers = Place<ResponseTimer>(&at, scenario.rtds.size());
  call->transactions = Place<NamedTransaction>(&at, scenario.transactions.size());
  call->injection_lines = Place<uint32_t>(&at, injection_lines_);
}

Call* CallSet::Open(const Parts& parts) {
  Call* call = calls_.Acquire(parts.on_wait, parts.on_retransmit, parts.player);
  if (call == nullptr) return nullptr;
  if (!call->short_call_id.Assign(parts.call_id)) {
    call->long_call_id = store_->Copy(parts.call_id);
    if (!call->long_call_id) {
      calls_.Release(call);
      return nullptr;
    }
  }
  LaySlab(call, *parts.scenario);
  call->call_id_hash = core::SipHash(key_, parts.call_id);
  by_call_id_.Insert(call->call_id_hash, calls_.HandleOf(call));
  open_.PushBack(call);
  return call;
}

void CallSet::Close(Call* call, Instant now) {
  if (call->last != nullptr) Release(call->last);
  if (call->queued != nullptr) Release(call->queued);
  CHECK(by_call_id_.Erase(call->call_id_hash, calls_.HandleOf(call)));
  Bury(call->call_id_hash, now);
  calls_.Release(call);
}

Call* CallSet::Find(std::string_view trimmed_call_id) {
  const auto* handle = by_call_id_.Find(
      core::SipHash(key_, trimmed_call_id),
      [&](core::Handle<Call> h) { return calls_.Find(h)->call_id() == trimmed_call_id; });
  return handle == nullptr ? nullptr : calls_.Find(*handle);
}

void CallSet::ForgetOldest() {
  CHECK(dead_by_hash_.Erase(dead_[oldest_dead_].hash, static_cast<uint32_t>(oldest_dead_)));
  oldest_dead_ = (oldest_dead_ + 1) % dead_.size();
  --dead_count_;
}

void CallSet::Bury(uint64_t hash, Instant now) {
  if (dead_.size() == 0) return;
  if (dead_count_ == dead_.size()) ForgetOldest();
  const size_t place = (oldest_dead_ + dead_count_) % dead_.size();
  dead_[place] = {hash, now + kDeadWait};
  dead_by_hash_.Insert(hash, static_cast<uint32_t>(place));
  ++dead_count_;
}

bool CallSet::WasLately(std::string_view trimmed_call_id, Instant now) {
  while (dead_count_ > 0 && dead_[oldest_dead_].until <= now) ForgetOldest();
  if (dead_count_ == 0) return false;
  return dead_by_hash_.Find(core::SipHash(key_, trimmed_call_id), [](uint32_t) { return true; }) !=
         nullptr;
}

Received* CallSet::Keep(std::string_view bytes, Instant at) {
  Received* received = received_.Acquire();
  if (received == nullptr) return nullptr;
  received->packet = store_->Copy(bytes);
  if (!received->packet) {
    received_.Release(received);
    return nullptr;
  }
  (void)received->message.Index(received->packet.text());  // Whoever asked judges error().
  received->hash = HashMessage(message_key_, received->packet.text());
  received->at = at;
  return received;
}

}  // namespace loadgen

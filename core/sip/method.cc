#include "core/sip/method.h"

#include <array>

namespace core::sip {
namespace {

constexpr std::array<std::string_view, kMethodCount> kNames = {
    "",       "INVITE", "ACK",   "BYE",    "CANCEL",    "OPTIONS", "REGISTER", "PRACK",
    "UPDATE", "INFO",   "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"};
static_assert(kNames[static_cast<size_t>(Method::kPublish)] == "PUBLISH");

}  // namespace

Method FindMethod(std::string_view name) {
  for (size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Method>(i);
  }
  return Method::kUnknown;
}

std::string_view Name(Method method) { return kNames[static_cast<size_t>(method)]; }

}  // namespace core::sip

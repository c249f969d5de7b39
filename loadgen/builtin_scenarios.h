#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace loadgen {

/// A scenario that needs no file: SIPp's names and observable behaviour, our text.
struct BuiltinScenario {
  std::string_view name;
  std::string_view xml;
};

/// uac, uas, regexp, branchc, branchs, ooc_default.
std::span<const BuiltinScenario> BuiltinScenarios();

/// What -sn, -oocsn and -sd ask for; nothing for another name.
std::optional<std::string_view> FindBuiltinScenario(std::string_view name);

}  // namespace loadgen

#pragma once

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "loadgen/options.h"

namespace loadgen {

/// One option of the command line.
struct OptionRow {
  using Apply = absl::Status (*)(std::span<const std::string_view> values, Options* options);

  std::string_view name;       // Without its dash.
  std::string_view arguments;  // Their names for the help, a blank between them; empty: a flag.
  std::string_view help;
  Apply apply;
};

/// In the order of the help.
std::span<const OptionRow> OptionTable();

/// True where SIPp has an option of this name that we do not have yet.
bool IsOptionOfLater(std::string_view name);

/// "a.example", "a.example:5070", "[::1]:5070".
absl::Status ParseHostPort(std::string_view text, std::string* host, uint16_t* port);

}  // namespace loadgen

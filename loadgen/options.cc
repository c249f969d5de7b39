#include "loadgen/options.h"

#include <algorithm>
#include <cmath>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/option_table.h"
#include "loadgen/text.h"

namespace loadgen {
namespace {

const OptionRow* FindOption(std::string_view name) {
  const std::span<const OptionRow> table = OptionTable();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const OptionRow& row) { return row.name == name; });
  return found == table.end() ? nullptr : &*found;
}

size_t CountWords(std::string_view text) {
  return text.empty() ? 0 : 1 + static_cast<size_t>(std::count(text.begin(), text.end(), ' '));
}

absl::Status Apply(const OptionRow& row, std::span<const std::string_view> values,
                   Options* options) {
  const absl::Status status = row.apply(values, options);
  if (status.ok()) return absl::OkStatus();
  std::string given;
  for (const std::string_view value : values) given += core::Concat(" ", value);
  return {status.code(), core::Concat("-", row.name, given, ": ", std::string(status.message()))};
}

// What belongs together only as a whole.
absl::Status CheckTogether(const Options& options) {
  if (!options.scenario_file.empty() && options.scenario_name != "uac") {
    return absl::InvalidArgumentError("-sf and -sn: wanted one of them");
  }
  if (!options.out_of_call_file.empty() && !options.out_of_call_name.empty()) {
    return absl::InvalidArgumentError("-oocsf and -oocsn: wanted one of them");
  }
  if (options.users >= 0 && options.calls_at_once != 0) {
    return absl::InvalidArgumentError("-users and -l: wanted one of them");
  }
  for (const auto& index : options.injection_indexes) {
    const std::string& file = index.first;
    const bool known = std::any_of(
        options.injection_files.begin(), options.injection_files.end(),
        [&](const std::string& f) { return f == file || f.ends_with(core::Concat("/", file)); });
    if (!known) {
      return absl::InvalidArgumentError(core::Concat("-infindex ", file, " ", index.second,
                                                     ": wanted the base name of an -inf file"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<core::Duration> ParseDuration(std::string_view text, core::Duration unit) {
  constexpr std::pair<std::string_view, core::Duration> kUnits[] = {
      {"us", std::chrono::microseconds(1)}, {"ms", std::chrono::milliseconds(1)},
      {"s", std::chrono::seconds(1)},       {"m", std::chrono::minutes(1)},
      {"h", std::chrono::hours(1)},
  };
  std::string_view number = text;
  for (const auto& [suffix, duration] : kUnits) {
    if (!text.ends_with(suffix)) continue;
    number.remove_suffix(suffix.size());
    unit = duration;
    break;
  }
  double value = 0;
  const double longest = 1e18;  // Nanoseconds: thirty years.
  if (!ParseNumber(number, &value) || !(value >= 0) ||
      value * static_cast<double>(unit.count()) > longest) {
    return absl::InvalidArgumentError("wanted a time, as in 20, 500ms, 1.5s, 2m or 1h");
  }
  return core::Duration(std::llround(value * static_cast<double>(unit.count())));
}

absl::StatusOr<Options> ParseOptions(std::span<const char* const> arguments) {
  Options options;
  bool has_remote = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word.empty() || word.front() != '-') {
      if (has_remote) {
        return absl::InvalidArgumentError(core::Concat("\"", word,
                                                       "\": wanted one remote host, and \"",
                                                       options.remote_host, "\" is one already"));
      }
      has_remote = true;
      const absl::Status status = ParseHostPort(word, &options.remote_host, &options.remote_port);
      if (!status.ok()) {
        return absl::InvalidArgumentError(
            core::Concat("\"", word, "\": ", std::string(status.message())));
      }
      continue;
    }
    const std::string_view name = word.substr(word.starts_with("--") ? 2 : 1);
    const OptionRow* row = FindOption(name);
    if (row == nullptr) {
      if (IsOptionOfLater(name)) {
        return absl::UnimplementedError(core::Concat(word, ": not supported yet"));
      }
      return absl::InvalidArgumentError(
          core::Concat(word, ": unknown option; wanted one of those that -h lists"));
    }
    const size_t count = CountWords(row->arguments);
    if (arguments.size() - i - 1 < count) {
      return absl::InvalidArgumentError(
          core::Concat(word, ": wanted ", row->arguments, " behind it"));
    }
    std::string_view values[2];
    for (size_t k = 0; k < count; ++k) values[k] = arguments[++i];
    RETURN_IF_ERROR(Apply(*row, {values, count}, &options));
  }
  if (options.show_help || options.show_version || !options.dump_scenario.empty()) return options;
  RETURN_IF_ERROR(CheckTogether(options));
  return options;
}

std::string HelpText() {
  std::string text =
      "Usage: ringfence-load [remote_host[:port]] [options]\n\n"
      "Runs a SIPp scenario. Without -sf and -sn that is the built-in uac. --opt is -opt.\n"
      "Times take ms, s, m or h.\n\n";
  for (const OptionRow& row : OptionTable()) {
    const std::string head =
        core::Concat("  -", row.name, row.arguments.empty() ? "" : " ", row.arguments);
    text += core::Concat(head);
    // Heads that reach into the second column have their help on the next line.
    constexpr size_t kColumn = 34;
    if (head.size() + 1 > kColumn) {
      text += core::Concat("\n", std::string(kColumn, ' '));
    } else {
      text.append(kColumn - head.size(), ' ');
    }
    text += core::Concat(row.help, "\n");
  }
  text += core::Concat(
      "\nExit codes: 0 all calls succeeded, 1 some failed, 97 stopped without a "
      "successful call,\n99 nothing was to be run (-h, -v, -sd, -bg), 253 audio without the "
      "apattern that it sent,\n254 no socket, 255 a fatal error, or a file of results that "
      "is not whole.\n");
  return text;
}

}  // namespace loadgen

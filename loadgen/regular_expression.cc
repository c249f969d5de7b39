#include "loadgen/regular_expression.h"

#include "core/base/concat.h"

#include <algorithm>

namespace loadgen {

void RegularExpression::Free::operator()(regex_t* compiled) const {
  regfree(compiled);
  delete compiled;
}

absl::StatusOr<RegularExpression> RegularExpression::Compile(std::string_view pattern,
                                                             bool ignore_case) {
  RegularExpression expression;
  expression.pattern_ = std::string(pattern);
  auto compiled = std::make_unique<regex_t>();
  const int flags = REG_EXTENDED | (ignore_case ? REG_ICASE : 0);
  const int error = regcomp(compiled.get(), expression.pattern_.c_str(), flags);
  if (error != 0) {
    char reason[128];
    regerror(error, compiled.get(), reason, sizeof(reason));
    return absl::InvalidArgumentError(core::Concat("\"", pattern,
                                                   "\" is not a regular expression: ", reason,
                                                   "; wanted a POSIX extended one"));
  }
  expression.compiled_.reset(compiled.release());
  return expression;
}

bool RegularExpression::Search(std::string_view text, std::span<std::string_view> groups) const {
  regmatch_t matches[kGroupsMax];
  // REG_STARTEND takes the bounds from the first match: the text need not end with a NUL.
  matches[0].rm_so = 0;
  matches[0].rm_eo = static_cast<regoff_t>(text.size());
  const char* data = text.empty() ? "" : text.data();
  const size_t count = std::min(groups.size(), kGroupsMax);
  if (regexec(compiled_.get(), data, count, matches, REG_STARTEND) != 0) return false;
  for (size_t i = 0; i < count; ++i) {
    groups[i] = {};
    if (matches[i].rm_so < 0) continue;
    const auto begin = static_cast<size_t>(matches[i].rm_so);
    groups[i] = {data + begin, static_cast<size_t>(matches[i].rm_eo) - begin};
  }
  return true;
}

}  // namespace loadgen

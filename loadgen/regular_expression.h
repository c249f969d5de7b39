#pragma once

#include <regex.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadgen {

/// A POSIX extended regular expression, compiled once at load: the language of SIPp's `ereg`, with
/// glibc's extensions (\b, \w) and its leftmost-longest rule.
///
/// Shape:    at most kGroupsMax parts of a match: the whole and nine sub-expressions.
/// Errors:   Compile() names the expression and what regcomp() says.
/// Thread:   one worker's: glibc locks a regex_t that two threads share.
/// Note:     regexec() allocates; a scenario that matches pays for it, no other does.
class RegularExpression {
 public:
  static constexpr size_t kGroupsMax = 10;

  static absl::StatusOr<RegularExpression> Compile(std::string_view pattern, bool ignore_case);

  /// True on a match. Fills `groups` with views of `text`: the whole match first; a sub-expression
  /// that took no part is a view with a null data().
  bool Search(std::string_view text, std::span<std::string_view> groups) const;
  bool Matches(std::string_view text) const { return Search(text, {}); }

  const std::string& pattern() const { return pattern_; }
  size_t group_count() const { return compiled_->re_nsub; }

 private:
  struct Free {
    void operator()(regex_t* compiled) const;
  };

  RegularExpression() = default;
  std::string pattern_;
  std::unique_ptr<regex_t, Free> compiled_;
};

}  // namespace loadgen

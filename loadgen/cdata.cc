#include "loadgen/cdata.h"

namespace loadgen {
namespace {

constexpr std::string_view kBlanks = " \t\n";

// Drops the blanks of one kind that stand behind a line end.
std::string DropBehindLineEnds(std::string_view text, char blank) {
  std::string out;
  out.reserve(text.size());
  bool behind = false;
  for (const char c : text) {
    if (behind && c == blank) continue;
    behind = c == '\n';
    out += c;
  }
  return out;
}

// Drops the blanks of one kind that stand in front of a line end.
std::string DropBeforeLineEnds(std::string_view text, char blank) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    while (c == '\n' && !out.empty() && out.back() == blank) out.pop_back();
    out += c;
  }
  return out;
}

}  // namespace

std::string CleanCdata(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (const char c : text) {
    if (c != '\r') clean += c;
  }
  const size_t begin = clean.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return {};
  clean.erase(0, begin);
  const size_t end = clean.find_last_not_of(kBlanks) + 1;
  const bool lost_line_end = clean.find('\n', end) != std::string::npos;
  clean.erase(end);

  clean = DropBehindLineEnds(clean, ' ');
  clean = DropBeforeLineEnds(clean, ' ');
  clean = DropBehindLineEnds(clean, '\t');
  clean = DropBeforeLineEnds(clean, '\t');

  if (clean.find("\n\n") == std::string::npos) {
    clean += "\n\n";
  } else if (lost_line_end) {
    clean += '\n';
  }
  return clean;
}

}  // namespace loadgen

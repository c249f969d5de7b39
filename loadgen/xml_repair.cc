#include "loadgen/xml_repair.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "core/base/concat.h"
#include "core/base/status.h"

namespace loadgen {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Elements that stand side by side in a scenario: none of them can be inside another.
constexpr std::string_view kMessageElements[] = {"send",
                                                 "recv",
                                                 "pause",
                                                 "timewait",
                                                 "nop",
                                                 "sendCmd",
                                                 "label",
                                                 "recvCmd",
                                                 "Reference",
                                                 "ResponseTimeRepartition",
                                                 "CallLengthRepartition"};

bool IsMessageElement(std::string_view name) {
  return std::find(std::begin(kMessageElements), std::end(kMessageElements), name) !=
         std::end(kMessageElements);
}

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool IsNameEnd(char c) {
  return IsBlank(c) || c == '=' || c == '>' || c == '/' || c == '<' || c == '"' || c == '\'';
}

/// One pass over the text.
class XmlRepairer {
 public:
  XmlRepairer(std::string_view text, std::string_view file_name)
      : text_(text), file_name_(file_name) {}

  absl::StatusOr<RepairedXml> Run();

 private:
  absl::Status TakeMarkup();
  absl::Status TakeOpenTag();
  absl::Status TakeAttribute(std::vector<std::string_view>* names);
  absl::Status TakeValue(std::string* value);
  void TakeCloseTag();
  absl::Status TakeCdata();
  void TakeEscape(std::string* value);
  void SkipTo(size_t end);
  void SkipComment();
  void SkipDeclaration();
  void CloseMessageElement();
  void CloseTop();
  bool QuoteEndsValue(size_t at) const;
  bool StartsEntity(size_t at) const;
  absl::Status Error(std::string_view what, size_t at) const;
  absl::Status EndsInside(std::string_view what, size_t at) const;

  bool At(std::string_view word) const { return text_.substr(at_).starts_with(word); }

  std::string_view text_;
  std::string_view file_name_;
  size_t at_ = 0;
  std::string out_;
  struct OpenElement {
    std::string_view name;
    size_t at = 0;  // Of its < in the text.
  };
  std::vector<OpenElement> open_;
  bool finished_ = false;  // The root has been closed.
};

absl::Status XmlRepairer::Error(std::string_view what, size_t at) const {
  const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at), '\n');
  return absl::InvalidArgumentError(core::Concat(file_name_, ":", line, ": ", what));
}

// The line said is that where the element begins; where the file ends is no news.
absl::Status XmlRepairer::EndsInside(std::string_view what, size_t at) const {
  return Error(core::Concat("the file ends inside this ", what, "; wanted a whole file"), at);
}

absl::StatusOr<RepairedXml> XmlRepairer::Run() {
  out_.reserve(text_.size() + 64);
  while (at_ < text_.size()) {
    const size_t next = text_.find('<', at_);
    SkipTo(next == kNone ? text_.size() : next);
    if (at_ == text_.size()) break;
    if (finished_) {
      SkipTo(at_ + 1);
      continue;
    }
    RETURN_IF_ERROR(TakeMarkup());
  }
  // A missing </scenario> is found in files that work; an element that stays open inside it is none
  // that its author wrote to the end.
  if (open_.size() > 1)
    return EndsInside(core::Concat("<", open_.back().name, ">"), open_.back().at);
  const bool whole = open_.empty();
  while (!open_.empty()) CloseTop();
  return RepairedXml{.text = std::move(out_), .root_is_closed = whole};
}

// Drops text, but for its line ends.
void XmlRepairer::SkipTo(size_t end) {
  for (; at_ < end; ++at_) {
    if (text_[at_] == '\n') out_ += '\n';
  }
}

absl::Status XmlRepairer::TakeMarkup() {
  if (At("<!--")) {
    SkipComment();
  } else if (At("<![CDATA[")) {
    return TakeCdata();
  } else if (At("<!") || At("<?")) {
    SkipDeclaration();
  } else if (At("</")) {
    TakeCloseTag();
  } else if (at_ + 1 < text_.size() && IsNameStart(text_[at_ + 1])) {
    return TakeOpenTag();
  } else {
    SkipTo(at_ + 1);
  }
  return absl::OkStatus();
}

// A comment that never ends was meant to end with its line.
void XmlRepairer::SkipComment() {
  size_t end = text_.find("-->", at_ + 4);
  if (end == kNone) {
    end = text_.find('\n', at_);
    return SkipTo(end == kNone ? text_.size() : end);
  }
  SkipTo(end + 3);
}

// <?...?> and <!DOCTYPE ... [ ... ]>
void XmlRepairer::SkipDeclaration() {
  size_t end = text_.find('>', at_);
  const size_t subset = text_.find('[', at_);
  if (At("<!DOCTYPE") && subset < end) {
    const size_t close = text_.find(']', subset);
    end = close == kNone ? kNone : text_.find('>', close);
  }
  SkipTo(end == kNone ? text_.size() : end + 1);
}

absl::Status XmlRepairer::TakeCdata() {
  const size_t end = text_.find("]]>", at_);
  if (end == kNone) return EndsInside("<![CDATA[", at_);
  if (open_.empty()) {
    SkipTo(end + 3);
    return absl::OkStatus();
  }
  out_ += text_.substr(at_, end + 3 - at_);
  at_ = end + 3;
  return absl::OkStatus();
}

void XmlRepairer::CloseTop() {
  out_ += core::Concat("</", open_.back().name, ">");
  open_.pop_back();
  finished_ = open_.empty();
}

void XmlRepairer::TakeCloseTag() {
  const size_t begin = at_ + 2;
  size_t end = begin;
  while (end < text_.size() && !IsNameEnd(text_[end])) ++end;
  const std::string_view name = text_.substr(begin, end - begin);
  const auto match = std::find_if(open_.rbegin(), open_.rend(),
                                  [name](const OpenElement& open) { return open.name == name; });
  if (match != open_.rend()) {
    const auto depth = static_cast<size_t>(open_.rend() - match);
    while (open_.size() >= depth) CloseTop();
  }
  while (end < text_.size() && text_[end] != '>' && text_[end] != '<') ++end;
  SkipTo(end < text_.size() && text_[end] == '>' ? end + 1 : end);
}

void XmlRepairer::CloseMessageElement() {
  if (open_.empty()) return;  // The root stays: behind it nothing counts.
  const auto open = std::find_if(open_.begin() + 1, open_.end(), [](const OpenElement& element) {
    return IsMessageElement(element.name);
  });
  if (open == open_.end()) return;
  const auto depth = static_cast<size_t>(open - open_.begin());
  while (open_.size() > depth) CloseTop();
}

absl::Status XmlRepairer::TakeOpenTag() {
  const size_t begin = at_;
  size_t end = begin + 1;
  while (end < text_.size() && !IsNameEnd(text_[end])) ++end;
  const std::string_view name = text_.substr(begin + 1, end - begin - 1);
  if (IsMessageElement(name)) CloseMessageElement();
  if (open_.size() == kXmlDepthMax) {
    return Error(core::Concat("<", name, ">: wanted elements at most ", kXmlDepthMax, " deep"),
                 begin);
  }
  out_ += core::Concat("<", name);
  at_ = end;
  std::vector<std::string_view> names;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (IsBlank(c)) {
      out_ += c;
      ++at_;
    } else if (c == '>') {
      out_ += '>';
      ++at_;
      open_.push_back({name, begin});
      return absl::OkStatus();
    } else if (At("/>")) {
      out_ += "/>";
      at_ += 2;
      finished_ = open_.empty();
      return absl::OkStatus();
    } else if (c == '<') {
      out_ += '>';  // The next tag begins: this one was never finished.
      open_.push_back({name, begin});
      return absl::OkStatus();
    } else if (IsNameEnd(c)) {
      ++at_;
    } else {
      RETURN_IF_ERROR(TakeAttribute(&names));
    }
  }
  return Error(core::Concat("<", name, " ...: the tag never ends; wanted a >"), begin);
}

absl::Status XmlRepairer::TakeAttribute(std::vector<std::string_view>* names) {
  const size_t begin = at_;
  while (at_ < text_.size() && !IsNameEnd(text_[at_])) ++at_;
  const std::string_view name = text_.substr(begin, at_ - begin);
  size_t value_at = at_;
  while (value_at < text_.size() && IsBlank(text_[value_at])) ++value_at;
  const bool has_value = value_at < text_.size() && text_[value_at] == '=';
  if (!has_value) return absl::OkStatus();
  SkipTo(value_at + 1);
  std::string value;
  RETURN_IF_ERROR(TakeValue(&value));
  const bool valid = IsNameStart(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
                       return IsNameStart(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 ||
                              c == '-' || c == '.' || c == ':';
                     });
  if (!valid || std::find(names->begin(), names->end(), name) != names->end()) {
    out_.append(static_cast<size_t>(std::count(value.begin(), value.end(), '\n')), '\n');
    return absl::OkStatus();
  }
  names->push_back(name);
  if (!IsBlank(out_.back())) out_ += ' ';
  out_ += core::Concat(name, "=\"", value, "\"");
  return absl::OkStatus();
}

// True when the quote at `at` is followed by what follows a value: the tag's end, or an attribute.
bool XmlRepairer::QuoteEndsValue(size_t at) const {
  ++at;
  const size_t after = at;
  while (at < text_.size() && IsBlank(text_[at])) ++at;
  if (at == text_.size()) return true;
  if (text_[at] == '>' || text_.substr(at).starts_with("/>")) return true;
  if (at == after || !IsNameStart(text_[at])) return false;
  while (at < text_.size() && !IsNameEnd(text_[at])) ++at;
  while (at < text_.size() && IsBlank(text_[at])) ++at;
  if (at == text_.size() || text_[at] != '=') return false;
  do {
    ++at;
  } while (at < text_.size() && IsBlank(text_[at]));
  // In `x=\"1\" y=\"2\"` the text goes on: there the next quote is escaped too.
  return at < text_.size() && (text_[at] == '"' || text_[at] == '\'');
}

bool XmlRepairer::StartsEntity(size_t at) const {
  const std::string_view rest = text_.substr(at);
  for (const std::string_view entity : {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"}) {
    if (rest.starts_with(entity)) return true;
  }
  if (!rest.starts_with("&#")) return false;
  const bool hex = rest.starts_with("&#x");
  const size_t digits = hex ? 3 : 2;
  size_t end = digits;
  while (end < rest.size() && end < digits + 6 &&
         (hex ? std::isxdigit(static_cast<unsigned char>(rest[end])) != 0
              : std::isdigit(static_cast<unsigned char>(rest[end])) != 0)) {
    ++end;
  }
  return end > digits && end < rest.size() && rest[end] == ';';
}

void XmlRepairer::TakeEscape(std::string* value) {
  const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  at_ += 2;
  switch (c) {
    case '"':
      *value += "&quot;";
      return;
    case '\\':
      *value += "&#92;";  // Not a bare backslash: a second repair would take it for an escape.
      return;
    case 'n':
      *value += "&#10;";
      return;
    case 'r':
      *value += "&#13;";
      return;
    case 't':
      *value += "&#9;";
      return;
    default:
      *value += "&#92;";
      --at_;
      return;
  }
}

absl::Status XmlRepairer::TakeValue(std::string* value) {
  // A line end in front of the value stays one, inside it: the lines must keep their numbers.
  const size_t begin = at_;
  while (at_ < text_.size() && IsBlank(text_[at_])) SkipTo(at_ + 1);
  const char quote = at_ < text_.size() ? text_[at_] : '\0';
  const bool quoted = quote == '"' || quote == '\'';
  if (quoted) ++at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    const bool end = quoted ? c == quote : (IsBlank(c) || c == '>' || c == '<');
    if (end) {
      if (quoted) ++at_;
      return absl::OkStatus();
    }
    if (c == '\\' &&
        !(at_ + 1 < text_.size() && text_[at_ + 1] == quote && quoted && QuoteEndsValue(at_ + 1))) {
      TakeEscape(value);
      continue;
    }
    if (c == '<') {
      *value += "&lt;";
    } else if (c == '"') {
      *value += "&quot;";
    } else if (c == '\\') {
      *value += "&#92;";
    } else if (c == '&' && !StartsEntity(at_)) {
      *value += "&amp;";
    } else {
      *value += c;
    }
    ++at_;
  }
  return Error("an attribute's value never ends; wanted a closing quote", begin);
}

}  // namespace

absl::StatusOr<RepairedXml> RepairXml(std::string_view text, std::string_view file_name) {
  if (text.size() > kXmlBytesMax) {
    return absl::InvalidArgumentError(
        core::Concat(file_name, ": wanted at most ", kXmlBytesMax, " bytes"));
  }
  std::string lines;
  lines.reserve(text.size());
  int line = 1;
  for (const char c : text) {
    if (c == '\0') {
      return absl::InvalidArgumentError(
          core::Concat(file_name, ":", line, ": a NUL byte; wanted text"));
    }
    if (c == '\n') ++line;
    if (c != '\r') lines += c;  // As SIPp since 3.7.7 reads a file.
  }
  return XmlRepairer(lines, file_name).Run();
}

}  // namespace loadgen

#include "loadgen/injection_file.h"

#include <charconv>
#include <cstdio>
#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/text.h"
#include "loadgen/text_file.h"

namespace loadgen {
namespace {

std::string BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

// Takes the next line off `*text`, without its line end.
std::string_view TakeLine(std::string_view* text) {
  const size_t end = text->find('\n');
  std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// `%d`, `%5d` or `%05d` at the front of `text`: its length, else 0.
size_t ConversionSize(std::string_view text) {
  size_t at = 1;
  while (at < text.size() && at < 4 && text[at] >= '0' && text[at] <= '9') ++at;
  return at < text.size() && text[at] == 'd' ? at + 1 : 0;
}

void WriteNumber(int64_t number, std::string_view conversion, core::sip::TextWriter* out) {
  char digits[24];
  const char* end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  std::string_view text(digits, static_cast<size_t>(end - digits));
  conversion.remove_prefix(1);
  const bool zeros = conversion.front() == '0';
  size_t width = 0;
  for (const char c : conversion.substr(0, conversion.size() - 1)) {
    width = width * 10 + static_cast<size_t>(c - '0');
  }
  if (zeros && text.front() == '-') {
    out->Append('-');
    text.remove_prefix(1);
    if (width > 0) --width;
  }
  for (size_t i = text.size(); i < width; ++i) out->Append(zeros ? '0' : ' ');
  out->Append(text);
}

}  // namespace

absl::Status InjectionFile::ReadFirstLine(std::string_view line) {
  // SIPp looks for the words anywhere in the line, and so do we; RANDOM wins over the default.
  if ((line.find("RANDOM") != std::string_view::npos)) {
    order_ = Order::kRandom;
  } else if ((line.find("SEQUENTIAL") != std::string_view::npos)) {
    order_ = Order::kSequential;
  } else if ((line.find("USER") != std::string_view::npos)) {
    order_ = Order::kUser;
  } else {
    return absl::InvalidArgumentError(core::Concat(
        path_, ":1: \"", line, "\": wanted SEQUENTIAL, RANDOM or USER in the first line"));
  }
  for (std::string_view word : Split(line, ',')) {
    const size_t equal = word.find('=');
    if (equal == std::string_view::npos) continue;
    const std::string_view name = word.substr(0, equal);
    int64_t number = 0;
    if (!ParseNumber(word.substr(equal + 1), &number)) {
      return absl::InvalidArgumentError(
          core::Concat(path_, ":1: ", word, ": wanted a whole number behind the ="));
    }
    if (name == "PRINTF") {
      if (number < 1 || number > static_cast<int64_t>(kLinesMax)) {
        return absl::InvalidArgumentError(
            core::Concat(path_, ":1: ", word, ": wanted a number of lines, 1 to ", kLinesMax));
      }
      printf_lines_ = static_cast<uint32_t>(number);
    } else if (name == "PRINTFOFFSET") {
      printf_offset_ = number;
    } else if (name == "PRINTFMULTIPLE") {
      printf_multiple_ = number;
    } else {
      return absl::InvalidArgumentError(
          core::Concat(path_, ":1: ", word, ": wanted PRINTF=, PRINTFOFFSET= or PRINTFMULTIPLE="));
    }
  }
  return CheckNumbers();
}

// The numbers of the lines between are between those of the first and the last.
absl::Status InjectionFile::CheckNumbers() const {
  if (printf_lines_ == 0) return absl::OkStatus();
  int64_t last = 0;
  if (!__builtin_mul_overflow(printf_multiple_, int64_t{printf_lines_} - 1, &last) &&
      !__builtin_add_overflow(printf_offset_, last, &last)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      core::Concat(path_, ":1: PRINTFOFFSET=", printf_offset_,
                   " and PRINTFMULTIPLE=", printf_multiple_, ": wanted numbers of at most ",
                   INT64_MAX, ", and at least ", INT64_MIN, ", in all ", printf_lines_, " lines"));
}

absl::StatusOr<std::unique_ptr<InjectionFile>> InjectionFile::Parse(std::string text,
                                                                    std::string_view path) {
  auto file = std::make_unique<InjectionFile>();
  file->path_ = std::string(path);
  file->name_ = BaseName(path);
  if (text.size() > kBytesMax) {
    return absl::InvalidArgumentError(core::Concat(path, ": wanted at most ", kBytesMax, " bytes"));
  }
  file->text_ = std::move(text);
  std::string_view rest = file->text_;
  RETURN_IF_ERROR(file->ReadFirstLine(TakeLine(&rest)));
  while (!rest.empty()) {
    const std::string_view line = TakeLine(&rest);
    if (line.empty()) break;
    if (line.front() == '#') continue;
    if (file->lines_.size() == kLinesMax) {
      return absl::InvalidArgumentError(
          core::Concat(path, ": wanted at most ", kLinesMax, " lines"));
    }
    file->lines_.push_back({static_cast<uint32_t>(line.data() - file->text_.data()),
                            static_cast<uint32_t>(line.size())});
  }
  if (file->lines_.empty()) {
    return absl::InvalidArgumentError(
        core::Concat(path, ": has no values: wanted at least one line behind the first"));
  }
  return file;
}

absl::StatusOr<std::unique_ptr<InjectionFile>> InjectionFile::Read(const std::string& path) {
  absl::StatusOr<std::string> text = ReadRegularFile(path, kBytesMax);
  RETURN_IF_ERROR(text.status());
  return Parse(*std::move(text), path);
}

std::optional<uint32_t> InjectionFile::NextLine(uint32_t* cursor, uint32_t user_id,
                                                core::Random* random) const {
  const auto count = static_cast<uint32_t>(line_count());
  switch (order_) {
    case Order::kRandom:
      return static_cast<uint32_t>(random->Below(count));
    case Order::kUser:
      if (user_id == 0) return kNoLine;
      if (user_id > count) return std::nullopt;
      return user_id - 1;
    case Order::kSequential:
      break;
  }
  const uint32_t line = *cursor % count;
  *cursor = (line + 1) % count;
  return line;
}

std::optional<std::string_view> InjectionFile::Field(size_t line, size_t field) const {
  if (line >= line_count()) return std::nullopt;
  const Line& place = lines_[line % lines_.size()];
  std::string_view rest = std::string_view(text_).substr(place.at, place.size);
  for (; field > 0; --field) {
    const size_t next = rest.find(';');
    if (next == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(next + 1);
  }
  return rest.substr(0, rest.find(';'));
}

bool InjectionFile::WriteField(size_t line, size_t field, core::sip::TextWriter* out) const {
  const std::optional<std::string_view> found = Field(line, field);
  if (!found) return false;
  if (printf_lines_ == 0) {
    out->Append(*found);
    return true;
  }
  std::string_view rest = *found;
  while (!rest.empty()) {
    const size_t percent = rest.find('%');
    out->Append(rest.substr(0, percent));
    if (percent == std::string_view::npos) break;
    rest.remove_prefix(percent);
    const size_t size = ConversionSize(rest);
    if (size != 0) {
      WriteNumber(printf_offset_ + printf_multiple_ * static_cast<int64_t>(line),
                  rest.substr(0, size), out);
      rest.remove_prefix(size);
    } else {
      // "%%" is one, and a lone one stands for itself.
      out->Append('%');
      rest.remove_prefix(rest.size() > 1 && rest[1] == '%' ? 2 : 1);
    }
  }
  return true;
}

absl::Status InjectionFile::Index(size_t field) {
  index_.clear();
  for (uint32_t line = 0; line < line_count(); ++line) {
    const std::optional<std::string_view> key = Field(line, field);
    if (!key) {
      return absl::InvalidArgumentError(core::Concat("-infindex ", name_, " ", field, ": line ",
                                                     line, " of the file has no such field"));
    }
    index_.insert_or_assign(std::string(*key), line);
  }
  indexed_ = true;
  return absl::OkStatus();
}

std::optional<uint32_t> InjectionFile::Lookup(std::string_view key) const {
  const auto found = index_.find(key);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

absl::Status InjectionFiles::Add(std::unique_ptr<InjectionFile> file) {
  if (Find(file->name())) {
    return absl::InvalidArgumentError(
        core::Concat("-inf ", file->name(), ": given twice; wanted files of different base names"));
  }
  files_.push_back(std::move(file));
  return absl::OkStatus();
}

std::optional<size_t> InjectionFiles::Find(std::string_view name) const {
  for (size_t i = 0; i < files_.size(); ++i) {
    if (files_[i]->name() == name) return i;
  }
  return std::nullopt;
}

}  // namespace loadgen

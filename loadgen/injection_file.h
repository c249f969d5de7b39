#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/random.h"
#include "core/sip/text_writer.h"

namespace loadgen {

/// One `-inf` file: values for the calls, a line each, in fields that `;` separates.
///
/// The first line says how lines are handed out (SEQUENTIAL, RANDOM or USER) and, with PRINTF=n,
/// PRINTFMULTIPLE=m and PRINTFOFFSET=k, that n lines are made of the ones there are: in line i a
/// `%d` (or `%05d`) stands for k + m*i. `#` lines are skipped and the first empty line ends the
/// file, as SIPp has it.
///
/// Shape:    a regular file of at most kBytesMax bytes, and at most kLinesMax lines; a field has no
///           quoting, so no `;`.
/// Lifetime: owns its text. Fields are read, never changed.
/// Errors:   Parse() names file and line.
/// Thread:   built at start, then read by all; where the next line is, is the player's to keep.
class InjectionFile {
 public:
  static constexpr size_t kLinesMax = 10'000'000;
  static constexpr size_t kBytesMax = UINT32_MAX;
  static constexpr uint32_t kNoLine = UINT32_MAX;  // Its fields are empty.
  enum class Order : uint8_t { kSequential, kRandom, kUser };

  static absl::StatusOr<std::unique_ptr<InjectionFile>> Parse(std::string text,
                                                              std::string_view path);
  static absl::StatusOr<std::unique_ptr<InjectionFile>> Read(const std::string& path);

  Order order() const { return order_; }
  size_t line_count() const { return printf_lines_ != 0 ? printf_lines_ : lines_.size(); }
  const std::string& name() const { return name_; }  // The base name: what `file=` says.

  /// The line of the next call: `*cursor` is the caller's, and starts at 0. In USER order it is
  /// `user_id` - 1, which is nothing when the file has too few lines. A call of no user (0: without
  /// -users, or incoming) has kNoLine there, as in SIPp: `line=` may still name one.
  std::optional<uint32_t> NextLine(uint32_t* cursor, uint32_t user_id, core::Random* random) const;

  /// Appends a field. False, with nothing written, where line or field do not exist.
  bool WriteField(size_t line, size_t field, core::sip::TextWriter* out) const;
  /// The field's text as it stands in the file (PRINTF not applied); nothing when it is not there.
  std::optional<std::string_view> Field(size_t line, size_t field) const;

  /// `-infindex`: from then on Lookup() finds lines by this field.
  absl::Status Index(size_t field);
  bool indexed() const { return indexed_; }
  /// The line whose indexed field is `key`; the last of several.
  std::optional<uint32_t> Lookup(std::string_view key) const;

 private:
  struct Line {
    uint32_t at;
    uint32_t size;
  };

  absl::Status ReadFirstLine(std::string_view line);
  absl::Status CheckNumbers() const;

  std::string path_;
  std::string name_;
  std::string text_;
  std::vector<Line> lines_;
  std::map<std::string, uint32_t, std::less<>> index_;
  Order order_ = Order::kSequential;
  bool indexed_ = false;
  uint32_t printf_lines_ = 0;
  int64_t printf_offset_ = 0;
  int64_t printf_multiple_ = 1;
};

/// The run's injection files. The first is the one that `[field0]` without `file=` means.
class InjectionFiles {
 public:
  /// An error where a file of that base name is there already.
  absl::Status Add(std::unique_ptr<InjectionFile> file);
  /// Its index, which is also the place of its current line in RenderContext::injection_lines.
  std::optional<size_t> Find(std::string_view name) const;
  const InjectionFile& file(size_t index) const { return *files_[index]; }
  InjectionFile* mutable_file(size_t index) { return files_[index].get(); }
  size_t size() const { return files_.size(); }

 private:
  std::vector<std::unique_ptr<InjectionFile>> files_;
};

}  // namespace loadgen

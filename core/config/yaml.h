#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/config/diagnostics.h"

namespace core::config {

class Tree;

/// The whole numbers that a setting takes, both ends included.
struct Range {
  int64_t least = std::numeric_limits<int64_t>::min();
  int64_t most = std::numeric_limits<int64_t>::max();
};

/// The lengths of time that a setting takes, both ends included.
struct DurationRange {
  Duration least = Duration::zero();
  Duration most = std::chrono::hours(24 * 365);
};

/// A length of time as Value() reads it: "500ms", "4s".
std::string DurationText(Duration duration);

/// One word of an enumerated setting.
template <typename E>
struct EnumName {
  std::string_view name;
  E value;
};

/// One place in a configuration file, which knows its path and its line.
///
/// Value() and Read() are for a place of the right kind. What is wrong goes to the Diagnostics, as
/// `sbc.yaml:7: listeners[2].port: 70000 is outside 1..65535`, and the value keeps what it held:
/// the default. So a reader goes on, and all mistakes are told at once.
///
/// Lifetime: borrows the Document and the Diagnostics.
/// Thread:   the control thread's; this allocates as it likes.
class Node {
 public:
  const std::string& path() const { return path_; }
  bool is_map() const;
  bool is_list() const;
  bool is_scalar() const;
  /// The text of a scalar as it was written, without its quotes; empty for all else.
  std::string_view scalar() const;

  /// False, and an error, unless this is a map (a list).
  bool ExpectMap() const;
  bool ExpectList() const;

  /// The keys of a map in the order of the file; none for all else.
  std::vector<std::string_view> Keys() const;
  /// The value of `key`, if it is there. Whoever asks makes the key a known one.
  std::optional<Node> Find(std::string_view key) const;
  /// The same; an error when it is not there.
  std::optional<Node> Require(std::string_view key) const;
  /// The elements of a list; an error and none when this is something else.
  std::vector<Node> Items() const;
  /// An error for each key that nobody asked for, naming the nearest that somebody did.
  void RejectUnknownKeys() const;

  /// Reports on this place: its file, line and path, and then `text`.
  void Error(std::string_view text) const;
  void Warn(std::string_view text) const;
  /// Reports that the value here `is not` what was wanted. Always false.
  bool Wanted(std::string_view what) const;

  // Each is false, having said why, when this is not such a value.
  bool Value(std::string* value) const;                         // Not empty, no control characters.
  bool Value(bool* value) const;                                // true or false
  bool Value(Duration* value, DurationRange range = {}) const;  // "500ms", "4s", "5m", "1h"
  bool Value(IpAddress* value) const;
  bool Value(Cidr* value) const;  // Host bits must be zero: who set one meant another block.
  template <std::integral T>
  bool Value(T* value, Range range = {}) const {
    constexpr int64_t kLeast = static_cast<int64_t>(std::numeric_limits<T>::min());
    constexpr int64_t kMost = std::in_range<int64_t>(std::numeric_limits<T>::max())
                                  ? static_cast<int64_t>(std::numeric_limits<T>::max())
                                  : std::numeric_limits<int64_t>::max();
    int64_t wide = 0;
    if (!WholeNumber({std::max(range.least, kLeast), std::min(range.most, kMost)}, &wide)) {
      return false;
    }
    *value = static_cast<T>(wide);
    return true;
  }
  template <typename E>
  requires std::is_enum_v<E>
  bool Value(E* value, std::span<const EnumName<E>> names) const {
    std::vector<std::string_view> words;
    for (const EnumName<E>& name : names) {
      if (is_scalar() && scalar() == name.name) {
        *value = name.value;
        return true;
      }
      words.push_back(name.name);
    }
    return WantedOneOf(words);
  }
  template <typename T>
  bool Value(std::optional<T>* value) const {
    T inner{};
    if (!Value(&inner)) return false;
    *value = inner;
    return true;
  }
  /// A list; `*value` is replaced as a whole.
  template <typename T, typename... Args>
  bool Value(std::vector<T>* value, const Args&... args) const {
    if (!ExpectList()) return false;
    bool ok = true;
    std::vector<T> list;
    for (const Node& item : Items()) {
      T element{};
      ok = item.Value(&element, args...) && ok;
      list.push_back(std::move(element));
    }
    if (ok) *value = std::move(list);
    return ok;
  }

  /// Value() of the key where it is there, else the default stays.
  template <typename T, typename... Args>
  void Read(std::string_view key, T* value, const Args&... args) const {
    if (const std::optional<Node> child = Find(key)) (void)child->Value(value, args...);
  }

 private:
  friend class Document;
  Node(Tree* tree, uint32_t item, int line, std::string path, Diagnostics* diagnostics)
      : tree_(tree), item_(item), line_(line), path_(std::move(path)), diagnostics_(diagnostics) {}

  bool WholeNumber(Range range, int64_t* value) const;
  bool WantedOneOf(const std::vector<std::string_view>& words) const;  // Always false.
  std::string Place() const;
  std::string Shown() const;

  Tree* tree_;
  uint32_t item_;
  int line_;
  std::string path_;
  Diagnostics* diagnostics_;
};

/// A YAML file (so pasted JSON, trailing commas and all, is one too), wholly in memory.
///
/// Shape:    at most kBytesMax of text, kDepthMax levels and, aliases counted as often as they are
///           used, kItemsMax items; one document; no key twice in a map, none over kKeyBytesMax.
/// Lifetime: owns what its Nodes borrow.
/// Errors:   one message with file, line and column, when the text is not such a file.
class Document {
 public:
  static constexpr size_t kBytesMax = 1 << 20;
  static constexpr size_t kItemsMax = 100'000;
  static constexpr int kDepthMax = 32;
  static constexpr size_t kKeyBytesMax = 128;  // Room to quote one in an error; YAML ends at 1,024.

  /// `name` is what errors call the file; `root_path` is where the document hangs in a larger one.
  static absl::StatusOr<Document> Parse(std::string_view text, std::string name,
                                        std::string root_path = "");
  static absl::StatusOr<Document> Load(const std::string& file, std::string root_path = "");

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Node root(Diagnostics* diagnostics) const;

 private:
  explicit Document(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

}  // namespace core::config

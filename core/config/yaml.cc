// The one file that catches exceptions: yaml-cpp throws them. Here, too, is its only use; beyond
// Document::Parse() there are only our own trees.

#include "core/config/yaml.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/base/concat.h"
#include "core/config/tree.h"

namespace core::config {
namespace {

// What a Builder throws through yaml-cpp's parser to leave it.
struct Refusal {
  YAML::Mark mark;
  std::string text;
};

/// Builds a Tree from yaml-cpp's events, within the limits of Document.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(Tree* tree) : tree_(tree) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) throw Refusal{mark, "a second document; one is wanted"};
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Remember(anchor, Add(mark, Tree::Kind::kNull));
    Leave(mark, 1);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (TakeKey(mark, value)) return;
    // yaml-cpp says "?" of a plain scalar and "!" of a quoted one: "" is text, nothing is nothing.
    const bool null = tag == "?" && (value.empty() || value == "~" || value == "null");
    const uint32_t item = Add(mark, null ? Tree::Kind::kNull : Tree::Kind::kScalar);
    tree_->items[item].scalar = value;
    Remember(anchor, item);
    Leave(mark, 1);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end() || found->second.height == 0) {
      throw Refusal{mark, "an alias of what it stands in"};
    }
    const Anchor& target = found->second;
    Count(mark, target.expanded);
    Attach(mark, target.item);
    Leave(mark, target.height);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Enter(mark, Tree::Kind::kList, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Enter(mark, Tree::Kind::kMap, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Anchor {
    uint32_t item = 0;
    size_t expanded = 0;  // Items, with those of its aliases counted again.
    int height = 0;       // Levels; 0 while it is still open.
  };
  struct Frame {
    uint32_t item = 0;
    YAML::anchor_t anchor = 0;
    YAML::Mark mark;
    size_t count_before = 0;
    int height = 1;
    bool has_key = false;
    std::string key;
    int key_line = 0;
  };

  // Takes a scalar as the key that the innermost map waits for, if it does.
  bool TakeKey(const YAML::Mark& mark, const std::string& value) {
    if (frames_.empty()) return false;
    Frame& frame = frames_.back();
    if (tree_->items[frame.item].kind != Tree::Kind::kMap || frame.has_key) return false;
    if (value.size() > Document::kKeyBytesMax) {
      throw Refusal{mark, Concat("a key longer than ", Document::kKeyBytesMax, " bytes")};
    }
    if (tree_->FindChild(frame.item, value) != nullptr) {
      throw Refusal{mark, Concat("the key ", value, " is there twice")};
    }
    Count(mark, 1);
    frame.has_key = true;
    frame.key = value;
    frame.key_line = mark.line + 1;
    return true;
  }

  void Count(const YAML::Mark& mark, size_t items) {
    count_ += items;
    if (count_ > Document::kItemsMax) {
      throw Refusal{mark, Concat("more than ", Document::kItemsMax,
                                 " values, aliases counted as often as they are used")};
    }
  }

  uint32_t Add(const YAML::Mark& mark, Tree::Kind kind) {
    Count(mark, 1);
    const auto item = static_cast<uint32_t>(tree_->items.size());
    tree_->items.push_back({});
    tree_->items[item].kind = kind;
    tree_->items[item].line = mark.line + 1;
    Attach(mark, item);
    return item;
  }

  void Attach(const YAML::Mark& mark, uint32_t item) {
    if (frames_.empty()) return;
    Frame& frame = frames_.back();
    Tree::Item& parent = tree_->items[frame.item];
    if (parent.kind == Tree::Kind::kMap) {
      if (!frame.has_key) throw Refusal{mark, "a key that is not a plain word"};
      parent.children.push_back({std::move(frame.key), frame.key_line, item});
      frame.has_key = false;
    } else {
      parent.children.push_back({"", mark.line + 1, item});
    }
  }

  // A value of `height` levels has gone into the innermost frame.
  void Leave(const YAML::Mark& mark, int height) {
    if (static_cast<int>(frames_.size()) + height > Document::kDepthMax) {
      throw Refusal{mark, Concat("more than ", Document::kDepthMax, " levels deep")};
    }
    if (!frames_.empty()) frames_.back().height = std::max(frames_.back().height, height + 1);
  }

  void Enter(const YAML::Mark& mark, Tree::Kind kind, YAML::anchor_t anchor) {
    const size_t before = count_;
    const uint32_t item = Add(mark, kind);
    if (anchor != 0) anchors_[anchor] = {};
    Frame frame;
    frame.item = item;
    frame.anchor = anchor;
    frame.mark = mark;
    frame.count_before = before;
    frames_.push_back(std::move(frame));
    Leave(mark, 0);
  }

  void Close() {
    const Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.anchor != 0) {
      anchors_[frame.anchor] = {frame.item, count_ - frame.count_before, frame.height};
    }
    Leave(frame.mark, frame.height);
  }

  void Remember(YAML::anchor_t anchor, uint32_t item) {
    if (anchor != 0) anchors_[anchor] = {item, 1, 1};
  }

  Tree* tree_;
  std::vector<Frame> frames_;
  absl::flat_hash_map<YAML::anchor_t, Anchor> anchors_;
  size_t count_ = 0;
  bool started_ = false;
};

constexpr std::string_view kBlanks = " \t\r";

// What Amazon's tools print begins at the margin, and there YAML takes no value of a key that is
// itself indented. So an opening bracket in the line after a bare `key:` is moved to the right of
// that key: how the rest is indented says nothing to YAML, up to the closing bracket.
std::string IndentPastedJson(std::string_view text) {
  std::string out;
  size_t value_column = 0;  // Where the value of the line before may begin; 0: it has one.
  while (!text.empty()) {
    const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(size);
    const size_t begin = line.find_first_not_of(' ');
    const std::string_view content = line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
    if (content.empty()) {
      out += line;
      continue;
    }
    const bool opens = line[begin] == '{' || line[begin] == '[';
    if (opens && begin < value_column) out.append(value_column - begin, ' ');
    out += line;
    // Past the dashes of a list, as in `- termination:`.
    value_column = content.back() == ':' ? content.find_first_not_of(" -") + 1 : 0;
  }
  return out;
}

// What yaml-cpp says of a wrong indentation is about its parser; an operator needs the place.
std::string_view IndentationHint(std::string_view text, const YAML::Mark& mark,
                                 std::string_view said) {
  for (int line = 0; line < mark.line && !text.empty(); ++line) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string_view indent = line.substr(0, line.find_first_not_of(kBlanks));
  if (indent.find('\t') != std::string_view::npos) {
    return ": a tab indents this line, and YAML wants spaces";
  }
  if (said == YAML::ErrorMsg::END_OF_MAP || said == YAML::ErrorMsg::END_OF_SEQ ||
      said == YAML::ErrorMsg::MAP_VALUE) {
    return ": this line, or one above it, is indented otherwise than its neighbours";
  }
  return "";
}

absl::Status Refused(const std::string& name, const YAML::Mark& mark, std::string_view text) {
  return absl::InvalidArgumentError(
      Concat(name, ":", mark.line + 1, ":", mark.column + 1, ": ", text));
}

absl::Status Fill(const std::string& text, Tree* tree) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Builder builder(tree);
    while (parser.HandleNextDocument(builder)) {
    }
    return absl::OkStatus();
  } catch (const Refusal& refusal) {
    return Refused(tree->name, refusal.mark, refusal.text);
  } catch (const YAML::Exception& error) {
    return Refused(tree->name, error.mark,
                   Concat("not YAML: ", error.msg, IndentationHint(text, error.mark, error.msg)));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(Concat(tree->name, ": not YAML: ", error.what()));
  }
}

}  // namespace

absl::StatusOr<Document> Document::Parse(std::string_view text, std::string name,
                                         std::string root_path) {
  auto tree = std::make_unique<Tree>();
  tree->name = std::move(name);
  tree->root_path = std::move(root_path);
  if (text.size() > kBytesMax) {
    return absl::InvalidArgumentError(Concat(tree->name, ": larger than ", kBytesMax, " bytes"));
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return absl::InvalidArgumentError(Concat(tree->name, ": not text: a zero byte at ", nul));
  }
  const absl::Status filled = Fill(IndentPastedJson(text), tree.get());
  if (!filled.ok()) return filled;
  if (tree->items.empty()) return absl::InvalidArgumentError(Concat(tree->name, ": empty"));
  return Document(std::move(tree));
}

absl::StatusOr<Document> Document::Load(const std::string& file, std::string root_path) {
  const auto failed = [&file] {
    return absl::NotFoundError(Concat("cannot read ", file, ": ", std::strerror(errno)));
  };
  // Without waiting: a pipe that nobody writes to would hold the control thread for ever.
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return failed();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(fdopen(descriptor, "rb"),
                                                               &std::fclose);
  if (stream == nullptr) {
    (void)close(descriptor);
    return failed();
  }
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) return failed();
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    return failed();
  }
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(Concat("cannot read ", file, ": it is not a regular file"));
  }
  std::string text(kBytesMax + 1, '\0');  // One more than is allowed tells "too large" from "just".
  const size_t size = std::fread(text.data(), 1, text.size(), stream.get());
  if (std::ferror(stream.get()) != 0) return failed();
  text.resize(size);
  return Parse(text, file, std::move(root_path));
}

Document::Document(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Node Document::root(Diagnostics* diagnostics) const {
  return Node(tree_.get(), 0, tree_->items[0].line, tree_->root_path, diagnostics);
}

}  // namespace core::config

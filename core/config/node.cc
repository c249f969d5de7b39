#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/concat.h"
#include "core/config/tree.h"
#include "core/config/yaml.h"

namespace core::config {
namespace {

char Lower(char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); }

// The number of letters to change, add, drop, or swap with the next one, between two words
// (Damerau's distance, in its restricted form).
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = Lower(a[i - 1]) == Lower(b[j - 1]);
      row[j] = std::min({above[j - 1] + (same ? 0 : 1), above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
                           Lower(a[i - 2]) == Lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

// The known word that `word` was probably meant to be; empty when none is near.
std::string_view Nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr size_t kWordMax = 64;  // Longer ones are noise, and the distance is quadratic.
  if (word.size() > kWordMax) return {};
  std::string_view nearest;
  size_t least = 1 + std::max<size_t>(1, word.size() / 3);
  for (const std::string& candidate : known) {
    const size_t distance = Distance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

bool IsKeyWord(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array<Unit, 5> kUnits = {{
    {"us", std::chrono::microseconds(1)},  // A latency budget may be less than a millisecond.
    {"ms", std::chrono::milliseconds(1)},
    {"s", std::chrono::seconds(1)},
    {"m", std::chrono::minutes(1)},
    {"h", std::chrono::hours(1)},
}};

}  // namespace

std::string DurationText(Duration duration) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (duration >= unit->length && duration % unit->length == Duration::zero()) {
      return Concat(duration / unit->length, unit->name);
    }
  }
  return "0s";
}

bool Node::is_map() const { return tree_->items[item_].kind == Tree::Kind::kMap; }
bool Node::is_list() const { return tree_->items[item_].kind == Tree::Kind::kList; }
bool Node::is_scalar() const { return tree_->items[item_].kind == Tree::Kind::kScalar; }
std::string_view Node::scalar() const {
  return is_scalar() ? std::string_view(tree_->items[item_].scalar) : std::string_view();
}

bool Node::ExpectMap() const { return is_map() || Wanted("a map of keys and values"); }
bool Node::ExpectList() const { return is_list() || Wanted("a list"); }

std::vector<std::string_view> Node::Keys() const {
  std::vector<std::string_view> keys;
  if (!is_map()) return keys;
  for (const Tree::Child& child : tree_->items[item_].children) keys.push_back(child.key);
  return keys;
}

std::optional<Node> Node::Find(std::string_view key) const {
  Tree::Item& item = tree_->items[item_];
  if (std::find(item.asked.begin(), item.asked.end(), key) == item.asked.end()) {
    item.asked.emplace_back(key);
  }
  const Tree::Child* child = tree_->FindChild(item_, key);
  if (child == nullptr) return std::nullopt;
  return Node(tree_, child->item, child->line,
              path_.empty() ? std::string(key) : Concat(path_, ".", key), diagnostics_);
}

std::optional<Node> Node::Require(std::string_view key) const {
  std::optional<Node> child = Find(key);
  if (!child) Error(Concat("`", key, "` is missing"));
  return child;
}

std::vector<Node> Node::Items() const {
  std::vector<Node> nodes;
  if (!ExpectList()) return nodes;
  const std::vector<Tree::Child>& children = tree_->items[item_].children;
  for (size_t i = 0; i < children.size(); ++i) {
    nodes.push_back(
        Node(tree_, children[i].item, children[i].line, Concat(path_, "[", i, "]"), diagnostics_));
  }
  return nodes;
}

void Node::RejectUnknownKeys() const {
  Tree::Item& item = tree_->items[item_];
  for (const Tree::Child& child : item.children) {
    if (std::find(item.asked.begin(), item.asked.end(), child.key) != item.asked.end()) continue;
    const std::string key =
        IsKeyWord(child.key) ? child.key : Concat("\"", Escape(child.key), "\"");
    const std::string path = path_.empty() ? key : Concat(path_, ".", key);
    const Node place(tree_, child.item, child.line, path, diagnostics_);
    const std::string_view nearest = Nearest(child.key, item.asked);
    place.Error(nearest.empty() ? Concat("no such key; known are ", Join(item.asked, ", ", " and "))
                                : Concat("no such key; did you mean `", nearest, "`?"));
  }
  item.asked.clear();  // An alias may bring another reader here, with other keys.
}

void Node::Error(std::string_view text) const { diagnostics_->AddError(Concat(Place(), text)); }
void Node::Warn(std::string_view text) const { diagnostics_->AddWarning(Concat(Place(), text)); }

std::string Node::Place() const {
  const std::string place = Concat(tree_->name, ":", line_, ": ");
  return path_.empty() ? place : Concat(place, path_, ": ");
}

// The value as an error quotes it.
std::string Node::Shown() const {
  constexpr size_t kShownMax = 60;
  switch (tree_->items[item_].kind) {
    case Tree::Kind::kNull:
      return "nothing";
    case Tree::Kind::kList:
      return "a list";
    case Tree::Kind::kMap:
      return "a map";
    case Tree::Kind::kScalar:
      break;
  }
  const std::string_view text = scalar();
  if (text.empty()) return "\"\"";
  return text.size() <= kShownMax ? Escape(text) : Concat(Escape(text.substr(0, kShownMax)), "...");
}

bool Node::Wanted(std::string_view what) const {
  Error(Concat(Shown(), " is not ", what));
  return false;
}

bool Node::WantedOneOf(const std::vector<std::string_view>& words) const {
  return Wanted(Join(words, ", ", " or "));
}

bool Node::WholeNumber(Range range, int64_t* value) const {
  const std::string_view text = scalar();
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || stop != end || error == std::errc::invalid_argument) {
    return Wanted("a whole number");
  }
  if (error != std::errc() || number < range.least || number > range.most) {
    Error(Concat(Shown(), " is outside ", range.least, "..", range.most));
    return false;
  }
  *value = number;
  return true;
}

bool Node::Value(std::string* value) const {
  const std::string_view text = scalar();
  if (text.empty()) return Wanted("text");
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return Wanted("text without control characters");
  }
  *value = std::string(text);
  return true;
}

bool Node::Value(bool* value) const {
  if (!is_scalar() || (scalar() != "true" && scalar() != "false")) return Wanted("true or false");
  *value = scalar() == "true";
  return true;
}

bool Node::Value(Duration* value, DurationRange range) const {
  const std::string_view text = scalar();
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(stop, static_cast<size_t>(end - stop));
  const auto found = std::find_if(kUnits.begin(), kUnits.end(),
                                  [unit](const Unit& known) { return known.name == unit; });
  if (text.empty() || error == std::errc::invalid_argument || found == kUnits.end()) {
    return Wanted("a duration, such as 500ms, 4s, 5m or 1h");
  }
  // Divided rather than multiplied, so that no number overflows.
  if (error != std::errc() || number > range.most / found->length ||
      number * found->length < range.least) {
    Error(
        Concat(Shown(), " is outside ", DurationText(range.least), "..", DurationText(range.most)));
    return false;
  }
  *value = number * found->length;
  return true;
}

bool Node::Value(IpAddress* value) const {
  return (is_scalar() && IpAddress::Parse(scalar(), value)) || Wanted("an IPv4 or IPv6 address");
}

bool Node::Value(Cidr* value) const {
  Cidr cidr;
  if (!is_scalar() || !Cidr::Parse(scalar(), &cidr)) {
    return Wanted("a block of addresses, such as 3.80.16.0/23");
  }
  IpAddress written;
  CHECK(IpAddress::Parse(scalar().substr(0, scalar().find('/')), &written));
  if (written != cidr.first()) {
    const Cidr::Text block = cidr.text();
    const Cidr::Text host = Cidr(written).text();
    Error(Concat(Shown(), " is not where a block begins: ", block.view(), " or ", host.view(),
                 " is wanted"));
    return false;
  }
  *value = cidr;
  return true;
}

}  // namespace core::config

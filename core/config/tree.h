#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace core::config {

/// A parsed file: what core/config/yaml.cc builds and Node walks. An alias is a second reference to
/// one item, so a file that multiplies itself by aliases costs no memory.
class Tree {
 public:
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };

  struct Child {
    std::string key;  // Empty in a list.
    int line = 0;     // Of the key, or of the element.
    uint32_t item = 0;
  };
  struct Item {
    Kind kind = Kind::kNull;
    int line = 0;
    std::string scalar;
    std::vector<Child> children;
    std::vector<std::string> asked;  // The keys that a reader has looked for.
  };

  const Child* FindChild(uint32_t item, std::string_view key) const {
    for (const Child& child : items[item].children) {
      if (child.key == key) return &child;
    }
    return nullptr;
  }

  std::string name;
  std::string root_path;
  std::vector<Item> items;  // The root is the first.
};

}  // namespace core::config

// Whatever Parse() accepts is a tree within its limits, which written as JSON is accepted again and
// means the same; and every reader of a value either takes it or reports one error.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "core/config/yaml.h"

namespace {

using core::config::Diagnostics;
using core::config::Document;
using core::config::Node;

std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Bytes above ASCII are UTF-8 and stay; \xNN would name a character, not a byte.
    quoted += byte >= 0x80 ? std::string(1, c) : c == '"' ? "\\\"" : core::Escape({&c, 1});
  }
  return quoted + "\"";
}

void Write(const Node& node, int depth, size_t* count, std::string* json) {
  CHECK(depth <= Document::kDepthMax && ++*count <= Document::kItemsMax);
  if (node.is_scalar()) {
    *json += Quote(node.scalar());
  } else if (node.is_list()) {
    *json += "[";
    for (const Node& item : node.Items()) {
      Write(item, depth + 1, count, json);
      *json += ",";
    }
    *json += "]";
  } else if (node.is_map()) {
    *json += "{";
    for (const std::string_view key : node.Keys()) {
      *json += Quote(key) + ": ";
      Write(*node.Find(key), depth + 1, count, json);
      *json += ",";
    }
    *json += "}";
  } else {
    *json += "~";
  }
}

template <typename T>
void ReadAs(const Document& document) {
  Diagnostics diagnostics;
  T value{};
  const bool taken = document.root(&diagnostics).Value(&value);
  CHECK(taken == diagnostics.ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  const absl::StatusOr<Document> first = Document::Parse({exact.get(), size}, "fuzz");
  if (!first.ok()) {
    CHECK(!first.status().message().empty());
    return 0;
  }
  Diagnostics diagnostics;
  std::string json;
  size_t count = 0;
  Write(first->root(&diagnostics), 1, &count, &json);
  if (json.size() > Document::kBytesMax) return 0;
  const absl::StatusOr<Document> second = Document::Parse(json, "fuzz");
  CHECK(second.ok());
  std::string again;
  count = 0;
  Write(second->root(&diagnostics), 1, &count, &again);
  CHECK(json == again && diagnostics.ok());

  first->root(&diagnostics).RejectUnknownKeys();
  ReadAs<std::string>(*first);
  ReadAs<bool>(*first);
  ReadAs<uint16_t>(*first);
  ReadAs<int64_t>(*first);
  ReadAs<core::Duration>(*first);
  ReadAs<core::IpAddress>(*first);
  ReadAs<core::Cidr>(*first);
  return 0;
}

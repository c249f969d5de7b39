#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace loadgen {

class XmlDocument;

/// One element of an XmlDocument.
///
/// Lifetime: borrows the document.
class XmlElement {
 public:
  XmlElement() = default;
  explicit operator bool() const { return static_cast<bool>(node_); }
  std::string_view name() const { return node_.name(); }
  /// Of its first character in the file, from 1.
  int line() const;
  /// The attribute's value, entities resolved.
  std::optional<std::string_view> Attribute(const char* name) const;
  std::vector<std::string_view> AttributeNames() const;
  /// The first element inside, and the next one beside it; false at the end.
  XmlElement FirstChild() const;
  XmlElement Next() const;
  /// The text of its first CDATA section; nothing without one.
  std::optional<std::string_view> Cdata() const;

 private:
  friend class XmlDocument;
  XmlElement(const XmlDocument* document, pugi::xml_node node) : document_(document), node_(node) {}
  const XmlDocument* document_ = nullptr;
  pugi::xml_node node_;
};

/// A scenario file as a tree: repaired (xml_repair.h), then read by pugixml.
///
/// Errors: Parse() names the file and the line.
/// Thread: start only.
class XmlDocument {
 public:
  static absl::StatusOr<std::unique_ptr<XmlDocument>> Parse(std::string_view text,
                                                            std::string_view file_name);

  XmlElement root() const;
  const std::string& file_name() const { return file_name_; }
  /// False where the file ends before its root does.
  bool root_is_closed() const { return root_is_closed_; }

 private:
  friend class XmlElement;
  int LineAt(ptrdiff_t offset) const;

  std::string file_name_;
  bool root_is_closed_ = false;
  std::vector<ptrdiff_t> line_ends_;
  pugi::xml_document document_;
};

}  // namespace loadgen

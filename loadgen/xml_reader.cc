#include "loadgen/xml_reader.h"

#include <algorithm>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/xml_repair.h"

namespace loadgen {
namespace {

pugi::xml_node FirstElement(pugi::xml_node node) {
  while (node && node.type() != pugi::node_element) node = node.next_sibling();
  return node;
}

}  // namespace

int XmlElement::line() const { return document_->LineAt(node_.offset_debug()); }

std::optional<std::string_view> XmlElement::Attribute(const char* name) const {
  const pugi::xml_attribute attribute = node_.attribute(name);
  if (!attribute) return std::nullopt;
  return attribute.value();
}

std::vector<std::string_view> XmlElement::AttributeNames() const {
  std::vector<std::string_view> names;
  for (const pugi::xml_attribute attribute : node_.attributes()) names.push_back(attribute.name());
  return names;
}

XmlElement XmlElement::FirstChild() const { return {document_, FirstElement(node_.first_child())}; }

XmlElement XmlElement::Next() const { return {document_, FirstElement(node_.next_sibling())}; }

std::optional<std::string_view> XmlElement::Cdata() const {
  for (const pugi::xml_node child : node_.children()) {
    if (child.type() == pugi::node_cdata) return child.value();
  }
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<XmlDocument>> XmlDocument::Parse(std::string_view text,
                                                                std::string_view file_name) {
  absl::StatusOr<RepairedXml> repaired = RepairXml(text, file_name);
  RETURN_IF_ERROR(repaired.status());
  auto document = std::make_unique<XmlDocument>();
  document->file_name_ = std::string(file_name);
  document->root_is_closed_ = repaired->root_is_closed;
  const std::string& whole = repaired->text;
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == '\n') document->line_ends_.push_back(static_cast<ptrdiff_t>(i));
  }
  // SIP is bytes: whatever encoding the file declares, its bytes are what is sent. UTF-8 is
  // pugixml's word for leaving them alone.
  const pugi::xml_parse_result result = document->document_.load_buffer(
      whole.data(), whole.size(), pugi::parse_cdata | pugi::parse_escapes, pugi::encoding_utf8);
  if (!result) {
    return absl::InvalidArgumentError(core::Concat(file_name, ":", document->LineAt(result.offset),
                                                   ": not XML: ", result.description()));
  }
  return document;
}

XmlElement XmlDocument::root() const { return {this, FirstElement(document_.first_child())}; }

int XmlDocument::LineAt(ptrdiff_t offset) const {
  const auto before = std::lower_bound(line_ends_.begin(), line_ends_.end(), offset);
  return static_cast<int>(before - line_ends_.begin()) + 1;
}

}  // namespace loadgen

#include "core/sip/list_reader.h"

#include "core/sip/cursor.h"
#include "core/sip/message.h"

namespace core::sip {
namespace {

// The size of the first value of a comma list. Quotes and brackets that never close take the rest.
size_t FirstValueSize(std::string_view list) {
  Cursor in(list);
  while (true) {
    in.TakeAll(kListChar);
    std::string_view inside;
    if (in.Peek() == '"') {
      if (!in.TakeQuoted(&inside)) return list.size();
    } else if (in.Peek() == '<') {
      in.TakeUntil('>');
    } else {
      break;  // A comma, or the end.
    }
  }
  return list.size() - in.rest().size();
}

}  // namespace

ListReader::ListReader(const Message& message, HeaderId id)
    : message_(&message), next_line_(message.FirstIndex(id)) {}

ListReader::ListReader(std::string_view line)
    : next_line_(Message::kNone), rest_(Trim(line)), in_line_(!rest_.empty()) {}

bool ListReader::Next(std::string_view* value) {
  while (!in_line_) {
    if (next_line_ == Message::kNone) return false;
    rest_ = message_->header(next_line_).value;
    next_line_ = message_->NextIndex(next_line_);
    in_line_ = !rest_.empty();  // An empty line is an empty list: `Supported:` (§20.37).
  }
  const size_t size = FirstValueSize(rest_);
  *value = Trim(rest_.substr(0, size));
  in_line_ = size < rest_.size();
  rest_.remove_prefix(in_line_ ? size + 1 : size);
  return true;
}

}  // namespace core::sip

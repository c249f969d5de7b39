#include "tests/support/sim_message.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace tests {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

}  // namespace

bool SimMessage::Parse(std::string_view text, SimMessage* message) {
  *message = {};
  message->text = std::string(text);
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  message->body = std::string(text.substr(end + 4));
  std::string_view head = text.substr(0, end + 2);
  for (bool first = true; !head.empty(); first = false) {
    const size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    head.remove_prefix(line_end + 2);
    if (first) {
      message->start_line = std::string(line);
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    message->fields.push_back({Trim(line.substr(0, colon)), Trim(line.substr(colon + 1))});
  }
  return !message->start_line.empty();
}

std::string SimMessage::method() const {
  if (is_request()) return start_line.substr(0, start_line.find(' '));
  const std::string cseq = Get("CSeq");
  const size_t space = cseq.find_last_of(' ');
  return space == std::string::npos ? "" : cseq.substr(space + 1);
}

std::string SimMessage::uri() const {
  const size_t begin = start_line.find(' ') + 1;
  return start_line.substr(begin, start_line.rfind(' ') - begin);
}

int SimMessage::status() const { return is_request() ? 0 : std::atoi(start_line.c_str() + 8); }

uint32_t SimMessage::sequence() const {
  return static_cast<uint32_t>(std::strtoul(Get("CSeq").c_str(), nullptr, 10));
}

std::vector<std::string> SimMessage::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const Field& field : fields) {
    if (Lower(field.name) == Lower(name)) values.push_back(field.value);
  }
  return values;
}

std::string SimMessage::Get(std::string_view name) const {
  const std::vector<std::string> values = All(name);
  return values.empty() ? "" : values.front();
}

bool SimMessage::Lists(std::string_view name, std::string_view token) const {
  for (const std::string& value : All(name)) {
    for (size_t at = 0; at <= value.size();) {
      const size_t comma = std::min(value.find(',', at), value.size());
      if (Lower(Trim(value.substr(at, comma - at))) == Lower(token)) return true;
      at = comma + 1;
    }
  }
  return false;
}

std::string SimMessage::Branch() const { return ParameterOf(Get("Via"), "branch"); }

std::string SimMessage::Tag(std::string_view field) const {
  const std::string value = Get(field);
  const size_t bracket = value.find('>');
  return ParameterOf(bracket == std::string::npos ? value : value.substr(bracket), "tag");
}

std::string SimMessage::ContactUri() const { return UriOf(Get("Contact")); }

std::string UriOf(std::string_view name_addr) {
  const size_t open = name_addr.find('<');
  if (open == std::string_view::npos) return Trim(name_addr.substr(0, name_addr.find(';')));
  return std::string(name_addr.substr(open + 1, name_addr.find('>') - open - 1));
}

std::string ParameterOf(std::string_view field, std::string_view name) {
  const std::string wanted = ";" + std::string(name) + "=";
  const size_t at = field.find(wanted);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = field.substr(at + wanted.size());
  return std::string(rest.substr(0, rest.find_first_of(";,> \t")));
}

}  // namespace tests

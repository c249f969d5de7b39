#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

/// A SIP message as a scripted peer reads it: whole lines, found by their names, by nobody's parser
/// but these few lines, so that a fault of ours is not read as we wrote it.
struct SimMessage {
  std::string start_line;
  struct Field {
    std::string name;
    std::string value;
  };
  std::vector<Field> fields;
  std::string body;
  std::string text;  // All of it.

  /// False where it has no start line or no empty line.
  static bool Parse(std::string_view text, SimMessage* message);

  bool is_request() const { return start_line.rfind("SIP/2.0 ", 0) != 0; }
  std::string method() const;  // Of the request, or of a response's CSeq.
  std::string uri() const;     // Of a request.
  int status() const;          // Of a response; 0 in a request.
  uint32_t sequence() const;   // Of CSeq.

  std::string Get(std::string_view name) const;  // The first value, or "".
  std::vector<std::string> All(std::string_view name) const;
  bool Has(std::string_view name) const { return !All(name).empty(); }
  /// True where the comma list `name` holds `token`.
  bool Lists(std::string_view name, std::string_view token) const;
  std::string Branch() const;                     // Of the top Via.
  std::string Tag(std::string_view field) const;  // Of From or To.
  std::string ContactUri() const;
  std::string call_id() const { return Get("Call-ID"); }
  friend void PrintTo(const SimMessage& message, std::ostream* out) { *out << message.text; }
};

/// What stands between the angle brackets, or the value up to its parameters.
std::string UriOf(std::string_view name_addr);
/// The value of `;name=` in a field, or "".
std::string ParameterOf(std::string_view field, std::string_view name);

}  // namespace tests

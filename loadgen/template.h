#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/sip/header_id.h"
#include "core/sip/method.h"
#include "loadgen/injection_file.h"
#include "loadgen/keyword.h"
#include "loadgen/render_context.h"
#include "loadgen/variables.h"

namespace loadgen {

/// What a template's words may refer to.
///
/// Lifetime: borrows all of it. The injection files must outlive the templates.
struct TemplateScope {
  VariableTable* variables = nullptr;
  const InjectionFiles* injections = nullptr;
  const std::map<std::string, std::string, std::less<>>* keys = nullptr;  // -key name value.
  int line = 0;  // Of the element in its file, for the variable table.
};

/// A text with SIPp's keywords, compiled once into literals and expansions.
///
/// `\n` becomes CRLF and `\xHH` any byte. A literal behind [routes], [$v], [fieldN] or [last_X]
/// that left the output at the start of a line loses the blanks and the line end it begins with, so
/// that an optional header field leaves no empty line. (SIPp drops all white space there, and with
/// it the empty line in front of a body; we drop one line end.)
///
/// Shape:    at most kSegmentsMax stretches, kLensMax times [len] and one [authentication].
/// Errors:   Compile() names the keyword and what was wanted.
/// Thread:   built at start, then rendered by all workers.
class MessageTemplate {
 public:
  static constexpr size_t kSegmentsMax = 4096;
  static constexpr size_t kLensMax = 4;
  static constexpr size_t kKeywordMax = 256;
  static constexpr size_t kDepthMax = 3;  // Templates inside keywords inside templates.

  struct Segment {
    Keyword keyword = Keyword::kLiteral;
    bool ends_headers = false;  // A literal with the first empty line of the template.
    VariableScope scope = VariableScope::kCall;
    core::sip::HeaderId header = core::sip::HeaderId::kUnknown;
    uint16_t variable = 0;
    int32_t offset = 0;  // Of [keyword+n]; in a literal, where the empty line begins.
    uint32_t at = 0;     // In text_: the literal, or the name in [last_name].
    uint32_t size = 0;
    uint32_t extra = 0;  // In fields_ or authentications_.
  };

  /// A text of any kind: of <log>, of <assignstr>, of a keyword's parameter.
  static absl::StatusOr<MessageTemplate> Compile(std::string_view text, const TemplateScope& scope);

  MessageTemplate() = default;
  MessageTemplate(MessageTemplate&&) = default;
  MessageTemplate& operator=(MessageTemplate&&) = default;

  /// The bytes written; 0 where `out` is too small for all of them (and for the line end of an
  /// [authentication] that its Authenticator leaves empty).
  size_t Render(const RenderContext& context, std::span<char> out) const;
  /// The same as the method of an [authentication] in it. (A plain text has none.)
  size_t Render(const RenderContext& context, std::string_view method, std::span<char> out) const;

  std::span<const Segment> segments() const { return segments_; }
  /// The text of a literal, or the header name of a [last_X].
  std::string_view text(const Segment& segment) const {
    return std::string_view(text_).substr(segment.at, segment.size);
  }

 private:
  friend class TemplateCompiler;
  friend class TemplateRenderer;

  struct Field {
    size_t file = 0;
    const InjectionFile* source = nullptr;
    size_t field = 0;
    std::unique_ptr<MessageTemplate> line;  // Of `line=`; null: the line of the call.
  };
  struct Authentication {
    std::unique_ptr<MessageTemplate> username;  // Null: the run's.
    std::unique_ptr<MessageTemplate> password;
  };

  std::string text_;
  std::vector<Segment> segments_;
  std::vector<Field> fields_;
  std::vector<Authentication> authentications_;
  bool expands_lines_ = false;  // A keyword in it may itself write an empty line.
};

/// The template of a <send>: a SIP message whose first word is literal, so that what it is is known
/// before it is rendered.
struct SendTemplate {
  MessageTemplate message;
  std::string method;  // Empty in a response.
  core::sip::Method method_id = core::sip::Method::kUnknown;
  uint16_t status_code = 0;  // 0 in a request.

  bool is_response() const { return status_code != 0; }
  size_t Render(const RenderContext& context, std::span<char> out) const {
    return message.Render(context, method, out);
  }
};

/// Cleans `cdata` as SIPp does and compiles it.
absl::StatusOr<SendTemplate> CompileSend(std::string_view cdata, const TemplateScope& scope);

}  // namespace loadgen

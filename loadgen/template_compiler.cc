#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/ascii.h"
#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/cdata.h"
#include "loadgen/template.h"

namespace loadgen {
namespace {

using core::HexValue;

constexpr std::string_view kParameterised[] = {"authentication", "field", "file", "fill", "last_"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasParameters(std::string_view keyword) {
  for (const std::string_view begin : kParameterised) {
    if (keyword.starts_with(begin)) return true;
  }
  return false;
}

}  // namespace

/// One pass over a text, which leaves its MessageTemplate. At most kDepthMax deep.
class TemplateCompiler {
 public:
  TemplateCompiler(std::string_view text, const TemplateScope& scope, size_t depth)
      : text_(text), scope_(scope), depth_(depth) {}

  absl::StatusOr<MessageTemplate> Run();

 private:
  using Segment = MessageTemplate::Segment;

  void TakeEscape();
  absl::Status TakeKeyword();
  absl::Status AddKeyword(std::string_view keyword);
  absl::Status AddParameterised(std::string_view keyword, Segment* segment);
  absl::Status AddLastHeader(std::string_view name, Segment* segment);
  absl::Status AddVariable(std::string_view name, Segment* segment);
  absl::Status AddField(std::string_view keyword, Segment* segment);
  absl::Status AddAuthentication(std::string_view keyword, Segment* segment);
  absl::StatusOr<std::unique_ptr<MessageTemplate>> CompileInner(std::string_view text);
  void FlushLiteral();

  std::string_view text_;
  const TemplateScope& scope_;
  size_t depth_;
  size_t at_ = 0;
  std::string literal_;
  size_t lens_ = 0;
  bool ended_headers_ = false;
  MessageTemplate out_;
};

absl::StatusOr<MessageTemplate> TemplateCompiler::Run() {
  if (depth_ > MessageTemplate::kDepthMax) {
    return absl::InvalidArgumentError("keywords inside keywords: wanted at most 3 deep");
  }
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == 'x') {
      TakeEscape();
    } else if (c == '\n') {
      literal_ += "\r\n";
      ++at_;
    } else if (c == '[') {
      RETURN_IF_ERROR(TakeKeyword());
    } else {
      literal_ += c;
      ++at_;
    }
  }
  FlushLiteral();
  if (out_.segments_.size() > MessageTemplate::kSegmentsMax) {
    return absl::InvalidArgumentError(
        core::Concat("wanted at most ", MessageTemplate::kSegmentsMax, " keywords in one message"));
  }
  return std::move(out_);
}

// As SIPp: two hex digits give a byte. Of fewer the first character that is none is lost.
void TemplateCompiler::TakeEscape() {
  at_ += 2;
  const int first = at_ < text_.size() ? HexValue(text_[at_]) : -1;
  if (first >= 0) {
    ++at_;
    const int second = at_ < text_.size() ? HexValue(text_[at_]) : -1;
    literal_ += static_cast<char>(second >= 0 ? first * 16 + second : first);
  }
  if (at_ < text_.size()) ++at_;
}

absl::Status TemplateCompiler::TakeKeyword() {
  const std::string_view rest = text_.substr(at_ + 1);
  const size_t open = rest.find('[');
  const size_t close = rest.find(']');
  if (close == std::string_view::npos) {
    return absl::InvalidArgumentError(core::Concat(
        "\"", rest.substr(0, 40), "\": a keyword never ends; wanted a ], or \\x5B for a ["));
  }
  if (open < close && !HasParameters(rest)) {
    // "[[local_ip]]" is a bracket around a keyword.
    literal_ += core::Concat("[", rest.substr(0, open));
    at_ += 1 + open;
    return absl::OkStatus();
  }
  const size_t end = FindKeywordEnd(text_, at_);
  if (end == std::string_view::npos) {
    return absl::InvalidArgumentError(core::Concat(
        "[", rest.substr(0, 40), ": its brackets or quotes do not close on the same line"));
  }
  const std::string_view keyword = text_.substr(at_ + 1, end - at_ - 1);
  if (keyword.empty() || keyword.size() > MessageTemplate::kKeywordMax) {
    return absl::InvalidArgumentError(core::Concat("[", keyword.substr(0, 40), "]: wanted 1 to ",
                                                   MessageTemplate::kKeywordMax, " characters"));
  }
  at_ = end + 1;
  return AddKeyword(keyword);
}

absl::Status TemplateCompiler::AddKeyword(std::string_view keyword) {
  Segment segment;
  std::string_view name = keyword;
  const size_t sign = keyword.find_first_of("+-");
  if (!HasParameters(keyword) && sign != std::string_view::npos && sign + 1 < keyword.size() &&
      IsDigit(keyword[sign + 1])) {
    const char* digits = keyword.data() + sign + (keyword[sign] == '+' ? 1 : 0);
    const auto result = std::from_chars(digits, keyword.data() + keyword.size(), segment.offset);
    if (result.ec != std::errc{}) {
      return absl::InvalidArgumentError(core::Concat("[", keyword, "]: its offset is too large"));
    }
    name = keyword.substr(0, sign);
  } else if (keyword.starts_with("last_cseq_number") && sign != std::string_view::npos) {
    // [last_cseq_number+1] has an offset; [last_Call-ID] has a name with a dash.
    const char* digits = keyword.data() + sign + (keyword[sign] == '+' ? 1 : 0);
    (void)std::from_chars(digits, keyword.data() + keyword.size(), segment.offset);  // Else 0.
    name = keyword.substr(0, sign);
  }
  if (const std::optional<Keyword> simple = FindKeyword(name)) {
    segment.keyword = *simple;
    if (*simple == Keyword::kLen && ++lens_ > MessageTemplate::kLensMax) {
      return absl::InvalidArgumentError(
          core::Concat("[len]: wanted at most ", MessageTemplate::kLensMax, " in one message"));
    }
    if (*simple == Keyword::kLastMessage) out_.expands_lines_ = true;
    FlushLiteral();
    out_.segments_.push_back(segment);
    return absl::OkStatus();
  }
  if (scope_.keys != nullptr && !HasParameters(name)) {
    auto found = scope_.keys->find(keyword);
    if (found == scope_.keys->end()) found = scope_.keys->find(name);
    if (found != scope_.keys->end()) {
      literal_ += found->second;
      return absl::OkStatus();
    }
  }
  FlushLiteral();
  RETURN_IF_ERROR(AddParameterised(keyword, &segment));
  out_.segments_.push_back(segment);
  return absl::OkStatus();
}

absl::Status TemplateCompiler::AddParameterised(std::string_view keyword, Segment* segment) {
  if (keyword.starts_with("last_")) return AddLastHeader(keyword.substr(5), segment);
  if (keyword.front() == '$') return AddVariable(keyword.substr(1), segment);
  if (keyword.starts_with("field")) return AddField(keyword, segment);
  if (keyword.starts_with("authentication")) return AddAuthentication(keyword, segment);
  if (IsKeywordOfLater(keyword)) {
    return absl::UnimplementedError(core::Concat("[", keyword, "]: not supported yet"));
  }
  return absl::InvalidArgumentError(core::Concat(
      "[", keyword, "]: unknown keyword; wanted one of SIPp's, or a -key ", keyword, " VALUE"));
}

absl::Status TemplateCompiler::AddLastHeader(std::string_view name, Segment* segment) {
  if (name.ends_with(':')) name.remove_suffix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  if (name.empty()) {
    return absl::InvalidArgumentError("[last_]: wanted the name of a header field behind it");
  }
  segment->keyword = Keyword::kLastHeader;
  segment->header = core::sip::FindHeaderId(name);
  segment->at = static_cast<uint32_t>(out_.text_.size());
  segment->size = static_cast<uint32_t>(name.size());
  out_.text_ += name;
  return absl::OkStatus();
}

absl::Status TemplateCompiler::AddVariable(std::string_view name, Segment* segment) {
  if (name.empty()) return absl::InvalidArgumentError("[$]: wanted the name of a variable");
  const std::optional<VariableId> id = scope_.variables->Use(name, scope_.line);
  if (!id) {
    return absl::InvalidArgumentError(
        core::Concat("[$", name, "]: wanted at most ", VariableTable::kVariablesMax, " variables"));
  }
  segment->keyword = Keyword::kVariable;
  segment->scope = id->scope;
  segment->variable = id->index;
  out_.expands_lines_ = true;
  return absl::OkStatus();
}

absl::Status TemplateCompiler::AddField(std::string_view keyword, Segment* segment) {
  MessageTemplate::Field field;
  const std::string_view digits = keyword.substr(5);
  // As atoi() reads it: [field] is field 0.
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), field.field);
  if (scope_.injections == nullptr || scope_.injections->size() == 0) {
    return absl::InvalidArgumentError(
        core::Concat("[", keyword, "]: there is no injection file; wanted -inf FILE"));
  }
  std::string_view name = KeywordParameter(keyword, "file=");
  if (!name.empty()) {
    const size_t slash = name.rfind('/');
    if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
    const std::optional<size_t> found = scope_.injections->Find(name);
    if (!found) {
      return absl::InvalidArgumentError(
          core::Concat("[", keyword, "]: wanted the base name of an -inf file"));
    }
    field.file = *found;
  }
  field.source = &scope_.injections->file(field.file);
  const std::string_view line = KeywordParameter(keyword, "line=");
  if (!line.empty()) {
    absl::StatusOr<std::unique_ptr<MessageTemplate>> inner = CompileInner(line);
    RETURN_IF_ERROR(inner.status());
    field.line = *std::move(inner);
  }
  segment->keyword = Keyword::kField;
  segment->extra = static_cast<uint32_t>(out_.fields_.size());
  out_.fields_.push_back(std::move(field));
  return absl::OkStatus();
}

absl::Status TemplateCompiler::AddAuthentication(std::string_view keyword, Segment* segment) {
  if (!out_.authentications_.empty()) {
    return absl::InvalidArgumentError("[authentication]: wanted at most one in a message");
  }
  if (!KeywordParameter(keyword, "aka_K=").empty()) {
    return absl::UnimplementedError("[authentication aka_K=]: AKA is not supported yet");
  }
  MessageTemplate::Authentication authentication;
  const std::string_view username = KeywordParameter(keyword, "username=");
  if (!username.empty()) {
    absl::StatusOr<std::unique_ptr<MessageTemplate>> inner = CompileInner(username);
    RETURN_IF_ERROR(inner.status());
    authentication.username = *std::move(inner);
  }
  const std::string_view password = KeywordParameter(keyword, "password=");
  if (!password.empty()) {
    absl::StatusOr<std::unique_ptr<MessageTemplate>> inner = CompileInner(password);
    RETURN_IF_ERROR(inner.status());
    authentication.password = *std::move(inner);
  }
  segment->keyword = Keyword::kAuthentication;
  segment->extra = static_cast<uint32_t>(out_.authentications_.size());
  out_.authentications_.push_back(std::move(authentication));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<MessageTemplate>> TemplateCompiler::CompileInner(
    std::string_view text) {
  absl::StatusOr<MessageTemplate> inner = TemplateCompiler(text, scope_, depth_ + 1).Run();
  RETURN_IF_ERROR(inner.status());
  return std::make_unique<MessageTemplate>(*std::move(inner));
}

void TemplateCompiler::FlushLiteral() {
  if (literal_.empty()) return;
  Segment segment;
  segment.at = static_cast<uint32_t>(out_.text_.size());
  segment.size = static_cast<uint32_t>(literal_.size());
  const size_t empty_line = literal_.find("\r\n\r\n");
  if (!ended_headers_ && empty_line != std::string::npos) {
    ended_headers_ = true;
    segment.ends_headers = true;
    segment.offset = static_cast<int32_t>(empty_line);
  }
  out_.text_ += literal_;
  out_.segments_.push_back(segment);
  literal_.clear();
}

absl::StatusOr<MessageTemplate> MessageTemplate::Compile(std::string_view text,
                                                         const TemplateScope& scope) {
  return TemplateCompiler(text, scope, 1).Run();
}

absl::StatusOr<SendTemplate> CompileSend(std::string_view cdata, const TemplateScope& scope) {
  const std::string text = CleanCdata(cdata);
  if (text.empty()) return absl::InvalidArgumentError("its CDATA is empty: wanted a SIP message");
  SendTemplate send;
  absl::StatusOr<MessageTemplate> compiled = MessageTemplate::Compile(text, scope);
  RETURN_IF_ERROR(compiled.status());
  send.message = *std::move(compiled);

  const MessageTemplate::Segment& first = send.message.segments().front();
  const std::string_view literal =
      first.keyword == Keyword::kLiteral ? send.message.text(first) : std::string_view();
  const size_t blank = literal.find(' ');
  if (blank == std::string_view::npos) {
    return absl::InvalidArgumentError(core::Concat(
        "\"", text.substr(0, std::min<size_t>(text.find('\n'), 60)),
        "\": wanted a method, or SIP/2.0 and a status code, in plain text at the beginning"));
  }
  if (literal.substr(0, blank) != "SIP/2.0") {
    send.method = std::string(literal.substr(0, blank));
    send.method_id = core::sip::FindMethod(send.method);
    return send;
  }
  std::string_view code = literal.substr(blank + 1);
  while (code.starts_with(' ')) code.remove_prefix(1);
  const auto result = std::from_chars(code.data(), code.data() + code.size(), send.status_code);
  if (result.ec != std::errc{} || send.status_code < 100 || send.status_code > 699) {
    return absl::InvalidArgumentError(
        core::Concat("\"SIP/2.0 ", code.substr(0, 12), "\": wanted a status code, 100 to 699"));
  }
  return send;
}

}  // namespace loadgen

#include "loadgen/template.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "loadgen/time_text.h"

namespace loadgen {
namespace {

using core::sip::Message;
using core::sip::TextWriter;

constexpr size_t kAuthenticationMax = 2048;
constexpr size_t kParameterMax = 256;
constexpr std::string_view kLenPlace = "     ";  // As wide as %5u.

void AppendSigned(int64_t number, TextWriter* out) {
  if (number < 0) out->Append('-');
  out->AppendNumber(number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number));
}

// SIP-date                                                              RFC 3261 §25.1
void AppendDate(int64_t unix_us, TextWriter* out) {
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const CivilTime civil = ToCivil(unix_us);
  out->Append(kDays.substr(size_t{3} * civil.weekday, 3));
  out->Append(", ");
  AppendPadded(static_cast<unsigned>(civil.date.day()), 2, out);
  out->Append(' ');
  out->Append(kMonths.substr(size_t{3} * (static_cast<unsigned>(civil.date.month()) - 1), 3));
  out->Append(' ');
  AppendSigned(static_cast<int>(civil.date.year()), out);
  out->Append(' ');
  AppendClock(civil, out);
  out->Append(" GMT");
}

// One header field as it came, or its value behind ", " when it is not the first of its name.
void AppendHeader(const core::sip::HeaderField& field, bool first, TextWriter* out) {
  if (!first) {
    out->Append(", ");
    out->Append(field.value);
  } else if (field.value.empty()) {
    out->Append(field.name);
    out->Append(':');
  } else {
    const char* end = field.value.data() + field.value.size();
    out->Append(std::string_view(field.name.data(), static_cast<size_t>(end - field.name.data())));
  }
}

void AppendLastHeader(const Message& last, core::sip::HeaderId id, std::string_view name,
                      TextWriter* out) {
  bool first = true;
  if (id != core::sip::HeaderId::kUnknown) {
    for (size_t i = last.FirstIndex(id); i != Message::kNone; i = last.NextIndex(i)) {
      AppendHeader(last.header(i), first, out);
      first = false;
    }
    return;
  }
  for (size_t i = 0; i < last.header_count(); ++i) {
    const core::sip::HeaderField field = last.header(i);
    if (!core::sip::EqualsIgnoreCase(field.name, name)) continue;
    AppendHeader(field, first, out);
    first = false;
  }
}

}  // namespace

/// One rendering.
class TemplateRenderer {
 public:
  TemplateRenderer(const MessageTemplate& what, const RenderContext& context, std::span<char> out)
      : what_(what), context_(context), memory_(out), out_(out) {}

  size_t Run(std::string_view method) {
    for (const MessageTemplate::Segment& segment : what_.segments_) {
      if (segment.keyword == Keyword::kLiteral) {
        WriteLiteral(segment);
      } else {
        WriteKeyword(segment);
      }
    }
    if (!out_.ok()) return 0;
    FindBody();
    PatchLens();
    return has_authentication_ ? InsertAuthentication(method) : out_.size();
  }

 private:
  using Segment = MessageTemplate::Segment;

  void WriteLiteral(const Segment& segment);
  void WriteKeyword(const Segment& segment);
  void WriteAddress(const Segment& segment);
  void WriteCall(const Segment& segment);
  void WriteLast(const Segment& segment);
  void WriteVariable(const Segment& segment);
  void WriteField(const Segment& segment);
  void MarkAuthentication(std::string_view username, std::string_view password);
  void MarkAuthentication(const Segment& segment);
  void FindBody();
  void PatchLens();
  size_t InsertAuthentication(std::string_view method);

  // The rule of the optional line: see MessageTemplate.
  void SwallowIfAtLineStart() {
    const std::string_view text = out_.text();
    swallow_ = !text.empty() && text.back() == '\n';
  }
  void WriteOffset(uint64_t number, int32_t offset) {
    AppendSigned(static_cast<int64_t>(number) + offset, &out_);
  }

  const MessageTemplate& what_;
  const RenderContext& context_;
  std::span<char> memory_;
  TextWriter out_;
  bool swallow_ = false;
  size_t body_at_ = std::string_view::npos;
  size_t len_count_ = 0;
  size_t lens_[MessageTemplate::kLensMax] = {};
  int32_t len_offsets_[MessageTemplate::kLensMax] = {};
  bool has_authentication_ = false;
  size_t authentication_at_ = 0;
  char username_[kParameterMax];
  char password_[kParameterMax];
  std::string_view username_text_;
  std::string_view password_text_;
};

void TemplateRenderer::WriteLiteral(const Segment& segment) {
  std::string_view literal = what_.text(segment);
  size_t swallowed = 0;
  const std::string_view before = out_.text();
  if (swallow_ && !before.empty() && before.back() == '\n') {
    while (swallowed < literal.size() &&
           (literal[swallowed] == ' ' || literal[swallowed] == '\t')) {
      ++swallowed;
    }
    if (literal.substr(swallowed, 2) == "\r\n") swallowed += 2;
    literal.remove_prefix(swallowed);
  }
  swallow_ = false;
  if (segment.ends_headers) {
    body_at_ = out_.size() + static_cast<size_t>(segment.offset) + 4 - swallowed;
  }
  out_.Append(literal);
}

void TemplateRenderer::WriteKeyword(const Segment& segment) {
  switch (segment.keyword) {
    case Keyword::kLastHeader:
    case Keyword::kLastRequestUri:
    case Keyword::kLastCSeqNumber:
    case Keyword::kLastMessage:
      return WriteLast(segment);
    case Keyword::kVariable:
      return WriteVariable(segment);
    case Keyword::kField:
      return WriteField(segment);
    case Keyword::kAuthentication:
      return MarkAuthentication(segment);
    case Keyword::kLen:
      if (len_count_ == MessageTemplate::kLensMax) return;  // Compile() has seen to it.
      lens_[len_count_] = out_.size();
      len_offsets_[len_count_++] = segment.offset;
      return out_.Append(kLenPlace);
    case Keyword::kRoutes:
      if (!context_.routes.empty()) {
        out_.Append("Route: ");
        out_.Append(context_.routes);
      }
      return SwallowIfAtLineStart();
    default:
      return segment.keyword <= Keyword::kRtpStreamAudioPort ? WriteAddress(segment)
                                                             : WriteCall(segment);
  }
}

void TemplateRenderer::WriteAddress(const Segment& segment) {
  const RunValues& run = *context_.run;
  switch (segment.keyword) {
    case Keyword::kRemoteIp:
      return out_.Append(run.remote_ip);
    case Keyword::kRemoteHost:
      return out_.Append(run.remote_host);
    case Keyword::kRemotePort:
      return WriteOffset(run.remote_port, segment.offset);
    case Keyword::kTransport:
      return out_.Append(run.transport);
    case Keyword::kLocalIp:
      return out_.Append(run.local_ip);
    case Keyword::kLocalIpType:
      return out_.Append(run.local_ip_is_v6 ? '6' : '4');
    case Keyword::kLocalPort:
      return WriteOffset(run.local_port, segment.offset);
    case Keyword::kServerIp:
      return out_.Append(run.server_ip);
    case Keyword::kMediaIp:
      return out_.Append(run.media_ip);
    case Keyword::kMediaIpType:
      return out_.Append(run.media_ip_is_v6 ? '6' : '4');
    case Keyword::kMediaPort:
    case Keyword::kRtpStreamAudioPort:
      return WriteOffset(context_.media_port != 0 ? context_.media_port : run.media_port,
                         segment.offset);
    case Keyword::kAutoMediaPort: {
      if (context_.media_port != 0) return WriteOffset(context_.media_port, segment.offset);
      // Four ports a call (audio and video, RTP and RTCP), over again after 2,500 calls.
      const uint64_t ports = (context_.call_number - 1) * 4 % 10000;
      return WriteOffset(run.media_port + ports, segment.offset);
    }
    default:
      CHECK(false);
  }
}

void TemplateRenderer::WriteCall(const Segment& segment) {
  switch (segment.keyword) {
    case Keyword::kCallNumber:
      return out_.AppendNumber(context_.call_number);
    case Keyword::kCallId:
      return out_.Append(context_.call_id);
    case Keyword::kCSeq:
      return WriteOffset(context_.cseq, segment.offset);
    case Keyword::kPid:
      return out_.AppendNumber(context_.run->pid);
    case Keyword::kService:
      return out_.Append(context_.run->service);
    case Keyword::kBranch:
      out_.Append("z9hG4bK-");
      out_.AppendNumber(context_.run->pid);
      out_.Append('-');
      out_.AppendNumber(context_.call_number);
      out_.Append('-');
      return WriteOffset(context_.step_index, segment.offset);
    case Keyword::kMsgIndex:
      return out_.AppendNumber(context_.step_index);
    case Keyword::kNextUrl:
      return out_.Append(context_.next_url);
    case Keyword::kPeerTagParam:
      return out_.Append(context_.peer_tag_param);
    case Keyword::kClockTick:
      return out_.AppendNumber(context_.clock_tick_ms);
    case Keyword::kTimestamp:
      return WriteWallTime(context_.wall, context_.run->utc_offset_s, &out_);
    case Keyword::kDate:
      return AppendDate(context_.wall.unix_us, &out_);
    case Keyword::kUsers:
      return AppendSigned(context_.run->users, &out_);
    case Keyword::kUserId:
      return AppendSigned(context_.user_id, &out_);
    case Keyword::kSippVersion:
      return out_.Append(context_.run->version);
    default:
      CHECK(false);
  }
}

void TemplateRenderer::WriteLast(const Segment& segment) {
  const Message* last = context_.last;
  switch (segment.keyword) {
    case Keyword::kLastMessage:
      if (last != nullptr) out_.Append(last->bytes());
      return;
    case Keyword::kLastRequestUri: {
      core::sip::NameAddr to;
      if (last != nullptr && last->To(&to) == core::sip::ParseError::kOk) out_.Append(to.uri);
      return;
    }
    case Keyword::kLastCSeqNumber: {
      core::sip::CSeqValue cseq;
      if (last != nullptr && last->CSeq(&cseq) == core::sip::ParseError::kOk) {
        WriteOffset(cseq.sequence_number, segment.offset);
      }
      return;
    }
    default:
      if (last != nullptr) AppendLastHeader(*last, segment.header, what_.text(segment), &out_);
      return SwallowIfAtLineStart();
  }
}

void TemplateRenderer::WriteVariable(const Segment& segment) {
  const VariableStore* store = context_.variables[static_cast<size_t>(segment.scope)];
  if (store != nullptr) store->Write(segment.variable, &out_);
  SwallowIfAtLineStart();
}

void TemplateRenderer::WriteField(const Segment& segment) {
  const MessageTemplate::Field& field = what_.fields_[segment.extra];
  size_t line =
      field.file < context_.injection_lines.size() ? context_.injection_lines[field.file] : 0;
  if (field.line != nullptr) {
    char digits[kParameterMax];
    const size_t size = field.line->Render(context_, digits);
    line = 0;
    // As atoi() reads it, up to the first character that is no digit: "3.000000" is line 3.
    for (size_t i = 0; i < size && digits[i] >= '0' && digits[i] <= '9' && line < (1u << 28); ++i) {
      line = line * 10 + static_cast<size_t>(digits[i] - '0');
    }
  }
  const std::optional<std::string_view> text = field.source->Field(line, field.field);
  const size_t keyword =
      text ? text->find("[authentication") : std::string_view::npos;  // SIPp's documented habit.
  if (keyword == std::string_view::npos) {
    (void)field.source->WriteField(line, field.field, &out_);  // A missing field is empty.
  } else {
    out_.Append(text->substr(0, keyword));
    const std::string_view rest = text->substr(keyword + 1);
    const std::string_view words = rest.substr(0, rest.find(']'));
    MarkAuthentication(KeywordParameter(words, "username="), KeywordParameter(words, "password="));
    if (words.size() < rest.size()) out_.Append(rest.substr(words.size() + 1));
    return;
  }
  SwallowIfAtLineStart();
}

void TemplateRenderer::MarkAuthentication(std::string_view username, std::string_view password) {
  if (context_.authenticator == nullptr) return SwallowIfAtLineStart();
  has_authentication_ = true;
  authentication_at_ = out_.size();
  username_text_ = username.empty() ? context_.run->auth_username : username;
  password_text_ = password.empty() ? context_.run->auth_password : password;
}

void TemplateRenderer::MarkAuthentication(const Segment& segment) {
  const MessageTemplate::Authentication& keyword = what_.authentications_[segment.extra];
  std::string_view username;
  std::string_view password;
  if (keyword.username != nullptr) {
    username = {username_, keyword.username->Render(context_, username_)};
  }
  if (keyword.password != nullptr) {
    password = {password_, keyword.password->Render(context_, password_)};
  }
  MarkAuthentication(username, password);
}

void TemplateRenderer::FindBody() {
  if (len_count_ == 0 && !has_authentication_) return;
  if (!what_.expands_lines_ && body_at_ != std::string_view::npos) return;
  // What was expanded may have brought an empty line of its own, before the one that was written.
  const size_t empty_line = out_.text().find("\r\n\r\n");
  body_at_ = empty_line == std::string_view::npos ? std::string_view::npos : empty_line + 4;
}

// Right-aligned in five columns, as SIPp's %5u. Without a body it is 0, whatever the offset.
void TemplateRenderer::PatchLens() {
  const bool has_body = body_at_ < out_.size();
  for (size_t i = 0; i < len_count_; ++i) {
    const auto body = has_body ? static_cast<int64_t>(out_.size() - body_at_) + len_offsets_[i] : 0;
    uint64_t number = body < 0 ? 0 : static_cast<uint64_t>(body);
    char* place = memory_.data() + lens_[i] + kLenPlace.size();
    do {
      *--place = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0 && place != memory_.data() + lens_[i]);
  }
}

size_t TemplateRenderer::InsertAuthentication(std::string_view method) {
  char header[kAuthenticationMax];
  TextWriter field{header};
  const std::string_view body =
      body_at_ < out_.size() ? out_.text().substr(body_at_) : std::string_view();
  context_.authenticator->WriteHeader({username_text_, password_text_, method, body}, &field);
  if (!field.ok()) return 0;
  const size_t tail = out_.size() - authentication_at_;
  char* place = memory_.data() + authentication_at_;
  if (field.size() == 0) {
    // Nobody asked for credentials: the line that was to hold them goes.
    const bool alone = authentication_at_ > 0 && place[-1] == '\n' && tail >= 2 && place[0] == '\r';
    if (!alone) return out_.size();
    std::memmove(place, place + 2, tail - 2);
    return out_.size() - 2;
  }
  if (field.size() > memory_.size() - out_.size()) return 0;
  std::memmove(place + field.size(), place, tail);
  std::memcpy(place, header, field.size());
  return out_.size() + field.size();
}

size_t MessageTemplate::Render(const RenderContext& context, std::span<char> out) const {
  return TemplateRenderer(*this, context, out).Run({});
}

size_t MessageTemplate::Render(const RenderContext& context, std::string_view method,
                               std::span<char> out) const {
  return TemplateRenderer(*this, context, out).Run(method);
}

}  // namespace loadgen

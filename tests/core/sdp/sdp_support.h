#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/sdp/answer_judge.h"
#include "core/sdp/parse_error.h"
#include "core/sdp/rewrite.h"
#include "core/sdp/session_description.h"
#include "tests/support/corpus.h"

namespace core::sdp {

// Let a failing expectation say "bad port" and not a number.
inline void PrintTo(ParseError error, std::ostream* out) { *out << Name(error); }
inline void PrintTo(Direction direction, std::ostream* out) { *out << Name(direction); }
inline void PrintTo(Codec codec, std::ostream* out) { *out << Name(codec); }
inline void PrintTo(AnswerFlaw flaw, std::ostream* out) { *out << Name(flaw); }

/// A description with the bytes that it borrows.
class Parsed {
 public:
  explicit Parsed(std::string text) : text_(std::make_unique<std::string>(std::move(text))) {
    EXPECT_EQ(description_->Parse(*text_), ParseError::kOk) << *text_;
  }
  const SessionDescription& operator*() const { return *description_; }
  const SessionDescription* operator->() const { return description_.get(); }
  const MediaDescription& media(size_t i = 0) const { return description_->media()[i]; }
  std::span<const Format> formats(size_t i = 0) const { return description_->formats(media(i)); }

 private:
  std::unique_ptr<std::string> text_;
  std::unique_ptr<SessionDescription> description_ = std::make_unique<SessionDescription>();
};

/// A short description around these m= sections, each line ended by "\n".
inline std::string Sdp(std::string_view sections, std::string_view address = "192.0.2.1") {
  return "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 " + std::string(address) + "\nt=0 0\n" +
         std::string(sections);
}

/// What the description says, rewritten with everything kept and us at `address`:`port` and up.
inline std::vector<MediaRewrite> KeepAll(const SessionDescription& source, uint16_t port = 20000) {
  std::vector<MediaRewrite> media;
  for (const MediaDescription& line : source.media()) {
    media.push_back(KeepMedia(line, source.formats(line)));
    media.back().port = port;
    media.back().rtcp_port = static_cast<uint16_t>(port + 1);
    port = static_cast<uint16_t>(port + 2);
  }
  return media;
}

inline std::string Rewritten(const SessionDescription& source,
                             const std::vector<MediaRewrite>& media,
                             const IpAddress& address = IpAddress::FromV4(0xcb00710a)) {
  std::vector<char> memory(2 * SessionDescription::kBytesMax);
  TextWriter out(memory);
  Rewrite rewrite;
  rewrite.session_id = 7;
  rewrite.version = 8;
  rewrite.address = address;
  rewrite.media = media;
  WriteRewritten(source, rewrite, &out);
  EXPECT_TRUE(out.ok());
  return std::string(out.text());
}

}  // namespace core::sdp

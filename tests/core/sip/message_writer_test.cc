#include "core/sip/message_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "core/sip/message.h"

namespace core::sip {
namespace {

// Goal: what is written is a message of RFC 3261 §7, and no value can add a line to it (rule 16 of
// the SBC's rules: values are unfolded, written under the canonical name, refused with CR, LF,
// NUL).

TEST(MessageWriterTest, WritesARequestWithABody) {
  char memory[512];
  MessageWriter out(memory);
  out.RequestLine("INVITE", "sip:bob@h");
  out.Header(HeaderId::kVia, {"SIP/2.0/UDP ", "192.0.2.1", ";branch=", "z9hG4bK7"});
  out.Header(HeaderId::kMaxForwards, 69);
  out.RawHeader("m", "<sip:a@h>");
  out.RawHeader("X-Ours", "1");
  out.BeginHeader(HeaderId::kCSeq);
  out.value()->AppendNumber(7);
  out.value()->Append(" INVITE");
  out.EndHeader();
  out.Body("application/sdp", "v=0\r\n");
  ASSERT_TRUE(out.Finish().has_value());
  EXPECT_EQ(out.text(),
            "INVITE sip:bob@h SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK7\r\n"
            "Max-Forwards: 69\r\n"
            "Contact: <sip:a@h>\r\n"
            "X-Ours: 1\r\n"
            "CSeq: 7 INVITE\r\n"
            "Content-Type: application/sdp\r\n"
            "Content-Length: 5\r\n"
            "\r\n"
            "v=0\r\n");
  EXPECT_EQ(*out.Finish(), out.text().size());
}

TEST(MessageWriterTest, WritesAResponseWithItsDefaultReason) {
  char memory[128];
  MessageWriter out(memory);
  out.StatusLine(486, "");
  out.NoBody();
  EXPECT_EQ(out.text(), "SIP/2.0 486 Busy Here\r\nContent-Length: 0\r\n\r\n");
}

TEST(MessageWriterTest, AFoldBecomesOneSpace) {
  char memory[256];
  MessageWriter out(memory);
  out.StatusLine(200, "OK");
  out.Header(HeaderId::kSubject, "one \r\n  two\r\n \r\n\t three\r\n ");
  out.NoBody();
  ASSERT_TRUE(out.Finish().has_value());
  EXPECT_EQ(out.text(), "SIP/2.0 200 OK\r\nSubject: one two three \r\nContent-Length: 0\r\n\r\n");
}

TEST(MessageWriterTest, NoValueCanAddALine) {
  const std::string_view smuggled[] = {"a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "a\r\n",
                                       "a\r",          "a\n",        "\r\n\r\n",   "a\n b",
                                       "a\r b",        {"a\0b", 3},  "a\r\n\r\n b"};
  for (const std::string_view value : smuggled) {
    char memory[256];
    MessageWriter by_id(memory);
    by_id.Header(HeaderId::kSubject, value);
    by_id.NoBody();
    EXPECT_EQ(by_id.Finish(), std::nullopt) << value;

    MessageWriter by_name(memory);
    by_name.RawHeader("X-Ours", value);
    by_name.NoBody();
    EXPECT_EQ(by_name.Finish(), std::nullopt) << value;

    MessageWriter by_piece(memory);
    by_piece.BeginHeader(HeaderId::kSubject);
    by_piece.value()->Append(value);
    by_piece.EndHeader();
    by_piece.NoBody();
    EXPECT_EQ(by_piece.Finish(), std::nullopt) << value;

    MessageWriter reason(memory);
    reason.StatusLine(200, value);
    reason.NoBody();
    EXPECT_EQ(reason.Finish(), std::nullopt) << value;

    MessageWriter uri(memory);
    uri.RequestLine("INVITE", value);
    uri.NoBody();
    EXPECT_EQ(uri.Finish(), std::nullopt) << value;
  }
}

// RFC 3261 §25.1: a quoted-pair may be a NUL. Who said it has it back; a line it has not.
TEST(MessageWriterTest, AnEchoMayHoldNulButNoLine) {
  char memory[256];
  MessageWriter out(memory);
  out.StatusLine(501, "");
  out.Echo(HeaderId::kTo, {{"\"\\\0\"\r\n <sip:a@b>", 16}, ";tag=1"});
  out.NoBody();
  ASSERT_TRUE(out.Finish().has_value());
  EXPECT_NE(out.text().find(std::string_view("To: \"\\\0\" <sip:a@b>;tag=1\r\n", 26)),
            std::string_view::npos)
      << out.text();
  for (const std::string_view value : {"a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "a\r\n"}) {
    MessageWriter smuggler(memory);
    smuggler.Echo(HeaderId::kTo, value);
    smuggler.NoBody();
    EXPECT_EQ(smuggler.Finish(), std::nullopt) << value;
  }
}

TEST(MessageWriterTest, NamesMethodsAndUrisAreChecked) {
  char memory[256];
  for (const std::string_view name : {"", "A B", "A:", "A\r\nB", "Content-Length", "l"}) {
    MessageWriter out(memory);
    out.RawHeader(name, "1");
    out.NoBody();
    EXPECT_EQ(out.Finish(), std::nullopt) << name;
  }
  for (const std::string_view uri : {"", "sip:a b", "<sip:a>"}) {
    MessageWriter out(memory);
    out.RequestLine("INVITE", uri);
    out.NoBody();
    EXPECT_EQ(out.Finish(), std::nullopt) << uri;
  }
  MessageWriter method(memory);
  method.RequestLine("IN VITE", "sip:a");
  method.NoBody();
  EXPECT_EQ(method.Finish(), std::nullopt);
  MessageWriter code(memory);
  code.StatusLine(99, "x");
  code.NoBody();
  EXPECT_EQ(code.Finish(), std::nullopt);
  MessageWriter unknown(memory);
  unknown.Header(HeaderId::kUnknown, "x");
  unknown.NoBody();
  EXPECT_EQ(unknown.Finish(), std::nullopt);
}

TEST(MessageWriterTest, AMessageWithoutEndOrWithMoreBehindItsEndIsNone) {
  char memory[256];
  MessageWriter open(memory);
  open.StatusLine(200, "");
  EXPECT_EQ(open.Finish(), std::nullopt);
  open.NoBody();
  EXPECT_TRUE(open.Finish().has_value());
  open.Header(HeaderId::kSubject, "late");
  EXPECT_EQ(open.Finish(), std::nullopt);
}

// Every size of memory: either the whole message or nothing, and never a byte behind the memory.
TEST(MessageWriterTest, MemoryTooSmallGivesNothing) {
  char memory[128];
  const auto write = [&memory](size_t size) {
    MessageWriter out(std::span<char>(memory, size));
    out.StatusLine(200, "OK");
    out.Header(HeaderId::kSubject, "x");
    out.Body("text/plain", "hello");
    return out.Finish();
  };
  const std::optional<size_t> whole = write(sizeof(memory));
  ASSERT_TRUE(whole.has_value());
  for (size_t size = 0; size < *whole; ++size) {
    memory[size] = '#';
    EXPECT_EQ(write(size), std::nullopt) << size;
    EXPECT_EQ(memory[size], '#') << size;
  }
  EXPECT_EQ(write(*whole), whole);
}

}  // namespace
}  // namespace core::sip

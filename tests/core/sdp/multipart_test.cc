#include "core/sdp/multipart.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: SDP beside a PIDF-LO (RFC 6442 §3) is found and replaced with every other byte as it was,
// and what two readers could cut in two ways is refused (RFC 2046 §5.1).

struct Body {
  explicit Body(const std::string& name) : text(ReadCorpus("fuzz/sdp_multipart/" + name)) {
    const size_t line = text.find("\r\n");
    boundary = std::string_view(text).substr(0, line);
    bytes = std::string_view(text).substr(line + 2);
  }
  std::string text;
  std::string_view boundary;
  std::string_view bytes;
};

ParseError Parse(std::string_view bytes, std::string_view boundary = "b") {
  MultipartBody multipart;
  return multipart.Parse(boundary, bytes);
}

ParseError FindSdp(std::string_view bytes) {
  MultipartBody multipart;
  EXPECT_EQ(multipart.Parse("b", bytes), ParseError::kOk) << bytes;
  std::string_view sdp;
  const ParseError error = multipart.FindSdp(&sdp);
  EXPECT_EQ(sdp.empty(), error != ParseError::kOk);
  return error;
}

std::string WithSdp(const MultipartBody& multipart, std::string_view sdp) {
  std::vector<char> memory(4096);
  TextWriter out(memory);
  multipart.WriteWithSdp(sdp, &out);
  EXPECT_TRUE(out.ok());
  return std::string(out.text());
}

TEST(MultipartTest, AnEmergencyCallsLocationCrossesByteForByte) {
  const Body body("emergency");
  MultipartBody multipart;
  ASSERT_EQ(multipart.Parse(body.boundary, body.bytes), ParseError::kOk);
  ASSERT_EQ(multipart.parts().size(), 2u);
  EXPECT_EQ(multipart.parts()[1].media_type, "application/pidf+xml");

  std::string_view sdp;
  ASSERT_EQ(multipart.FindSdp(&sdp), ParseError::kOk);
  const Parsed offer{std::string(sdp)};
  EXPECT_EQ(offer.media().port, 25388);

  const std::string ours = Rewritten(*offer, KeepAll(*offer));
  std::string expected(body.bytes);
  expected.replace(expected.find("v=0"), sdp.size(), ours);
  EXPECT_EQ(WithSdp(multipart, ours), expected);
  EXPECT_EQ(WithSdp(multipart, sdp), body.bytes) << "its own in its place changes nothing";
}

// A preamble, white space behind a delimiter, a fold, a Content-Length of the part's own, an
// epilogue.
TEST(MultipartTest, OnlyTheLengthOfThePartChangesBesideIt) {
  const Body body("with_length");
  MultipartBody multipart;
  ASSERT_EQ(multipart.Parse(body.boundary, body.bytes), ParseError::kOk);
  std::string_view sdp;
  ASSERT_EQ(multipart.FindSdp(&sdp), ParseError::kOk);
  std::string expected(body.bytes);
  expected.replace(expected.find("Content-Length: 50") + 16, 2, "5");
  expected.replace(expected.find("v=0"), sdp.size(), "v=0\r\n");
  EXPECT_EQ(WithSdp(multipart, "v=0\r\n"), expected);
}

TEST(MultipartTest, WhatCanBeCutInTwoWaysIsRefused) {
  const std::string part = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n";
  EXPECT_EQ(Parse(part + "--b--"), ParseError::kOk);
  EXPECT_EQ(Parse(part + "--b--\r\nepilogue"), ParseError::kOk);
  const std::string cases[] = {
      "",
      "text",
      "--b--\r\n",             // No part.
      part,                    // No last delimiter.
      part + "--b\r\n",        // A part without an end.
      part + "--bc\r\n--b--",  // Text to us, a delimiter to who compares the start only.
      part + "--b-\r\n--b--",
      part + "--b x\r\n--b--",
      part + "x\n--b\r\n\r\n--b--",  // A delimiter to who takes LF alone for a line's end.
      part + "--b\n\r\n\r\n--b--",
      part + "--b--x",
      part + "--b--\r\n--b\r\n\r\nmore\r\n--b--",  // Parts behind the last one.
      part + "--b--\r\n--bc",
  };
  for (const std::string& text : cases) EXPECT_EQ(Parse(text), ParseError::kBoundary) << text;
}

// RFC 2046 §5.1.1: at most 70 of some characters, the last no space.
TEST(MultipartTest, BoundariesThatAreNoneAreRefused) {
  const auto body = [](const std::string& boundary) {
    return "--" + boundary + "\r\n\r\n\r\n--" + boundary + "--";
  };
  const std::string longest(70, 'x');
  EXPECT_EQ(Parse(body(longest), longest), ParseError::kOk);
  for (const std::string& boundary :
       {std::string(), longest + "x", std::string("a "), std::string("a\"b"), std::string("a\r\nb"),
        std::string("a;b"), std::string("a\0b", 3)}) {
    EXPECT_EQ(Parse(body(boundary), boundary), ParseError::kBoundary) << boundary;
  }
}

TEST(MultipartTest, PartsAndTheirFieldsAreBounded) {
  std::string parts;
  for (size_t i = 0; i < MultipartBody::kPartsMax; ++i) parts += "--b\r\n\r\nx\r\n";
  EXPECT_EQ(Parse(parts + "--b--"), ParseError::kOk);
  EXPECT_EQ(Parse(parts + "--b\r\n\r\nx\r\n--b--"), ParseError::kTooManyParts);
  EXPECT_EQ(StatusCodeOf(ParseError::kTooManyParts), 488);

  std::string fields = "--b\r\n";
  for (size_t i = 0; i < MultipartBody::kFieldsMax; ++i) fields += "X: y\r\n";
  EXPECT_EQ(Parse(fields + "\r\nx\r\n--b--"), ParseError::kOk);
  EXPECT_EQ(Parse(fields + "X: y\r\n\r\nx\r\n--b--"), ParseError::kPart);
}

TEST(MultipartTest, PartsThatCannotBeReadAreRefused) {
  const std::pair<std::string, ParseError> cases[] = {
      {"no colon\r\n", ParseError::kPart},
      {": x\r\n", ParseError::kPart},
      {" Content-Type: x/y\r\n", ParseError::kPart},
      {"Content-Type:\r\n application/sdp\r\n", ParseError::kPart},
      {"X: a\rContent-Type: x/y\r\n", ParseError::kPart},
      {"X: a\nContent-Type: x/y\r\n", ParseError::kPart},
      {"Content-Type: a/b\r\nc: application/sdp\r\n", ParseError::kRepeated},
      {"Content-Type: Multipart/Mixed;boundary=c\r\n", ParseError::kNestedMultipart},
  };
  for (const auto& [fields, error] : cases) {
    EXPECT_EQ(Parse("--b\r\n" + fields + "\r\nx\r\n--b--"), error) << fields;
  }
}

TEST(MultipartTest, OnlyOnePlainSessionDescriptionIsTheSessions) {
  const std::string sdp = "--b\r\nContent-Type: Application/SDP;charset=x\r\n";
  const std::string rest = "\r\nv=0\r\n";
  EXPECT_EQ(FindSdp(sdp + rest + "--b--"), ParseError::kOk);
  EXPECT_EQ(FindSdp(sdp + "Content-Disposition: Session;handling=optional\r\n" + rest + "--b--"),
            ParseError::kOk);
  EXPECT_EQ(FindSdp(sdp + "Content-Transfer-Encoding: 8bit\r\n" + rest + "--b--"), ParseError::kOk);
  EXPECT_EQ(FindSdp("--b\r\nContent-Type: text/plain\r\n" + rest + "--b--"), ParseError::kNoSdp);
  EXPECT_EQ(FindSdp(sdp + "--b--"), ParseError::kNoSdp) << "header fields and nothing else";
  EXPECT_EQ(FindSdp(sdp + rest + sdp + rest + "--b--"), ParseError::kRepeated);
  EXPECT_EQ(FindSdp(sdp + "Content-Disposition: early-session\r\n" + rest + "--b--"),
            ParseError::kDisposition);
  EXPECT_EQ(FindSdp(sdp + rest + sdp + "Content-Disposition: early-session\r\n" + rest + "--b--"),
            ParseError::kDisposition);
  EXPECT_EQ(FindSdp(sdp + "Content-Transfer-Encoding: base64\r\n" + rest + "--b--"),
            ParseError::kEncoding);
  EXPECT_EQ(FindSdp(sdp + "e: gzip\r\n" + rest + "--b--"), ParseError::kEncoding);
}

}  // namespace
}  // namespace core::sdp

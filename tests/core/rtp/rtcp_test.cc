// Goal: RTCP is read and written as RFC 3550 §6 and RFC 3611 §4 draw it, byte for byte; whatever is
// cut short, or claims more than it holds, is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "core/rtp/rtcp_reader.h"
#include "core/rtp/rtcp_writer.h"
#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// By hand from the figures of RFC 3550 §6.4.1, §6.4.2, §6.5, §6.6, §6.7 and RFC 3611 §4.
const char* const kSenderReport =
    "81C8000C 11223344"
    "E5F6A7B8 80000000 00010203 00000BB8 00075300"
    "55667788 40FFFFFE 0001ABCD 00000050 A7B88000 00010000";
const char* const kReceiverReport =
    "81C90007 11223344"
    "55667788 FF000005 0001ABCD 00000050 00000000 00000000";
const char* const kSdes = "81CA0005 11223344 010A 757365724078 2E6F7267 00000000";  // user@x.org
const char* const kBye = "81CB0002 11223344 03627965";                              // bye
const char* const kApp = "80CC0003 11223344 50545454 00000001";
const char* const kVoipMetrics =
    "80CF000A 11223344 07000008 55667788"
    "01020304 00780BB8 00320046 EC BA 7F 10 52 7F 29 28 38 00 0028 00C8 012C";
const char* const kReferenceTime = "80CF0004 11223344 04000002 E5F6A7B8 80000000";
const char* const kDlrr = "80CF0005 11223344 05000003 55667788 A7B88000 00010000";

const SenderReport kSender = {.ssrc = 0x11223344,
                              .ntp = {.seconds = 0xe5f6a7b8, .fraction = 0x80000000},
                              .rtp_timestamp = 0x00010203,
                              .packets = 3000,
                              .octets = 480'000};
const ReportBlock kBlock = {.ssrc = 0x55667788,
                            .fraction_lost = 0x40,
                            .cumulative_lost = -2,
                            .highest_sequence_number = 0x1abcd,
                            .jitter_ticks = 80,
                            .last_sr = 0xa7b88000,
                            .delay_since_last_sr = 0x10000};
const VoipMetrics kMetrics = {.ssrc = 0x55667788,
                              .loss_rate = 1,
                              .discard_rate = 2,
                              .burst_density = 3,
                              .gap_density = 4,
                              .burst_duration_ms = 120,
                              .gap_duration_ms = 3000,
                              .round_trip_ms = 50,
                              .end_system_delay_ms = 70,
                              .signal_level = 0xec,
                              .noise_level = 0xba,
                              .r_factor = 82,
                              .mos_lq = 41,
                              .mos_cq = 40,
                              .receiver_config = 0x38,
                              .buffer_nominal_ms = 40,
                              .buffer_maximum_ms = 200,
                              .buffer_absolute_maximum_ms = 300};

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// An RR of nobody makes any packet a compound.
Bytes AfterReport(const Bytes& packet) { return FromHex("80C90001 11223344") + packet; }

/// Owns the bytes of one packet behind an empty RR, in a block of exactly their size.
struct OnePacket {
  explicit OnePacket(const Bytes& packet) : bytes(AfterReport(packet)) {
    CHECK(compound.Index(bytes) == RtcpError::kOk && compound.size() == 2);
  }
  const RtcpPacket& packet() const { return compound.begin()[1]; }
  Bytes bytes;
  RtcpCompound compound;
};

/// What `put` wrote.
template <typename Put>
Bytes Written(Put&& put) {
  std::array<uint8_t, 512> out{};
  RtcpWriter writer(out);
  EXPECT_TRUE(put(writer));
  return {writer.written().begin(), writer.written().end()};
}

TEST(RtcpTest, ReadsASenderReport) {
  const OnePacket one(FromHex(kSenderReport));
  SenderReport report;
  ReportBlocks blocks;
  ASSERT_EQ(ParseSenderReport(one.packet(), &report, &blocks), RtcpError::kOk);
  EXPECT_EQ(report, kSender);
  EXPECT_THAT(blocks, ElementsAre(kBlock));
}

TEST(RtcpTest, ReadsAReceiverReport) {
  const OnePacket one(FromHex(kReceiverReport));
  uint32_t ssrc = 0;
  ReportBlocks blocks;
  ASSERT_EQ(ParseReceiverReport(one.packet(), &ssrc, &blocks), RtcpError::kOk);
  EXPECT_EQ(ssrc, 0x11223344u);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].fraction_lost, 255);
  EXPECT_EQ(blocks[0].cumulative_lost, 5);
}

TEST(RtcpTest, ReadsTheCname) {
  const OnePacket one(FromHex(kSdes));
  SdesChunks chunks;
  ASSERT_EQ(ParseSdes(one.packet(), &chunks), RtcpError::kOk);
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].ssrc, 0x11223344u);
  EXPECT_EQ(chunks[0].cname, "user@x.org");
}

// §6.5: each chunk ends with a null octet and begins at a multiple of four; items may be empty, and
// those that we do not read (TOOL is 6) are passed over.
TEST(RtcpTest, ReadsSeveralChunksAndOtherItems) {
  const OnePacket one(
      FromHex("83CA0007"
              "00000001 0601410101420000"
              "00000002 01000000"
              "00000003 00000000"));
  SdesChunks chunks;
  ASSERT_EQ(ParseSdes(one.packet(), &chunks), RtcpError::kOk);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].cname, "B");
  EXPECT_EQ(chunks[1].cname, "");
  EXPECT_EQ(chunks[2].ssrc, 3u);
}

TEST(RtcpTest, ReadsABye) {
  const OnePacket one(FromHex(kBye));
  Bye bye;
  ASSERT_EQ(ParseBye(one.packet(), &bye), RtcpError::kOk);
  EXPECT_THAT(bye.ssrcs, ElementsAre(0x11223344u));
  EXPECT_EQ(bye.reason, "bye");
}

// §6.6: a BYE of no source is useless but legal.
TEST(RtcpTest, ReadsAByeOfNobody) {
  const OnePacket one(FromHex("80CB0000"));
  Bye bye;
  ASSERT_EQ(ParseBye(one.packet(), &bye), RtcpError::kOk);
  EXPECT_TRUE(bye.ssrcs.empty());
}

TEST(RtcpTest, ReadsVoipMetrics) {
  const OnePacket one(FromHex(kVoipMetrics));
  ExtendedReport report;
  ASSERT_EQ(ParseExtendedReport(one.packet(), &report), RtcpError::kOk);
  EXPECT_EQ(report.ssrc, 0x11223344u);
  EXPECT_THAT(report.metrics, ElementsAre(kMetrics));
}

TEST(RtcpTest, ReadsReferenceTimeAndItsAnswer) {
  const OnePacket time(FromHex(kReferenceTime));
  ExtendedReport report;
  ASSERT_EQ(ParseExtendedReport(time.packet(), &report), RtcpError::kOk);
  EXPECT_TRUE(report.has_reference_time);
  EXPECT_EQ(report.reference_time.ntp, kSender.ntp);

  const OnePacket answer(FromHex(kDlrr));
  ASSERT_EQ(ParseExtendedReport(answer.packet(), &report), RtcpError::kOk);
  EXPECT_FALSE(report.has_reference_time);
  EXPECT_THAT(report.dlrr,
              ElementsAre(DlrrItem{
                  .ssrc = 0x55667788, .last_rr = 0xa7b88000, .delay_since_last_rr = 0x10000}));
}

// RFC 3611 §4: blocks of a type that we do not read (1 is Loss RLE) are passed over.
TEST(RtcpTest, PassesOverOtherBlocks) {
  const OnePacket one(
      FromHex("80CF0008 11223344 01000002 0000000000000000"
              "04000002 E5F6A7B8 80000000 63000000"));
  ExtendedReport report;
  ASSERT_EQ(ParseExtendedReport(one.packet(), &report), RtcpError::kOk);
  EXPECT_TRUE(report.has_reference_time);
}

// Beyond what one leg needs, items are passed over and not an error.
TEST(RtcpTest, KeepsAtMostItsLimitOfItems) {
  std::array<DlrrItem, ExtendedReport::kDlrrItemsMax + 3> items{};
  const OnePacket one(Written([&](RtcpWriter& writer) { return writer.PutDlrr(1, items); }));
  ExtendedReport report;
  ASSERT_EQ(ParseExtendedReport(one.packet(), &report), RtcpError::kOk);
  EXPECT_EQ(report.dlrr.size(), ExtendedReport::kDlrrItemsMax);
}

// The other way: what is written is what the figures show.
// RFC 5104 §4.3.1.1: the header names nobody, each entry of eight bytes a sender.
TEST(RtcpTest, ReadsAndWritesEveryEntryOfAFir) {
  const Bytes bytes = FromHex("84ce0006 00000009 00000000 00000011 07000000 00000022 08000000");
  const OnePacket one(bytes);
  Feedback feedback;
  ASSERT_EQ(ParseFeedback(one.packet(), &feedback), RtcpError::kOk);
  EXPECT_EQ(feedback.kind, Feedback::Kind::kFullIntraRequest);
  EXPECT_EQ(feedback.sender_ssrc, 9u);
  ASSERT_EQ(feedback.fir.size(), 2u);
  EXPECT_EQ(feedback.fir[0], (FirEntry{0x11, 7}));
  EXPECT_EQ(feedback.fir[1], (FirEntry{0x22, 8}));
  uint8_t out[64];
  RtcpWriter writer(out);
  ASSERT_TRUE(writer.PutFeedback(feedback));
  EXPECT_EQ(Bytes(writer.written().begin(), writer.written().end()), bytes);

  // Half an entry, and none.
  for (const char* text :
       {"84ce0005 00000009 00000000 00000011 07000000 00000022", "84ce0002 00000009 00000000"}) {
    const OnePacket broken(FromHex(text));
    EXPECT_EQ(ParseFeedback(broken.packet(), &feedback), RtcpError::kItem) << text;
    EXPECT_EQ(feedback.kind, Feedback::Kind::kOther);
  }
  // More than are read.
  std::string many = "84ce0016 00000009 00000000";
  for (int i = 0; i < 10; ++i) many += "00000011 07000000";
  const OnePacket longer(FromHex(many));
  ASSERT_EQ(ParseFeedback(longer.packet(), &feedback), RtcpError::kOk);
  EXPECT_EQ(feedback.fir.size(), Feedback::kFirEntriesMax);
}

TEST(RtcpTest, WritesWhatTheFiguresShow) {
  const std::span<const ReportBlock> blocks(&kBlock, 1);
  EXPECT_EQ(Written([&](RtcpWriter& w) { return w.PutSenderReport(kSender, blocks); }),
            FromHex(kSenderReport));
  ReportBlock received = kBlock;
  received.fraction_lost = 255;
  received.cumulative_lost = 5;
  received.last_sr = received.delay_since_last_sr = 0;
  EXPECT_EQ(Written([&](RtcpWriter& w) {
              return w.PutReceiverReport(0x11223344, std::span(&received, 1));
            }),
            FromHex(kReceiverReport));
  EXPECT_EQ(Written([](RtcpWriter& w) { return w.PutCname(0x11223344, "user@x.org"); }),
            FromHex(kSdes));
  EXPECT_EQ(Written([](RtcpWriter& w) { return w.PutBye(0x11223344, "bye"); }), FromHex(kBye));
  EXPECT_EQ(Written([](RtcpWriter& w) { return w.PutVoipMetrics(0x11223344, kMetrics); }),
            FromHex(kVoipMetrics));
  EXPECT_EQ(Written([](RtcpWriter& w) { return w.PutReferenceTime(0x11223344, {kSender.ntp}); }),
            FromHex(kReferenceTime));
  const DlrrItem item = {0x55667788, 0xa7b88000, 0x10000};
  EXPECT_EQ(Written([&](RtcpWriter& w) { return w.PutDlrr(0x11223344, std::span(&item, 1)); }),
            FromHex(kDlrr));
}

// §6.5: every length of CNAME ends in at least one null octet at a multiple of four.
TEST(RtcpTest, PadsEveryLengthOfText) {
  for (size_t size = 0; size <= RtcpWriter::kCnameMax; ++size) {
    const std::string text(size, 'c');
    const OnePacket sdes(Written([&](RtcpWriter& w) { return w.PutCname(1, text); }));
    SdesChunks chunks;
    ASSERT_EQ(ParseSdes(sdes.packet(), &chunks), RtcpError::kOk) << size;
    ASSERT_EQ(chunks.size(), 1u);
    EXPECT_EQ(chunks[0].cname, text);
    EXPECT_EQ(sdes.packet().body.back(), 0);

    const OnePacket leave(Written([&](RtcpWriter& w) { return w.PutBye(1, text); }));
    Bye bye;
    ASSERT_EQ(ParseBye(leave.packet(), &bye), RtcpError::kOk) << size;
    EXPECT_EQ(bye.reason, text);
  }
}

// A buffer that is too short by any number of bytes: false, and what stood before is whole.
TEST(RtcpTest, WritesWhollyOrNotAtAll) {
  const Bytes first = FromHex("80C90001 11223344");
  for (size_t room = 0; room < 44; ++room) {
    Bytes out(first.size() + room);
    RtcpWriter writer(out);
    ASSERT_TRUE(writer.PutReceiverReport(0x11223344, {}));
    EXPECT_FALSE(writer.PutVoipMetrics(1, kMetrics)) << room;
    EXPECT_EQ(Bytes(writer.written().begin(), writer.written().end()), first);
  }
  const std::array<ReportBlock, kReportBlocksMax + 1> many{};
  Bytes out(2000);
  RtcpWriter writer(out);
  EXPECT_FALSE(writer.PutReceiverReport(1, many));
  EXPECT_FALSE(writer.PutSenderReport({}, many));
  EXPECT_FALSE(writer.PutCname(1, std::string(256, 'c')));
  EXPECT_FALSE(writer.PutBye(1, std::string(256, 'c')));
  EXPECT_THAT(writer.written(), IsEmpty());
  EXPECT_TRUE(writer.PutReceiverReport(1, std::span(many).first(kReportBlocksMax)));
}

// 24 bits hold what they hold (A.3).
TEST(RtcpTest, ClampsTheCumulativeLoss) {
  for (const auto& [lost, written] :
       {std::pair{9'000'000, ReportBlock::kLostMax}, std::pair{-9'000'000, ReportBlock::kLostMin},
        std::pair{-1, -1}, std::pair{0, 0}}) {
    const ReportBlock block = {.cumulative_lost = lost};
    const Bytes bytes =
        Written([&](RtcpWriter& w) { return w.PutReceiverReport(1, std::span(&block, 1)); });
    RtcpCompound compound;
    ASSERT_EQ(compound.Index(bytes), RtcpError::kOk);
    uint32_t ssrc = 0;
    ReportBlocks blocks;
    ASSERT_EQ(ParseReceiverReport(*compound.begin(), &ssrc, &blocks), RtcpError::kOk);
    EXPECT_EQ(blocks[0].cumulative_lost, written);
  }
}

Bytes Everything() {
  return FromHex(kSenderReport) + FromHex(kReceiverReport) + FromHex(kSdes) + FromHex(kApp) +
         FromHex(kVoipMetrics) + FromHex(kReferenceTime) + FromHex(kDlrr) + FromHex(kBye);
}

TEST(RtcpTest, IndexesACompoundPacket) {
  const Bytes bytes = Everything();
  RtcpCompound compound;
  ASSERT_EQ(compound.Index(bytes), RtcpError::kOk);
  std::vector<int> types;
  for (const RtcpPacket& packet : compound) types.push_back(static_cast<int>(packet.type));
  EXPECT_THAT(types, ElementsAre(200, 201, 202, 204, 207, 207, 207, 203));
}

// Every truncation is refused, but those that end exactly where a packet does.
TEST(RtcpTest, RefusesEveryTruncation) {
  const Bytes bytes = Everything();
  std::vector<size_t> whole;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    RtcpCompound compound;
    const RtcpError error = compound.Index(cut);
    if (error == RtcpError::kOk) {
      whole.push_back(size);
    } else {
      EXPECT_EQ(error, RtcpError::kShort) << size;
      EXPECT_EQ(compound.size(), 0u);
    }
  }
  EXPECT_THAT(whole, ElementsAre(52, 84, 108, 124, 168, 188, 212));
}

/// The packet with its last words cut off and its length made to fit, so that it can be indexed.
Bytes Shortened(const char* hex, size_t words) {
  Bytes packet = FromHex(hex);
  packet.resize(packet.size() - 4 * words);
  packet[3] = static_cast<uint8_t>(packet.size() / 4 - 1);
  return packet;
}

// A packet that is shorter than its count or its items say: every reader notices, at every length.
TEST(RtcpTest, RefusesPacketsShorterThanTheyClaim) {
  for (size_t words = 1; words <= 12; ++words) {
    const OnePacket one(Shortened(kSenderReport, words));
    SenderReport report;
    ReportBlocks blocks;
    EXPECT_EQ(ParseSenderReport(one.packet(), &report, &blocks), RtcpError::kCount) << words;
    EXPECT_EQ(report, SenderReport{});
    EXPECT_TRUE(blocks.empty());
  }
  for (size_t words = 1; words <= 7; ++words) {
    const OnePacket one(Shortened(kReceiverReport, words));
    uint32_t ssrc = 0;
    ReportBlocks blocks;
    EXPECT_EQ(ParseReceiverReport(one.packet(), &ssrc, &blocks), RtcpError::kCount) << words;
  }
  for (size_t words = 1; words <= 5; ++words) {
    const OnePacket one(Shortened(kSdes, words));
    SdesChunks chunks;
    EXPECT_NE(ParseSdes(one.packet(), &chunks), RtcpError::kOk) << words;
    EXPECT_TRUE(chunks.empty());
  }
  for (size_t words = 2; words <= 2; ++words) {  // One fewer is a BYE without a reason.
    const OnePacket one(Shortened(kBye, words));
    Bye bye;
    EXPECT_EQ(ParseBye(one.packet(), &bye), RtcpError::kCount) << words;
  }
  for (const char* hex : {kVoipMetrics, kReferenceTime, kDlrr}) {
    const size_t all = FromHex(hex).size() / 4 - 1;
    for (size_t words = 1; words <= all; ++words) {
      if (words == all - 1) continue;  // Only the SSRC is left: an XR without blocks.
      const OnePacket one(Shortened(hex, words));
      ExtendedReport report;
      EXPECT_NE(ParseExtendedReport(one.packet(), &report), RtcpError::kOk) << hex << words;
      EXPECT_EQ(report.ssrc, 0u);
    }
  }
}

TEST(RtcpTest, RefusesTextThatLeavesItsPacket) {
  const OnePacket reason(FromHex("81CB0002 11223344 04627965"));
  Bye bye;
  EXPECT_EQ(ParseBye(reason.packet(), &bye), RtcpError::kItem);
  EXPECT_TRUE(bye.ssrcs.empty());

  const OnePacket item(FromHex("81CA0002 11223344 01036162"));
  SdesChunks chunks;
  EXPECT_EQ(ParseSdes(item.packet(), &chunks), RtcpError::kItem);
  const OnePacket unended(FromHex("81CA0002 11223344 01026162"));
  EXPECT_EQ(ParseSdes(unended.packet(), &chunks), RtcpError::kItem);
}

// RFC 3611 §4: blocks whose length is not their type's.
TEST(RtcpTest, RefusesBlocksOfTheWrongLength) {
  ExtendedReport report;
  EXPECT_EQ(ParseExtendedReport(OnePacket(FromHex("80CF0003 11223344 04000001 00000000")).packet(),
                                &report),
            RtcpError::kItem);
  EXPECT_EQ(ParseExtendedReport(OnePacket(FromHex("80CF0003 11223344 05000001 00000000")).packet(),
                                &report),
            RtcpError::kItem);
  EXPECT_EQ(ParseExtendedReport(OnePacket(FromHex("80CF0003 11223344 07000001 00000000")).packet(),
                                &report),
            RtcpError::kItem);
}

// A.2: version, first type, lengths, padding.
TEST(RtcpTest, RefusesWhatIsNoCompoundPacket) {
  RtcpCompound compound;
  EXPECT_EQ(compound.Index(FromHex(kSdes)), RtcpError::kFirstType);
  EXPECT_EQ(compound.Index(FromHex("40C90001 11223344")), RtcpError::kVersion);
  EXPECT_EQ(compound.Index(AfterReport(FromHex("C1CB0000"))), RtcpError::kVersion);
  EXPECT_EQ(compound.Index(FromHex("80C9FFFF 11223344")), RtcpError::kShort);

  Bytes many;
  for (size_t i = 0; i < RtcpCompound::kPacketsMax; ++i) many = many + FromHex("80C90001 00000001");
  EXPECT_EQ(compound.Index(many), RtcpError::kOk);
  EXPECT_EQ(compound.Index(many + FromHex("80C90001 00000001")), RtcpError::kTooMany);
  EXPECT_EQ(compound.size(), 0u);
}

// A.2: only the last packet may be padded, and its last octet counts the padding.
TEST(RtcpTest, TakesPaddingOffTheLastPacket) {
  const Bytes padded = AfterReport(FromHex("A1CB0002 11223344 00000004"));
  RtcpCompound compound;
  ASSERT_EQ(compound.Index(padded), RtcpError::kOk);
  EXPECT_EQ(compound.begin()[1].body.size(), 4u);

  EXPECT_EQ(compound.Index(padded + FromHex("80CB0000")), RtcpError::kPadding);
  for (const char* count : {"00", "03", "0C", "FF"}) {
    EXPECT_EQ(compound.Index(AfterReport(FromHex(std::string("A1CB0002 11223344 000000") + count))),
              RtcpError::kPadding)
        << count;
  }
  EXPECT_EQ(compound.Index(AfterReport(FromHex("A1CB0002 11223344 00000008"))), RtcpError::kOk);
}

TEST(RtcpTest, ReadersRefuseOtherTypes) {
  const OnePacket bye(FromHex(kBye));
  SenderReport report;
  ReportBlocks blocks;
  uint32_t ssrc = 0;
  SdesChunks chunks;
  ExtendedReport extended;
  Bye left;
  EXPECT_EQ(ParseSenderReport(bye.packet(), &report, &blocks), RtcpError::kType);
  EXPECT_EQ(ParseReceiverReport(bye.packet(), &ssrc, &blocks), RtcpError::kType);
  EXPECT_EQ(ParseSdes(bye.packet(), &chunks), RtcpError::kType);
  EXPECT_EQ(ParseExtendedReport(bye.packet(), &extended), RtcpError::kType);
  EXPECT_EQ(ParseBye(*OnePacket(FromHex(kSdes)).compound.begin(), &left), RtcpError::kType);
}

}  // namespace
}  // namespace core::rtp

// Goal: a binary format is read and written in network order and never past the end; what does not
// fit is said once and leaves what stood before it good.

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "core/buffer/byte_reader.h"
#include "core/buffer/byte_writer.h"

namespace core {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(ByteReaderTest, TakesNumbersInNetworkOrder) {
  const Bytes bytes = {1, 2, 3, 4, 5, 6, 7, 'a', 'b'};
  ByteReader in(bytes);
  uint8_t first = 0;
  uint16_t second = 0;
  uint32_t third = 0;
  std::string_view text;
  ASSERT_TRUE(in.Take8(&first) && in.Take16(&second) && in.Take32(&third));
  ASSERT_TRUE(in.TakeText(2, &text));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0x0203);
  EXPECT_EQ(third, 0x04050607u);
  EXPECT_EQ(text, "ab");
  EXPECT_TRUE(in.AtEnd());
}

TEST(ByteReaderTest, NeverPassesTheEnd) {
  const Bytes bytes = {1, 2, 3};
  ByteReader in(bytes);
  uint32_t number = 99;
  std::span<const uint8_t> span;
  EXPECT_FALSE(in.Take32(&number));
  EXPECT_FALSE(in.TakeBytes(4, &span));
  EXPECT_FALSE(in.TakeBytes(SIZE_MAX, &span));
  EXPECT_EQ(number, 99u);
  EXPECT_EQ(in.left(), 3u);
  uint16_t half = 0;
  EXPECT_TRUE(in.Take16(&half));
  EXPECT_FALSE(in.Take16(&half));
  uint8_t last = 0;
  EXPECT_TRUE(in.Take8(&last));
  EXPECT_FALSE(in.Take8(&last));
  EXPECT_EQ(last, 3);
}

TEST(ByteWriterTest, WritesInNetworkOrder) {
  std::array<uint8_t, 12> out{};
  ByteWriter writer(out);
  writer.Put8(1);
  writer.Put16(0);
  writer.Put32(0x04050607);
  writer.PutText("ab");
  writer.PutZeros(3);
  writer.Patch16(1, 0x0203);
  EXPECT_TRUE(writer.fits());
  EXPECT_EQ(Bytes(writer.written().begin(), writer.written().end()),
            (Bytes{1, 2, 3, 4, 5, 6, 7, 'a', 'b', 0, 0, 0}));
}

TEST(ByteWriterTest, WritesNothingAfterWhatDidNotFit) {
  std::array<uint8_t, 4> out{};
  ByteWriter writer(out);
  writer.Put16(0x0102);
  writer.Put32(0xffffffff);
  writer.Put8(9);  // Would fit by itself; the format would have a hole.
  EXPECT_FALSE(writer.fits());
  EXPECT_EQ(writer.size(), 2u);
  EXPECT_EQ(out, (std::array<uint8_t, 4>{1, 2, 0, 0}));

  writer.Rewind(1);
  writer.Put8(7);
  EXPECT_TRUE(writer.fits());
  EXPECT_EQ(out, (std::array<uint8_t, 4>{1, 7, 0, 0}));
}

}  // namespace
}  // namespace core

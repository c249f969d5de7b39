#include "loadgen/media/media_mark.h"

#include "core/base/check.h"
#include "core/buffer/byte_reader.h"
#include "core/buffer/byte_writer.h"

namespace loadgen {
namespace {

constexpr uint32_t kMagic = 0x52466d6b;  // "RFmk"

}  // namespace

void MediaMark::Write(std::span<uint8_t> payload) const {
  CHECK(payload.size() >= kBytes);
  const auto time = static_cast<uint64_t>(sent.time_since_epoch().count());
  uint8_t* at = payload.data();
  for (const uint32_t word : {kMagic, sender.run, sender.call, heard.run, heard.call, sequence,
                              static_cast<uint32_t>(time >> 32), static_cast<uint32_t>(time)}) {
    core::StoreBig32(word, at);
    at += sizeof(word);
  }
}

bool MediaMark::Read(std::span<const uint8_t> payload) {
  if (payload.size() < kBytes || core::LoadBig32(payload.data()) != kMagic) return false;
  const auto word = [payload](size_t index) { return core::LoadBig32(&payload[4 * index]); };
  sender = {word(1), word(2)};
  heard = {word(3), word(4)};
  sequence = word(5);
  const uint64_t time = uint64_t{word(6)} << 32 | word(7);
  sent = core::Instant(core::Duration(static_cast<int64_t>(time)));
  return sender.run != 0;
}

bool MarkReader::IsMisrouted(const MediaMark& mark, const CallIdentity& own) const {
  if (mark.sender == own) return false;
  // A generator makes calls or takes them: two of one run are no ends of one call, and what another
  // of ours sent came back to us, who did not send it.
  if (mark.sender.run == own.run) return true;
  if (mark.heard.run != 0 && mark.heard != own) return true;
  return peer_.run != 0 && mark.sender != peer_;
}

MarkFate MarkReader::OnMark(const MediaMark& mark, const CallIdentity& own) {
  if (mark.sender == own) return MarkFate::kEchoed;
  if (IsMisrouted(mark, own)) return MarkFate::kMisrouted;
  peer_ = mark.sender;
  if (mark.heard == own) is_mutual_ = true;
  const uint64_t count = uint64_t{mark.sequence} + 1;
  if (count > expected_) {
    const uint64_t steps = count - expected_;
    window_ = (steps >= kWindow ? 0 : window_ << steps) | 1;
    expected_ = count;
    ++received_;
    return MarkFate::kNew;
  }
  const uint64_t behind = expected_ - count;
  if (behind < kWindow) {
    const uint64_t bit = uint64_t{1} << behind;
    if ((window_ & bit) != 0) return MarkFate::kDuplicate;
    window_ |= bit;
  }
  ++received_;
  return MarkFate::kNew;
}

}  // namespace loadgen

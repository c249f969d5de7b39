#include "core/sdp/codec.h"

#include <array>

#include "core/base/ascii.h"

namespace core::sdp {
namespace {

struct Row {
  Codec codec;
  std::string_view name;
};

// By the enum, the registered name first; further names of the same codec behind them.
constexpr Row kRows[] = {
    {Codec::kUnknown, ""},
    {Codec::kPcmu, "PCMU"},
    {Codec::kPcma, "PCMA"},
    {Codec::kG722, "G722"},
    {Codec::kG729, "G729"},
    {Codec::kOpus, "opus"},
    {Codec::kGsm, "GSM"},
    {Codec::kG723, "G723"},
    {Codec::kG728, "G728"},
    {Codec::kG726, "G726-32"},
    {Codec::kIlbc, "iLBC"},
    {Codec::kAmr, "AMR"},
    {Codec::kAmrWb, "AMR-WB"},
    {Codec::kEvs, "EVS"},
    {Codec::kSpeex, "speex"},
    {Codec::kL16, "L16"},
    {Codec::kTelephoneEvent, "telephone-event"},
    {Codec::kComfortNoise, "CN"},
    {Codec::kRedundancy, "red"},
    {Codec::kRetransmission, "rtx"},
    {Codec::kG729, "G729A"},  // Older gateways write the annexes they use into the name.
    {Codec::kG729, "G729AB"},
    {Codec::kG726, "G726-16"},
    {Codec::kG726, "G726-24"},
    {Codec::kG726, "G726-40"},
};

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kCodecCount; ++i) {
    if (static_cast<size_t>(kRows[i].codec) != i) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

constexpr std::array<StaticPayload, kStaticPayloadsMax> MakeStaticPayloads() {
  std::array<StaticPayload, kStaticPayloadsMax> table{};
  table[0] = {"PCMU", 8000, 1, Codec::kPcmu};
  table[3] = {"GSM", 8000, 1, Codec::kGsm};
  table[4] = {"G723", 8000, 1, Codec::kG723};
  table[5] = {"DVI4", 8000, 1, Codec::kUnknown};
  table[6] = {"DVI4", 16000, 1, Codec::kUnknown};
  table[7] = {"LPC", 8000, 1, Codec::kUnknown};
  table[8] = {"PCMA", 8000, 1, Codec::kPcma};
  table[9] = {"G722", 8000, 1, Codec::kG722};  // Samples at 16 kHz; the RTP clock is 8000 (§4.5.2).
  table[10] = {"L16", 44100, 2, Codec::kL16};
  table[11] = {"L16", 44100, 1, Codec::kL16};
  table[12] = {"QCELP", 8000, 1, Codec::kUnknown};
  table[13] = {"CN", 8000, 1, Codec::kComfortNoise};
  table[14] = {"MPA", 90000, 1, Codec::kUnknown};
  table[15] = {"G728", 8000, 1, Codec::kG728};
  table[16] = {"DVI4", 11025, 1, Codec::kUnknown};
  table[17] = {"DVI4", 22050, 1, Codec::kUnknown};
  table[18] = {"G729", 8000, 1, Codec::kG729};
  table[25] = {"CelB", 90000, 1, Codec::kUnknown};
  table[26] = {"JPEG", 90000, 1, Codec::kUnknown};
  table[28] = {"nv", 90000, 1, Codec::kUnknown};
  table[31] = {"H261", 90000, 1, Codec::kUnknown};
  table[32] = {"MPV", 90000, 1, Codec::kUnknown};
  table[33] = {"MP2T", 90000, 1, Codec::kUnknown};
  table[34] = {"H263", 90000, 1, Codec::kUnknown};
  return table;
}
constexpr std::array<StaticPayload, kStaticPayloadsMax> kStaticPayloads = MakeStaticPayloads();
constexpr StaticPayload kDynamic;

}  // namespace

Codec FindCodec(std::string_view encoding) {
  if (encoding.empty()) return Codec::kUnknown;
  const char first = LowerCase(encoding[0]);
  for (const Row& row : kRows) {
    if (row.name.size() == encoding.size() && LowerCase(row.name[0]) == first &&
        EqualsIgnoreCase(row.name, encoding)) {
      return row.codec;
    }
  }
  return Codec::kUnknown;
}

std::string_view Name(Codec codec) { return kRows[static_cast<size_t>(codec)].name; }

const StaticPayload& FindStaticPayload(uint8_t payload_type) {
  return payload_type < kStaticPayloadsMax ? kStaticPayloads[payload_type] : kDynamic;
}

}  // namespace core::sdp

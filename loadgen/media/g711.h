#pragma once

#include <cstdint>

namespace loadgen {

/// One linear sample of 16 bits as G.711 has it (ITU-T G.711, tables 1a and 2a): the nearest code
/// whose interval holds it.
uint8_t EncodeMuLaw(int16_t sample);
uint8_t EncodeALaw(int16_t sample);

/// And back: the middle of the code's interval.
int16_t DecodeMuLaw(uint8_t code);
int16_t DecodeALaw(uint8_t code);

}  // namespace loadgen

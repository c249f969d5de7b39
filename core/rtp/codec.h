#pragma once

#include <cstdint>
#include <optional>

#include "core/base/instant.h"

namespace core::rtp {

/// The codecs whose names the SDP of this trade holds, as far as quality is judged.
enum class Codec : uint8_t { kUnknown, kPcmu, kPcma, kG722, kG729, kOpus };

/// What ITU-T G.113 publishes of a codec for the E-model.
struct CodecImpairment {
  double ie = 0;              // At no loss.
  std::optional<double> bpl;  // Without one, a stream with loss cannot be judged.
  Duration look_ahead{};      // Beyond the packet itself.

  friend bool operator==(const CodecImpairment&, const CodecImpairment&) = default;
};

/// Errors: nullopt where nothing is published: such a stream has no MOS.
///
/// PCMU, PCMA  Ie 0, Bpl 25.1: G.113 Appendix I, G.711 with the concealment of its own
///             Appendix I. (Without it Bpl is 4.3; what a telephone really does is not told.)
/// G729        Ie 11, Bpl 19.0: G.113 Appendix I, G.729A with VAD, the only G.729 that has a Bpl:
///             annexb=yes is the default (RFC 4856), so most calls are of that kind.
/// G722        G.113 rates it on the wideband scale only, whose best is 129 where narrow band's is
///             93.2: Ie,wb 13 (Appendix IV, 64 kbit/s) leaves 116. As narrow band rates it, it is
///             better than all that narrow band can say: Ie 0. No Bpl was published.
/// opus        Nothing was published: the values in circulation are research or guesses.
inline std::optional<CodecImpairment> ImpairmentOf(Codec codec) {
  using std::chrono::microseconds;
  switch (codec) {
    case Codec::kPcmu:
    case Codec::kPcma:
      return CodecImpairment{.ie = 0, .bpl = 25.1};
    case Codec::kG729:
      return CodecImpairment{.ie = 11, .bpl = 19.0, .look_ahead = microseconds(5000)};
    case Codec::kG722:
      return CodecImpairment{.ie = 0, .bpl = std::nullopt, .look_ahead = microseconds(1500)};
    case Codec::kOpus:
    case Codec::kUnknown:
      break;
  }
  return std::nullopt;
}

/// Those that were heard in a span, a bit each.
struct CodecSet {
  uint8_t bits = 0;

  void Add(Codec codec) { bits |= static_cast<uint8_t>(1u << static_cast<uint32_t>(codec)); }
  bool Has(Codec codec) const { return (bits >> static_cast<uint32_t>(codec) & 1) != 0; }
};

/// By whose values a span is judged in which `heard` were, or, of a span without voice, `present`.
///
/// Errors: kUnknown where their values differ: the E-model knows one codec, no mix of several.
inline Codec JudgedBy(CodecSet heard, Codec present) {
  std::optional<Codec> judged;
  for (const Codec codec :
       {Codec::kUnknown, Codec::kPcmu, Codec::kPcma, Codec::kG722, Codec::kG729, Codec::kOpus}) {
    if (!heard.Has(codec)) continue;
    if (judged.has_value() && ImpairmentOf(*judged) != ImpairmentOf(codec)) return Codec::kUnknown;
    judged = codec;
  }
  return judged.value_or(present);
}

}  // namespace core::rtp

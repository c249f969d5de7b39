#pragma once

namespace core::rtp {

/// One connection in the words and with the defaults of ITU-T G.107 (06/2015) §7.7. Who knows
/// nothing of the telephones at both ends leaves them so.
///
/// Shape: dB, ms, percent and ratios, as the names of §7.7 say.
struct Transmission {
  double slr = 8;        // Send loudness rating, dB.
  double rlr = 2;        // Receive loudness rating, dB.
  double stmr = 15;      // Sidetone masking rating, dB.
  double ds = 3;         // D-value of the telephone, send side.
  double dr = 3;         // And receive side: the listener sidetone rating is STMR + Dr.
  double telr = 65;      // Talker echo loudness rating, dB.
  double wepl = 110;     // Weighted echo path loss, dB.
  double t_ms = 0;       // Mean one-way delay of the echo path.
  double tr_ms = 0;      // Round-trip delay in a four-wire loop.
  double ta_ms = 0;      // Absolute delay in echo-free connections: mouth to ear.
  double qdu = 1;        // Number of quantization distortion units.
  double ie = 0;         // Equipment impairment factor of the codec.
  double bpl = 4.3;      // Its packet-loss robustness factor.
  double ppl = 0;        // Random packet-loss probability, percent.
  double burst_r = 1;    // Burst ratio: 1 is random.
  double nc = -70;       // Circuit noise at the 0 dBr point, dBm0p.
  double nfor = -64;     // Noise floor at the receive side, dBmp.
  double ps = 35;        // Room noise at the send side, dB(A).
  double pr = 35;        // And at the receive side.
  double advantage = 0;  // A: what users forgive for mobility; 0 for wires.
};

/// The transmission rating factor R (§7.1): 93.2 with every default. May be below 0.
double Rating(const Transmission& connection);

/// Id alone, the part of R that delay and echo take (§7.4).
double DelayImpairment(const Transmission& connection);

/// Ie-eff: the codec's own impairment, and what loss adds (§7.5).
double EffectiveEquipmentImpairment(double ie, double bpl, double ppl, double burst_r);

/// The estimated mean opinion score of a rating (Annex B): 1 to 4.5.
double MosOf(double r);

}  // namespace core::rtp

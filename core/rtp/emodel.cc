#include "core/rtp/emodel.h"

#include <algorithm>
#include <cmath>

namespace core::rtp {
namespace {

// The symbols are the Recommendation's; a comment names what each function computes of §7.2 to 7.5.

double PowerSum(double a, double b, double c, double d) {  // Of levels in dB.
  return 10 * std::log10(std::pow(10, a / 10) + std::pow(10, b / 10) + std::pow(10, c / 10) +
                         std::pow(10, d / 10));
}

// §7.2, No: all noise, as one level at the 0 dBr point.
double NoiseSum(const Transmission& c) {
  const double olr = c.slr + c.rlr;
  const double nos = c.ps - c.slr - c.ds - 100 + 0.004 * std::pow(c.ps - olr - c.ds - 14, 2);
  const double lstr = c.stmr + c.dr;
  const double pre = c.pr + 10 * std::log10(1 + std::pow(10, (10 - lstr) / 10));
  const double nor = c.rlr - 121 + pre + 0.008 * std::pow(pre - 35, 2);
  const double nfo = c.nfor + c.rlr;
  return PowerSum(c.nc, nos, nor, nfo);
}

// §7.2, Ro.
double BasicSignalToNoise(const Transmission& c, double no) { return 15 - 1.5 * (c.slr + no); }

// §7.3, Ist: sidetone that is too loud or too quiet.
double SidetoneImpairment(const Transmission& c) {
  const double stmro = -10 * std::log10(std::pow(10, -c.stmr / 10) +
                                        std::exp(-c.t_ms / 4) * std::pow(10, -c.telr / 10));
  return 12 * std::pow(1 + std::pow((stmro - 13) / 6, 8), 1.0 / 8) -
         28 * std::pow(1 + std::pow((stmro + 1) / 19.4, 35), 1.0 / 35) -
         13 * std::pow(1 + std::pow((stmro - 3) / 33, 13), 1.0 / 13) + 29;
}

// §7.3, Is = Iolr + Ist + Iq: what comes with the voice: loudness, sidetone, quantization.
double SimultaneousImpairment(const Transmission& c, double ro, double no) {
  const double xolr = c.slr + c.rlr + 0.2 * (64 + no - c.rlr);
  const double iolr = 20 * (std::pow(1 + std::pow(xolr / 8, 8), 1.0 / 8) - xolr / 8);
  const double q = 37 - 15 * std::log10(c.qdu);
  const double g = 1.07 + 0.258 * q + 0.0602 * q * q;
  const double y = (ro - 100) / 15 + 46 / 8.4 - g / 9;
  const double z = 46.0 / 30 - g / 40;
  const double iq = 15 * std::log10(1 + std::pow(10, y) + std::pow(10, z));
  return iolr + SidetoneImpairment(c) + iq;
}

// §7.4, Idte: the talker hears himself.
double TalkerEcho(const Transmission& c, double no) {
  const double telr = c.telr - 40 * std::log10((1 + c.t_ms / 10) / (1 + c.t_ms / 150)) +
                      6 * std::exp(-0.3 * c.t_ms * c.t_ms);
  const double ist = SidetoneImpairment(c);
  const double masked = c.stmr < 9 ? telr + ist / 2 : telr;
  const double roe = -1.5 * (no - c.rlr);
  const double re = 80 + 2.5 * (masked - 14);
  const double half = (roe - re) / 2;
  const double idte = (half + std::sqrt(half * half + 100) - 1) * (1 - std::exp(-c.t_ms));
  return c.stmr > 20 ? std::hypot(idte, ist) : idte;
}

// §7.4, Idle: the listener hears the voice twice.
double ListenerEcho(const Transmission& c, double ro) {
  const double rle = 10.5 * (c.wepl + 7) * std::pow(c.tr_ms + 1, -0.25);
  const double half = (ro - rle) / 2;
  return half + std::sqrt(half * half + 169);
}

// §7.4, Idd: an answer that comes too late, without any echo (sT and mT at their defaults).
double PureDelay(double ta_ms) {
  if (ta_ms <= 100) return 0;
  const double x = std::log2(ta_ms / 100);
  return 25 * (std::pow(1 + std::pow(x, 6), 1.0 / 6) -
               3 * std::pow(1 + std::pow(x / 3, 6), 1.0 / 6) + 2);
}

double DelayImpairmentOf(const Transmission& c, double ro, double no) {
  return TalkerEcho(c, no) + ListenerEcho(c, ro) + PureDelay(c.ta_ms);
}

}  // namespace

double Rating(const Transmission& connection) {
  const double no = NoiseSum(connection);
  const double ro = BasicSignalToNoise(connection, no);
  return ro - SimultaneousImpairment(connection, ro, no) - DelayImpairmentOf(connection, ro, no) -
         EffectiveEquipmentImpairment(connection.ie, connection.bpl, connection.ppl,
                                      connection.burst_r) +
         connection.advantage;
}

double DelayImpairment(const Transmission& connection) {
  const double no = NoiseSum(connection);
  return DelayImpairmentOf(connection, BasicSignalToNoise(connection, no), no);
}

double EffectiveEquipmentImpairment(double ie, double bpl, double ppl, double burst_r) {
  if (ppl <= 0) return ie;
  return ie + (95 - ie) * ppl / (ppl / burst_r + bpl);
}

double MosOf(double r) {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  // Below 6.5 the polynomial dips under 1, which no opinion can.
  return std::max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0);
}

}  // namespace core::rtp

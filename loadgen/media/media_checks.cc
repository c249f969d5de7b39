#include "loadgen/media/media_checks.h"

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/rtp/dtmf.h"
#include "loadgen/element_reader.h"
#include "loadgen/media/digit_list.h"

namespace loadgen {

absl::Status LoadMediaChecks(const ElementReader& in, MediaChecks* checks) {
  if (in.Has("rf_min_mos")) {
    RETURN_IF_ERROR(in.Number("rf_min_mos", &checks->mos_min.emplace()));
    if (*checks->mos_min < 1 || *checks->mos_min > 4.5) {
      return in.Error(
          core::Concat("rf_min_mos=\"", *in.Text("rf_min_mos"), "\": wanted a MOS, 1 to 4.5"));
    }
  }
  if (in.Has("rf_max_loss")) {
    RETURN_IF_ERROR(in.Number("rf_max_loss", &checks->loss_max_percent.emplace()));
    if (*checks->loss_max_percent < 0 || *checks->loss_max_percent > 100) {
      return in.Error(core::Concat("rf_max_loss=\"", *in.Text("rf_max_loss"),
                                   "\": wanted a percentage, 0 to 100"));
    }
  }
  if (in.Has("rf_max_jitter")) {
    RETURN_IF_ERROR(in.Milliseconds("rf_max_jitter", &checks->jitter_max.emplace()));
  }
  if (in.Has("rf_max_gap")) {
    RETURN_IF_ERROR(in.Milliseconds("rf_max_gap", &checks->gap_max.emplace()));
  }
  RETURN_IF_ERROR(in.Bool("rf_two_way", &checks->two_way));
  if (const std::optional<std::string_view> digits = in.Text("rf_dtmf")) {
    DigitList list;
    if (digits->find(',') != std::string_view::npos || !ParseDigitList(*digits, &list)) {
      return in.Error(core::Concat("rf_dtmf=\"", *digits, "\": wanted 1 to ", DigitList::kDigitsMax,
                                   " of 0-9 * # A-D"));
    }
    for (const char digit : *digits) {  // As they are received: in capitals.
      checks->digits += core::rtp::DigitOf(core::rtp::EventOf(digit).value_or(0));
    }
  }
  if (!checks->any()) return absl::OkStatus();
  if (in.name() == "pause" || in.name() == "timewait") {
    return in.Error("a check of media: wanted it on a <nop>, a <recv> or a <send>");
  }
  in.state()->scenario->uses_media = true;
  return absl::OkStatus();
}

}  // namespace loadgen

#include "sbc/control/call_log.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "sbc/control/media_words.h"
#include "sbc/control/record_text.h"

namespace sbc {
namespace {

constexpr std::string_view kTruncated = " truncated=true";

void AppendText(std::string_view key, std::string_view value, std::string* out) {
  if (value.empty()) return;
  out->append(key);
  AppendValue(value, out);
}

void AppendSpan(std::string_view key, core::WallTime from, core::WallTime to, std::string* out) {
  if (from.unix_us == 0 || to.unix_us == 0) return;
  // The wall clock may have been set back meanwhile.
  const int64_t us = std::max<int64_t>(to.unix_us - from.unix_us, 0);
  out->append(key);
  AppendMilliseconds(std::chrono::microseconds(us), out);
}

// The trunk is one route without a place in the configuration's list.
void AppendRouteName(CallDirection direction, unsigned route, std::string* out) {
  if (direction == CallDirection::kTermination) {
    out->append("trunk");
    return;
  }
  out->append("routes[");
  AppendNumber(route, out);
  out->push_back(']');
}

void AppendSkips(CallDirection direction, uint32_t skipped, std::string_view reason,
                 std::string* out) {
  for (; skipped != 0; skipped &= skipped - 1) {
    AppendRouteName(direction, static_cast<unsigned>(std::countr_zero(skipped)), out);
    out->append(" skipped: ").append(reason).append("; ");
  }
}

}  // namespace

void AppendRoutes(CallDirection direction, const RouteTrace& trace, std::string* out) {
  const size_t begin = out->size();
  if (trace.last_resort) out->append("all down, so all are tried; ");
  AppendSkips(direction, trace.skipped_own, "our own address", out);
  AppendSkips(direction, trace.skipped_unresolved, "no address", out);
  AppendSkips(direction, trace.skipped_down, "down", out);
  for (const RouteTrace::Step& step : trace.steps) {
    if (trace.more_steps > 0 && &step == trace.steps.end() - 1) {
      AppendNumber(trace.more_steps, out);
      out->append(" more attempts; ");
    }
    AppendRouteName(direction, step.route, out);
    const core::Endpoint::Text endpoint = step.endpoint.text();
    out->append(" ").append(endpoint.view()).append(" ").append(RouteEventName(step.event));
    if (step.status_code != 0) {
      out->push_back(' ');
      AppendNumber(step.status_code, out);
    }
    out->append(" after ");
    AppendNumber(step.after_ms, out);
    out->append(" ms; ");
  }
  if (out->size() > begin) out->resize(out->size() - 2);
}

void AppendCallLine(const CallReport& report, std::string* out) {
  const CallRecord& record = report.call;
  const size_t begin = out->size();
  out->append("time=");
  AppendTime(record.ended, out);
  out->append(" level=info event=call id=");
  AppendUuid(record.transaction_id, out);
  AppendText(" connector=", record.connector_id.view(), out);
  out->append(" direction=").append(DirectionName(record.direction));
  out->append(" end=").append(CallEndName(record.end));
  if (record.cause) out->append(" cause=").append(RejectionCauseName(*record.cause));
  if (record.status_code != 0) {
    out->append(" status=");
    AppendNumber(record.status_code, out);
  }
  if (record.emergency) out->append(" emergency=true");
  AppendText(" from=", record.caller.view(), out);
  AppendText(" from_sent=", record.caller_sent.view(), out);
  AppendText(" to=", record.called.view(), out);
  AppendText(" source=", record.source.view(), out);
  AppendSpan(" ring_ms=", record.started, record.ringing, out);
  if (record.answered.unix_us != 0) {
    out->append(" setup_ms=");
    AppendMilliseconds(std::max(record.setup, core::Duration::zero()), out);
  }
  AppendSpan(" talk_ms=", record.answered, record.ended, out);
  AppendText(" detail=", record.detail.view(), out);
  out->append(" routes=\"");  // All of it is ours: no quote, nothing to escape.
  AppendRoutes(record.direction, record.routes, out);
  out->push_back('"');
  AppendText(" caller_call_id=", record.caller_call_id.view(), out);
  AppendText(" callee_call_id=", record.callee_call_id.view(), out);
  AppendMedia(report.media, out);
  if (out->size() - begin >= kCallLineMax) {
    out->resize(begin + kCallLineMax - 1 - kTruncated.size());
    out->append(kTruncated);
  }
  out->push_back('\n');
}

}  // namespace sbc

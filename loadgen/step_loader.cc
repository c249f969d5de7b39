#include "loadgen/step_loader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/action_loader.h"

namespace loadgen {
namespace {

// The index of `name` in `names`, added where it is new.
uint16_t IndexOf(std::string_view name, std::vector<std::string>* names) {
  const auto found = std::find(names->begin(), names->end(), name);
  const auto index = static_cast<uint16_t>(found - names->begin());
  if (found == names->end()) names->emplace_back(name);
  return index;
}

uint16_t RtdIndex(std::string_view name, LoadState* state) {
  if (name == "false") return kNoIndex;
  const uint16_t index = IndexOf(name == "true" ? "1" : name, &state->scenario->rtds);
  state->rtds.resize(state->scenario->rtds.size());
  return index;
}

LoadState::Transaction* UseTransaction(const ElementReader& in, const char* attribute,
                                       uint16_t* index) {
  const std::optional<std::string_view> name = in.Text(attribute);
  if (!name) return nullptr;
  LoadState* state = in.state();
  *index = IndexOf(*name, &state->scenario->transactions);
  state->transactions.resize(state->scenario->transactions.size());
  LoadState::Transaction& transaction = state->transactions[*index];
  if (transaction.line == 0) transaction.line = in.line();
  return &transaction;
}

absl::Status LoadTransactions(const ElementReader& in, SendStep* send) {
  const bool is_ack = send->message.method == "ACK";
  if (in.Has("start_txn") && (is_ack || send->message.is_response())) {
    return in.Error("start_txn: wanted a request other than ACK");
  }
  if (in.Has("ack_txn") && !is_ack) return in.Error("ack_txn: wanted an ACK");
  if (auto* started = UseTransaction(in, "start_txn", &send->start_transaction)) {
    started->started = true;
    if (send->message.method == "INVITE") started->invite = true;
  } else if (auto* acknowledged = UseTransaction(in, "ack_txn", &send->ack_transaction)) {
    acknowledged->acknowledged = true;
  } else {
    in.state()->sent_methods += send->message.method;
  }
  return absl::OkStatus();
}

absl::Status LoadSend(const ElementReader& in, Step* step) {
  const std::optional<std::string_view> cdata = in.element().Cdata();
  if (!cdata) return in.Error("wanted a message in <![CDATA[ ... ]]>");
  absl::StatusOr<SendTemplate> message = CompileSend(*cdata, in.Scope());
  if (!message.ok()) return in.Annotate(message.status());
  SendStep send;
  send.message = *std::move(message);
  for (const MessageTemplate::Segment& segment : send.message.message.segments()) {
    if (segment.keyword == Keyword::kRtpStreamAudioPort) in.state()->scenario->uses_media = true;
  }
  RETURN_IF_ERROR(LoadTransactions(in, &send));
  RETURN_IF_ERROR(in.Milliseconds("retrans", &send.retransmit));
  if (in.Has("timeout"))
    in.Warn("the attribute timeout is ignored: a send over UDP waits for nobody");
  step->what = std::move(send);
  return absl::OkStatus();
}

absl::Status LoadExpected(const ElementReader& in, RecvStep* recv) {
  bool is_pattern = false;
  RETURN_IF_ERROR(in.Bool("regexp_match", &is_pattern));
  const std::optional<std::string_view> response = in.Text("response");
  const std::optional<std::string_view> request = in.Text("request");
  if (!response && !request) return in.Error("wanted one of the attributes request and response");
  if (response && request) return in.Error("request and response: wanted one of them");
  recv->is_response = response.has_value();
  if (is_pattern) {
    absl::StatusOr<RegularExpression> pattern =
        RegularExpression::Compile(response ? *response : *request, false);
    if (!pattern.ok()) return in.Annotate(pattern.status());
    recv->pattern.emplace(*std::move(pattern));
  } else if (response) {
    int64_t code = 0;
    RETURN_IF_ERROR(in.Whole("response", 100, 699, &code));
    recv->response = static_cast<uint16_t>(code);
  } else {
    recv->request = std::string(*request);
    recv->request_id = core::sip::FindMethod(*request);
  }
  if (request && in.Has("response_txn")) return in.Error("response_txn: wanted response=");
  if (auto* answered = UseTransaction(in, "response_txn", &recv->response_transaction)) {
    answered->answered = true;
  }
  if (response) recv->sent_methods = in.state()->sent_methods;
  return absl::OkStatus();
}

absl::Status LoadRecv(const ElementReader& in, Step* step) {
  RecvStep recv;
  RETURN_IF_ERROR(LoadExpected(in, &recv));
  if (const std::optional<std::string_view> optional = in.Text("optional")) {
    if (*optional == "true") {
      recv.optional = RecvStep::Optional::kYes;
    } else if (*optional == "global") {
      recv.optional = RecvStep::Optional::kGlobal;
    } else if (*optional != "false") {
      return in.Error(core::Concat("optional=\"", *optional, "\": wanted true, false or global"));
    }
  }
  RETURN_IF_ERROR(in.Bool("advance_state", &recv.advance_state));
  if (!recv.advance_state && recv.optional == RecvStep::Optional::kNo) {
    return in.Error("advance_state=\"false\": wanted an optional recv");
  }
  RETURN_IF_ERROR(in.Bool("rrs", &recv.record_route_set));
  RETURN_IF_ERROR(in.Bool("auth", &recv.authenticate));
  RETURN_IF_ERROR(in.Milliseconds("timeout", &recv.timeout));
  in.state()->after_optional_recv = recv.optional != RecvStep::Optional::kNo;
  step->what = std::move(recv);
  return absl::OkStatus();
}

absl::Status LoadPause(const ElementReader& in, Step* step) {
  PauseStep pause;
  pause.is_timewait = in.name() == "timewait";
  if (in.Has("variable")) {
    pause.source = PauseStep::Source::kVariable;
    RETURN_IF_ERROR(in.RequiredVariable("variable", &pause.variable));
    step->what = pause;
    return absl::OkStatus();
  }
  bool found = false;
  RETURN_IF_ERROR(LoadDistribution(in, true, &pause.duration_ms, &found));
  if (!found && in.Has("milliseconds")) {
    found = true;
    RETURN_IF_ERROR(in.Number("milliseconds", &pause.duration_ms.first));
    if (pause.duration_ms.first < 0) in.Warn("milliseconds is below 0: no pause at all");
  }
  if (found) pause.source = PauseStep::Source::kDistribution;
  bool check = true;
  RETURN_IF_ERROR(in.Bool("sanity_check", &check));
  if (found && check && pause.duration_ms.Percentile99() > INT32_MAX) {
    return in.Error(
        "more than one pause in a hundred is longer than 24 days; wanted shorter ones, "
        "or sanity_check=\"false\"");
  }
  step->what = pause;
  return absl::OkStatus();
}

absl::Status LoadNext(const ElementReader& in, size_t index, Step* step) {
  LoadState* state = in.state();
  if (const std::optional<std::string_view> label = in.Text("next")) {
    state->label_uses.push_back({index, false, std::string(*label), in.line()});
    // Without `next` there is nothing to test for: then SIPp reads neither of the two.
    RETURN_IF_ERROR(in.Variable("test", &step->test));
    RETURN_IF_ERROR(in.Number("chance", &step->chance));
    if (step->chance < 0 || step->chance > 1) {
      return in.Error(core::Concat("chance=\"", *in.Text("chance"), "\": wanted 0 to 1"));
    }
  }
  if (const std::optional<std::string_view> label = in.Text("ontimeout")) {
    state->label_uses.push_back({index, true, std::string(*label), in.line()});
  }
  return absl::OkStatus();
}

absl::Status LoadCommon(const ElementReader& in, size_t index, Step* step) {
  LoadState* state = in.state();
  step->line = in.line();
  if (const std::optional<std::string_view> rtd = in.Text("start_rtd")) {
    step->start_rtd = RtdIndex(*rtd, state);
    if (step->start_rtd != kNoIndex) state->rtds[step->start_rtd].started_line = in.line();
  }
  if (const std::optional<std::string_view> rtd = in.Text("rtd")) {
    step->stop_rtd = RtdIndex(*rtd, state);
    if (step->stop_rtd != kNoIndex) state->rtds[step->stop_rtd].stopped = true;
  }
  if (in.Has("repeat_rtd") && !in.Has("rtd")) return in.Error("repeat_rtd: wanted rtd beside it");
  RETURN_IF_ERROR(in.Bool("repeat_rtd", &step->repeat_rtd));
  if (const std::optional<std::string_view> counter = in.Text("counter")) {
    step->counter = IndexOf(*counter, &state->scenario->counters);
  }
  RETURN_IF_ERROR(LoadNext(in, index, step));
  RETURN_IF_ERROR(in.Variable("condexec", &step->condition));
  if (step->condition) {  // Else there is nothing to turn round, and SIPp runs the step.
    RETURN_IF_ERROR(in.Bool("condexec_inverse", &step->condition_inverse));
  }
  if (in.Has("lost")) {
    RETURN_IF_ERROR(in.Number("lost", &step->lost_percent));
    if (step->lost_percent < 0 || step->lost_percent > 100) {
      return in.Error(
          core::Concat("lost=\"", *in.Text("lost"), "\": wanted a percentage, 0 to 100"));
    }
  }
  RETURN_IF_ERROR(in.Bool("hide", &step->hidden));
  for (const char* of_sipps_screen : {"crlf", "display", "hiderest"}) (void)in.Has(of_sipps_screen);
  RETURN_IF_ERROR(in.Bool("ignoresdp", &step->ignore_sdp));
  return LoadMediaChecks(in, &step->media);
}

absl::Status LoadNop(const ElementReader&, Step* step) {
  step->what = NopStep{};
  return absl::OkStatus();
}

using Loader = absl::Status (*)(const ElementReader& in, Step* step);
constexpr std::pair<std::string_view, Loader> kSteps[] = {
    {"send", LoadSend},      {"recv", LoadRecv}, {"pause", LoadPause},
    {"timewait", LoadPause}, {"nop", LoadNop},
};

// A recv that may not come cannot be what a send, a pause or a nop follows: when would it be over?
absl::Status CheckOrder(const ElementReader& in) {
  LoadState* state = in.state();
  if (state->after_timewait) {
    return in.Error("stands behind a <timewait>; wanted that one as the last of all");
  }
  if (in.name() == "recv") return absl::OkStatus();
  if (state->after_optional_recv) {
    return in.Error(
        "follows an optional <recv>; wanted one without optional=\"true\" between them");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status LoadStep(const XmlElement& element, LoadState* state, bool* known) {
  const ElementReader in(element, state);
  const auto* found = std::find_if(std::begin(kSteps), std::end(kSteps),
                                   [&](const auto& row) { return row.first == element.name(); });
  *known = found != std::end(kSteps);
  if (!*known) return absl::OkStatus();
  RETURN_IF_ERROR(CheckOrder(in));
  std::vector<Step>& steps = state->scenario->steps;
  if (steps.size() == Scenario::kStepsMax) {
    return in.Error(core::Concat("wanted at most ", Scenario::kStepsMax, " steps"));
  }
  const size_t index = steps.size();
  Step& step = steps.emplace_back();
  RETURN_IF_ERROR(found->second(in, &step));
  RETURN_IF_ERROR(LoadCommon(in, index, &step));
  if (element.name() == "timewait") state->after_timewait = true;
  in.WarnOfUnread();
  // Only the first child counts, and only when it is <action>: SIPp looks no further.
  const XmlElement child = element.FirstChild();
  const bool acts = child && child.name() == "action";
  for (XmlElement other = acts ? child.Next() : child; other; other = other.Next()) {
    in.Warn(core::Concat("the <", other.name(), "> in line ", other.line(),
                         " is ignored: only an <action> that stands first counts"));
  }
  return acts ? LoadActions(child, state, &step.actions) : absl::OkStatus();
}

}  // namespace loadgen

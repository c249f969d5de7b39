#include "loadgen/load_run.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/net/uring_setup.h"
#include "loadgen/addresses.h"
#include "loadgen/builtin_scenarios.h"
#include "loadgen/scenario_loader.h"
#include "loadgen/signals.h"

namespace loadgen {
namespace {

using core::Duration;
using core::Instant;

constexpr uint16_t kSipPort = 5060;
constexpr Duration kLookInterval = std::chrono::milliseconds(250);
constexpr Duration kProgressInterval = std::chrono::seconds(1);
constexpr uint32_t kBufferBytes = 16u << 20;
constexpr uint64_t kFilesMin = 256;

void Say(std::string_view text) {
  (void)std::fprintf(stderr, "ringfence-load: %.*s\n", static_cast<int>(text.size()), text.data());
}

void SayWarnings(const std::vector<std::string>& warnings) {
  constexpr size_t kSaidMax = 20;
  for (size_t i = 0; i < warnings.size() && i < kSaidMax; ++i) Say("warning: " + warnings[i]);
  if (warnings.size() > kSaidMax) {
    Say(core::Concat("and ", warnings.size() - kSaidMax, " more such warnings"));
  }
}

Duration ToDuration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

int32_t UtcOffset(core::WallTime wall) {
  const auto seconds = static_cast<time_t>(wall.unix_us / 1'000'000);
  tm local = {};
  if (localtime_r(&seconds, &local) == nullptr) return 0;
  return static_cast<int32_t>(local.tm_gmtoff);
}

// The base name of a path, without its last suffix.
std::string Stem(const std::string& path) {
  const std::string name = path.substr(path.find_last_of('/') + 1);
  return name.substr(0, name.find_last_of('.'));
}

}  // namespace

LoadRun::LoadRun(const Options* options, core::Clock* clock)
    : options_(*options),
      clock_(clock),
      random_(options->seed ? core::Random(*options->seed) : core::Random::FromKernel()) {}

LoadRun::~LoadRun() = default;

absl::Status LoadRun::Prepare() {
  if (options_.workers != 1) {
    return absl::UnimplementedError(
        core::Concat("--workers ", options_.workers, ": not supported yet; wanted 1"));
  }
  RETURN_IF_ERROR(ReadInjections());
  RETURN_IF_ERROR(ReadScenarios());
  RETURN_IF_ERROR(CheckGlobals());
  return ReadAddresses();
}

absl::Status LoadRun::ReadInjections() {
  for (const std::string& path : options_.injection_files) {
    auto file = InjectionFile::Read(path);
    RETURN_IF_ERROR(file.status());
    if ((*file)->order() == InjectionFile::Order::kUser && options_.users < 0) {
      Say(core::Concat("warning: -inf ", path, ": its lines are the users' (USER); without -users ",
                       "its fields are empty where no line= names one"));
    }
    RETURN_IF_ERROR(injections_.Add(*std::move(file)));
  }
  for (const auto& [name, field] : options_.injection_indexes) {
    const std::optional<size_t> file = injections_.Find(name.substr(name.find_last_of('/') + 1));
    if (!file) return absl::NotFoundError(core::Concat("-infindex ", name, ": no such -inf file"));
    RETURN_IF_ERROR(injections_.mutable_file(*file)->Index(field));
  }
  return absl::OkStatus();
}

absl::Status LoadRun::ReadScenarios() {
  const ScenarioInputs inputs = {.injections = &injections_,
                                 .keys = &options_.keys,
                                 .rtp_payload_type = options_.rtp_payload_type};
  const auto read = [&inputs](const std::string& file, const std::string& name,
                              const char* option) -> absl::StatusOr<std::unique_ptr<Scenario>> {
    if (!file.empty()) return ReadScenario(file, inputs);
    const std::optional<std::string_view> xml = FindBuiltinScenario(name);
    if (!xml) {
      return absl::NotFoundError(
          core::Concat(option, " ", name, ": wanted one of the built-in scenarios; see -h"));
    }
    return LoadScenario(*xml, name, inputs);
  };
  auto scenario = read(options_.scenario_file, options_.scenario_name, "-sn");
  RETURN_IF_ERROR(scenario.status());
  SayWarnings((*scenario)->warnings);
  scenario_ = *std::move(scenario);
  scenario_name_ =
      options_.scenario_file.empty() ? options_.scenario_name : Stem(options_.scenario_file);
  if (options_.out_of_call_file.empty() && options_.out_of_call_name.empty()) {
    return absl::OkStatus();
  }
  auto out_of_call = read(options_.out_of_call_file, options_.out_of_call_name, "-oocsn");
  RETURN_IF_ERROR(out_of_call.status());
  SayWarnings((*out_of_call)->warnings);
  out_of_call_ = *std::move(out_of_call);
  return absl::OkStatus();
}

absl::Status LoadRun::ReadAddresses() {
  const bool is_server = scenario_->role() == Scenario::Role::kServer;
  if (!options_.remote_host.empty()) {
    auto remote = ResolveHost(options_.remote_host, options_.remote_port);
    RETURN_IF_ERROR(remote.status());
    remote_ = *remote;
  } else if (!is_server) {
    return absl::InvalidArgumentError(
        core::Concat(scenario_name_, " makes calls; wanted a remote host to call"));
  }
  target_ = remote_;
  if (!options_.send_host.empty()) {
    auto target = ResolveHost(options_.send_host, options_.send_port);
    RETURN_IF_ERROR(target.status());
    target_ = *target;
  }
  core::Endpoint toward = target_;
  if (toward.port == 0 && !core::IpAddress::Parse("192.0.2.1", &toward.ip)) {
    return absl::InternalError("192.0.2.1");  // RFC 5737: what is only for looking up a route.
  }
  core::IpAddress local = LocalAddressTo(toward);
  bind_.ip = core::IpAddress();
  if (local.is_v4()) bind_.ip = core::IpAddress::FromV4(0);
  if (!options_.local_ip.empty()) {
    auto given = ResolveHost(options_.local_ip, 0);
    RETURN_IF_ERROR(given.status());
    local = bind_.ip = given->ip;
  }
  // A server is called on SIP's own port where -p does not say another.
  bind_.port = options_.local_port != 0 || !is_server ? options_.local_port : kSipPort;
  local_ip_ = PrintedAddress(local);
  core::IpAddress media = local;
  if (!options_.media_ip.empty()) {
    auto given = ResolveHost(options_.media_ip, 0);
    RETURN_IF_ERROR(given.status());
    media = media_address_ = given->ip;
  }
  const core::IpAddress::Text media_text = media.text();
  media_ip_ = std::string(media_text.view());
  remote_ip_ = options_.remote_host.empty() ? std::string() : PrintedAddress(remote_.ip);
  auth_username_ = options_.auth_username.empty() ? options_.service : options_.auth_username;
  values_ = {.remote_ip = remote_ip_,
             .remote_host = options_.remote_host,
             .local_ip = local_ip_,
             .server_ip = local_ip_,
             .media_ip = media_ip_,
             .service = options_.service,
             .auth_username = auth_username_,
             .auth_password = options_.auth_password,
             .version = RINGFENCE_VERSION,
             .remote_port = options_.remote_port,
             .media_port = options_.media_port,
             .local_ip_is_v6 = !local.is_v4(),
             .media_ip_is_v6 = !media.is_v4(),
             .pid = static_cast<uint32_t>(getpid()),
             .users = options_.users,
             .utc_offset_s = UtcOffset(clock_->Wall())};
  return absl::OkStatus();
}

absl::Status LoadRun::CheckGlobals() const {
  for (const auto& [name, value] : options_.sets) {
    const std::optional<VariableId> variable = scenario_->variables.Find(name);
    if (variable && variable->scope == VariableScope::kGlobal) continue;
    return absl::NotFoundError(
        core::Concat("-set ", name, " ", value, ": wanted a variable that a <Global> declares"));
  }
  return absl::OkStatus();
}

absl::Status LoadRun::SetGlobals() {
  VariableStore* globals = worker_->player()->globals();
  for (const auto& [name, value] : options_.sets) {
    const VariableId variable = *scenario_->variables.Find(name);  // CheckGlobals() found it.
    if (!globals->SetText(variable.index, VariableType::kString, value)) {
      return absl::ResourceExhaustedError(core::Concat("-set ", name, ": the value is too long"));
    }
  }
  return absl::OkStatus();
}

std::string LoadRun::FileName(const std::string& given, std::string_view suffix) const {
  return given.empty() ? core::Concat(scenario_name_, "_", values_.pid, suffix) : given;
}

absl::Status LoadRun::OpenFiles() {
  const auto open = [](const std::string& path, core::FileLogSink* sink) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) close(fd);  // Emptied; if it cannot be, Open() says why.
    return sink->Open(path);
  };
  Trace::Files files = {.utc_offset_s = values_.utc_offset_s};
  if (options_.trace_messages) {
    RETURN_IF_ERROR(open(FileName(options_.message_file, "_messages.log"), &messages_));
    files.messages = &messages_;
  }
  if (options_.trace_errors) {
    RETURN_IF_ERROR(open(FileName(options_.error_file, "_errors.log"), &errors_));
    files.errors = &errors_;
  }
  trace_ = Trace(files);
  if (options_.trace_media) {
    media_file_.emplace();
    RETURN_IF_ERROR(media_file_->Open(FileName(options_.media_file, "_media.csv")));
  }
  if (options_.json_file.empty()) return absl::OkStatus();
  // It is written at the end: whether it can be is better known now.
  const int fd = ::open(options_.json_file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, core::Concat("--json ", options_.json_file));
  close(fd);
  return absl::OkStatus();
}

absl::Status LoadRun::Open() {
  values_.pid = static_cast<uint32_t>(getpid());  // -bg has made it another.
  const size_t media_calls = LoadWorker::MediaCalls(options_, *scenario_, out_of_call_.get());
  const auto media_sockets = static_cast<uint32_t>(2 * media_calls);
  RETURN_IF_ERROR(core::net::ReserveFiles(kFilesMin + media_sockets));
  core::net::UringIoOptions options;
  options.latency_budget = options_.latency_budget;
  options.sockets_max = 16 + media_sockets;
  if (media_calls == 0) options.media.count = 16;
  auto io = core::net::UringIo::Create(options, clock_);
  RETURN_IF_ERROR(io.status());
  io_ = *std::move(io);
  const uint32_t bytes =
      options_.buffer_bytes == 0 ? kBufferBytes : static_cast<uint32_t>(options_.buffer_bytes);
  auto socket = io_->Open({.local = bind_,
                           .receive_buffer_bytes = bytes,
                           .send_buffer_bytes = bytes,
                           .kernel_receive_time = true});
  RETURN_IF_ERROR(socket.status());
  socket_ = *socket;
  values_.local_port = io_->LocalOf(socket_).port;
  return absl::OkStatus();
}

absl::Status LoadRun::Start() {
  RETURN_IF_ERROR(OpenFiles());
  worker_ = std::make_unique<LoadWorker>(
      LoadWorker::Parts{.options = &options_,
                        .run = &values_,
                        .injections = &injections_,
                        .scenario = scenario_.get(),
                        .out_of_call = out_of_call_.get(),
                        .io = io_.get(),
                        .clock = clock_,
                        .random = &random_,
                        .trace = &trace_,
                        .socket = socket_,
                        .local = io_->LocalOf(socket_),
                        .target = target_,
                        .target_is_all = !options_.send_host.empty(),
                        .media_file = media_file_ ? &*media_file_ : nullptr,
                        .media_address = media_address_});
  RETURN_IF_ERROR(worker_->OpenMedia(PortIsFree));
  RETURN_IF_ERROR(SetGlobals());
  if (!options_.trace_stat) return absl::OkStatus();
  statistics_file_.emplace(scenario_.get(), worker_.get(), values_.utc_offset_s);
  return statistics_file_->Open(FileName(options_.stat_file, "_.csv"));
}

int LoadRun::Run() {
  if (options_.buffer_bytes == 0) {
    const absl::Status buffer = core::net::CheckReceiveBuffer(kBufferBytes);
    if (!buffer.ok()) Say(core::Concat("warning: ", std::string(buffer.message())));
  }
  const std::string place = core::Concat(local_ip_, ":", values_.local_port);
  Say(core::Concat(scenario_->name, worker_->is_server() ? " waits for calls on " : " calls from ",
                   place));
  shows_progress_ = !options_.background && isatty(STDERR_FILENO) == 1;
  if (options_.reads_keys && !options_.background && keyboard_.Open()) {
    Say("keys: + - * / change the rate by 1 and 10, p pauses, q ends");
  }
  looked_ = shown_ = written_ = worker_->started();
  // The loop looks around now and then even if nothing comes.
  core::Timer tick([](void*, core::Timer*, Instant) {}, nullptr);
  while (worker_->phase() != LoadWorker::Phase::kEnded) {
    if (!tick.armed()) worker_->timers()->Arm(&tick, worker_->now() + kLookInterval);
    worker_->Turn();
    if (worker_->now() - looked_ >= kLookInterval || AskedBySignal() != Asked::kNothing) Look();
  }
  worker_->timers()->Disarm(&tick);
  keyboard_.Close();
  io_->FlushAndWait(worker_->now());
  if (worker_->requests().fatal) end_ = RunEnd::kFatal;
  if (worker_->requests().stop_now) end_ = RunEnd::kStopNow;
  if (statistics_file_) statistics_file_->WriteLine();
  if (shows_progress_) (void)std::fputs("\n", stderr);
  const RunSummary summary = Summarize();
  const bool written = WriteReports(summary);
  const int code = ExitCodeOf(summary);
  return code == kExitOk && !written ? int{kExitFatal} : code;
}

void LoadRun::Look() {
  const Instant now = worker_->now();
  looked_ = now;
  LookAtSignals();
  LookAtKeys();
  LookAtTimeout();
  if (statistics_file_ && now - written_ >= options_.stat_interval) {
    written_ = now;
    statistics_file_->WriteLine();
  }
  if (shows_progress_ && now - shown_ >= kProgressInterval) ShowProgress();
}

void LoadRun::LookAtSignals() {
  switch (AskedBySignal()) {
    case Asked::kNothing:
      break;
    case Asked::kDrain:
      LetCallsEnd("the signal again ends them now");
      break;
    case Asked::kEnd:
      EndCalls();
      break;
  }
  if (TakeReportSignal()) {
    (void)std::fputs(WriteReport(Summarize()).c_str(), stdout);
    (void)std::fflush(stdout);
  }
}

void LoadRun::LookAtKeys() {
  const Instant now = worker_->now();
  for (Key key = keyboard_.Read(); key != Key::kNone; key = keyboard_.Read()) {
    switch (key) {
      case Key::kNone:
        break;
      case Key::kFaster:
        worker_->ChangeRate(1, now);
        break;
      case Key::kMuchFaster:
        worker_->ChangeRate(10, now);
        break;
      case Key::kSlower:
        worker_->ChangeRate(-1, now);
        break;
      case Key::kMuchSlower:
        worker_->ChangeRate(-10, now);
        break;
      case Key::kPause:
        worker_->TogglePause(now);
        break;
      case Key::kQuit:
        if (worker_->phase() != LoadWorker::Phase::kRunning) return EndCalls();
        LetCallsEnd("q again ends them now");
        break;
      case Key::kQuitNow:
        return EndCalls();
    }
  }
}

// SIPp opens no more calls and waits for those that are open, for ever if need be. We do not.
void LoadRun::LookAtTimeout() {
  const Instant due = worker_->started() + options_.timeout;
  const bool over = options_.timeout > Duration{0} && worker_->now() >= due;
  if (!over || worker_->phase() == LoadWorker::Phase::kEnded || end_ == RunEnd::kStopped) return;
  end_ = options_.timeout_is_error ? RunEnd::kTimeoutError : RunEnd::kTimeout;
  if (options_.timeout_is_error) return worker_->EndNow();
  LetCallsEnd("Ctrl-C twice ends them now");
  worker_->Drain(due + worker_->DrainMax());
}

void LoadRun::LetCallsEnd(std::string_view how_to_end_now) {
  if (worker_->phase() != LoadWorker::Phase::kRunning) return;
  worker_->Drain();
  const uint64_t open = worker_->statistics().current;
  if (open == 0) return;
  if (shows_progress_) (void)std::fputs("\n", stderr);
  Say(core::Concat("no new calls; ", open, " are open and go on to their end; ", how_to_end_now));
}

void LoadRun::EndCalls() {
  if (worker_->phase() == LoadWorker::Phase::kEnded) return;
  end_ = RunEnd::kStopped;
  worker_->EndNow();
}

void LoadRun::ShowProgress() {
  const Instant now = worker_->now();
  const std::string line = WriteProgress(*worker_, shown_calls_, now - shown_);
  (void)std::fprintf(stderr, "\r%-100s", line.c_str());
  shown_ = now;
  shown_calls_ = worker_->statistics().counts.created();
}

RunSummary LoadRun::Summarize() const {
  rusage usage = {};
  (void)getrusage(RUSAGE_SELF, &usage);  // It fails for nobody who asks about himself.
  const Instant now = worker_->now();
  return {.options = &options_,
          .scenario = scenario_.get(),
          .worker = worker_.get(),
          .end = end_,
          .local = core::Concat(local_ip_, ":", values_.local_port),
          .remote = remote_ip_.empty() ? std::string()
                                       : core::Concat(remote_ip_, ":", values_.remote_port),
          .elapsed = now - worker_->started(),
          .started = {worker_->wall().unix_us -
                      (now - worker_->started()) / std::chrono::microseconds(1)},
          .user_cpu = ToDuration(usage.ru_utime),
          .system_cpu = ToDuration(usage.ru_stime),
          .io = io_->counters(),
          .queue_drops = io_->QueueDrops(socket_),
          .media_queue_drops =
              worker_->media() == nullptr ? 0 : worker_->media()->ports().QueueDrops(*io_),
          .file_losses = FileLosses(),
          .results_lost = (statistics_file_ && statistics_file_->lost() > 0) ||
                          (media_file_ && media_file_->lost() > 0)};
}

std::vector<std::string> LoadRun::FileLosses() const {
  std::vector<std::string> losses;
  const auto add = [&losses](uint64_t lost, const std::string& path) {
    if (lost > 0) losses.push_back(core::Concat(lost, " lines of ", path));
  };
  if (statistics_file_) add(statistics_file_->lost(), FileName(options_.stat_file, "_.csv"));
  if (media_file_) add(media_file_->lost(), FileName(options_.media_file, "_media.csv"));
  add(messages_.lost(), FileName(options_.message_file, "_messages.log"));
  add(errors_.lost(), FileName(options_.error_file, "_errors.log"));
  return losses;
}

// False where --json could not be written.
bool LoadRun::WriteReports(const RunSummary& summary) const {
  if (!options_.background) (void)std::fputs(WriteReport(summary).c_str(), stdout);
  const std::string why = WhyOf(summary);
  if (!why.empty()) Say(why);
  if (options_.json_file.empty()) return true;
  std::ofstream file(options_.json_file, std::ios::binary | std::ios::trunc);
  file << WriteJsonReport(summary);
  file.close();
  if (!file) {
    Say(core::Concat("--json ", options_.json_file, ": cannot be written: ", std::strerror(errno)));
  }
  return static_cast<bool>(file);
}

}  // namespace loadgen

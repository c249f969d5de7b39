#include <algorithm>
#include <string>

#include "core/base/concat.h"
#include "core/base/siphash.h"
#include "core/base/status.h"
#include "loadgen/load_worker.h"

// How many calls have audio, and their ports.

namespace loadgen {
namespace {

constexpr size_t kServerCalls = 1000;  // Who calls is not ours to say; -l or --media_calls is.

MediaPorts::Range RangeOf(const Options& options) {
  return {options.media_port, options.media_port_max};
}

// Two generators with the same --seed are still two.
uint32_t RunOf(const LoadWorker::Parts& parts) {
  const std::string place =
      core::Concat(parts.run->local_ip, " ", unsigned{parts.local.port}, " ", parts.run->pid);
  return static_cast<uint32_t>(core::SipHash(parts.random->NextKey(), place)) | 1;
}

}  // namespace

size_t LoadWorker::MediaCalls(const Options& options, const Scenario& scenario,
                              const Scenario* out_of_call) {
  const bool wanted = scenario.uses_media || options.wants_media() ||
                      (out_of_call != nullptr && out_of_call->uses_media);
  if (!wanted) return 0;
  if (options.media_calls != 0) return options.media_calls;
  // What somebody has asked for must be there, or the run does not begin; a guess fits itself to
  // the ports that there are.
  if (options.calls_at_once != 0) return options.calls_at_once;
  if (options.users >= 0) return static_cast<size_t>(std::max<int64_t>(options.users, 1));
  size_t guess =
      scenario.role() == Scenario::Role::kServer ? kServerCalls : CallsAtOnce(options, scenario);
  if (options.calls != 0) guess = std::min<size_t>(guess, options.calls);
  return std::clamp<size_t>(guess, 1, std::max<size_t>(MediaPorts::CountIn(RangeOf(options)), 1));
}

absl::Status LoadWorker::OpenMedia(bool (*is_free)(const core::Endpoint& port)) {
  const size_t count = MediaCalls(*parts_.options, *parts_.scenario, parts_.out_of_call);
  if (count == 0) return absl::OkStatus();
  const bool given = !parts_.media_address.is_unspecified();
  media_ = std::make_unique<MediaEngine>(
      MediaEngine::Parts{.io = parts_.io,
                         .timers = &timers_,
                         .random = parts_.random,
                         .wall = &wall_,
                         .wheel_began = started_,
                         .echo = parts_.options->rtp_echo,
                         .marks = parts_.options->media_marks,
                         .rtcp = parts_.options->rtcp,
                         .records = !parts_.options->json_file.empty(),
                         .file = parts_.media_file,
                         .pattern_tolerance = parts_.options->audio_tolerance,
                         .run = RunOf(parts_),
                         .ports = {.address = given ? parts_.media_address : parts_.local.ip,
                                   .range = RangeOf(*parts_.options),
                                   .count = count,
                                   .is_free = is_free}});
  RETURN_IF_ERROR(media_->Open());
  environment_.media = media_.get();
  return absl::OkStatus();
}

}  // namespace loadgen

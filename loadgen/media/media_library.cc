#include "loadgen/media/media_library.h"

#include <unistd.h>

#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/text_file.h"

namespace loadgen {
namespace {

std::string FindFile(std::string_view path, std::string_view scenario_file) {
  const size_t slash = scenario_file.find_last_of('/');
  if (path.starts_with('/') || slash == std::string_view::npos) return std::string(path);
  std::string beside = core::Concat(scenario_file.substr(0, slash + 1), path);
  return access(beside.c_str(), R_OK) == 0 ? beside : std::string(path);
}

absl::StatusOr<std::string> ReadMedia(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadTextFile(path, MediaLibrary::kFileBytesMax);
  if (bytes.ok() || !absl::IsNotFound(bytes.status())) return bytes;
  return absl::NotFoundError(
      core::Concat(std::string(bytes.status().message()), "; wanted a media file there"));
}

absl::Status In(const std::string& path, const absl::Status& status) {
  return {status.code(), core::Concat(path, ": ", std::string(status.message()))};
}

absl::Status TooMany() {
  return absl::ResourceExhaustedError(
      core::Concat("wanted at most ", MediaLibrary::kFilesMax, " media files"));
}

}  // namespace

absl::StatusOr<const AudioClip*> MediaLibrary::Audio(std::string_view name,
                                                     std::string_view scenario_file,
                                                     const AudioFormat& format) {
  const std::string path = FindFile(name, scenario_file);
  for (const auto& known : audio_) {
    if (known->path == path && known->clip.format.payload_type == format.payload_type) {
      return &known->clip;
    }
  }
  if (audio_.size() == kFilesMax) return TooMany();
  const absl::StatusOr<std::string> bytes = ReadMedia(path);
  RETURN_IF_ERROR(bytes.status());
  absl::StatusOr<AudioClip> clip = MakeAudioClip(*bytes, format);
  if (!clip.ok()) return In(path, clip.status());
  audio_.push_back(std::make_unique<const Audios>(Audios{path, *std::move(clip)}));
  return &audio_.back()->clip;
}

absl::StatusOr<const PcapClip*> MediaLibrary::Pcap(std::string_view name,
                                                   std::string_view scenario_file) {
  const std::string path = FindFile(name, scenario_file);
  for (const auto& known : pcap_) {
    if (known->path == path) return &known->clip;
  }
  if (pcap_.size() == kFilesMax) return TooMany();
  const absl::StatusOr<std::string> bytes = ReadMedia(path);
  RETURN_IF_ERROR(bytes.status());
  absl::StatusOr<PcapClip> clip = ParsePcap(*bytes);
  if (!clip.ok()) return In(path, clip.status());
  pcap_.push_back(std::make_unique<const Pcaps>(Pcaps{path, *std::move(clip)}));
  return &pcap_.back()->clip;
}

}  // namespace loadgen

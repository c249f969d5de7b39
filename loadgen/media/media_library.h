#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "loadgen/media/audio_clip.h"
#include "loadgen/media/pcap_clip.h"

namespace loadgen {

/// The media files of one scenario: each is read once, however many steps play it.
///
/// Shape:    at most kFilesMax files of kFileBytesMax each.
/// Lifetime: owns the clips, which never move.
/// Errors:   the path, what the file is, and what was wanted.
/// Thread:   filled at start, then only read.
class MediaLibrary {
 public:
  static constexpr size_t kFilesMax = 256;
  static constexpr size_t kFileBytesMax = size_t{64} << 20;  // Two hours of G.711.

  /// A relative path is looked for beside the scenario first, then in the working folder (SIPp).
  absl::StatusOr<const AudioClip*> Audio(std::string_view path, std::string_view scenario_file,
                                         const AudioFormat& format);
  absl::StatusOr<const PcapClip*> Pcap(std::string_view path, std::string_view scenario_file);

 private:
  struct Audios {
    std::string path;
    AudioClip clip;
  };
  struct Pcaps {
    std::string path;
    PcapClip clip;
  };
  std::vector<std::unique_ptr<const Audios>> audio_;
  std::vector<std::unique_ptr<const Pcaps>> pcap_;
};

}  // namespace loadgen

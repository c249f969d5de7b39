#include "sbc/voice_connector_regions.h"

namespace sbc {
namespace {

constexpr HomePlan kNanp = HomePlan::kNanp;
constexpr HomePlan kInternational = HomePlan::kInternational;

constexpr VoiceConnectorRegion kRegions[] = {
    {"us-east-1", "3.80.16.0/23", "2600:f0f0:c040::/48", kNanp},
    {"us-west-2", "99.77.253.0/24", "2600:f0f0:c041::/48", kNanp},
    {"ca-central-1", "99.77.233.0/24", "2600:f0f0:c042::/48", kNanp},
    {"eu-west-1", "99.77.250.0/24", "2600:f0f0:c043::/48", kInternational},
    {"eu-central-1", "99.77.247.0/24", "2600:f0f0:c044::/48", kInternational},
    {"eu-west-2", "99.77.249.0/24", "2600:f0f0:c045::/48", kInternational},
    {"ap-northeast-2", "99.77.242.0/24", "2600:f0f0:c046::/48", kInternational},
    {"ap-northeast-1", "99.77.244.0/24", "2600:f0f0:c047::/48", kInternational},
    {"ap-southeast-1", "99.77.240.0/24", "2600:f0f0:c048::/48", kInternational},
    {"ap-southeast-2", "99.77.239.0/24", "2600:f0f0:c049::/48", kInternational},
};

}  // namespace

std::span<const VoiceConnectorRegion> VoiceConnectorRegions() { return kRegions; }

const VoiceConnectorRegion* FindVoiceConnectorRegion(std::string_view name) {
  for (const VoiceConnectorRegion& region : kRegions) {
    if (region.name == name) return &region;
  }
  return nullptr;
}

}  // namespace sbc

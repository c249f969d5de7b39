#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/media_peer.h"
#include "tests/support/sbc_scene.h"

// Whole calls with media through one SBC.

namespace tests {

/// An SBC with ports for media on both sides.
struct AnchorPorts {
  std::string customer = "20000-20039";
  std::string trunk = "30000-30039";
};
inline SbcScene::Options Anchoring(std::string connector = "", const AnchorPorts& ports = {}) {
  SbcScene::Options options;
  options.global = "media:\n  - {side: customer, address: 127.0.0.2, ports: " + ports.customer +
                   "}\n  - {side: trunk, address: 127.0.0.3, ports: " + ports.trunk + "}\n";
  options.connector = std::move(connector);
  return options;
}

inline std::string Sdp(const std::string& address, int port, const std::string& more = "",
                       const std::string& formats = "0 101") {
  return "v=0\r\no=someone 1 1 IN IP4 " + address + "\r\ns=secretname\r\nc=IN IP4 " + address +
         "\r\nt=0 0\r\nm=audio " + std::to_string(port) + " RTP/AVP " + formats +
         "\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n" + more;
}

inline std::string LineOf(const std::string& sdp, const std::string& start) {
  const size_t at = sdp.find(start);
  return at == std::string::npos ? "" : sdp.substr(at, sdp.find("\r\n", at) - at);
}

inline core::Endpoint TargetOf(const std::string& sdp) {
  const std::string address = LineOf(sdp, "c=IN IP4 ").substr(9);
  const std::string port = LineOf(sdp, "m=audio ").substr(8);
  core::Endpoint target;
  CHECK(core::Endpoint::Parse(address + ":" + port.substr(0, port.find(' ')), &target));
  return target;
}

/// A scene with a socket for each side's media, and an outbound call with early offer.
struct MediaScene {
  explicit MediaScene(SbcScene::Options options = Anchoring()) : scene(options) {}

  size_t Call(SimPlan callee = {}, std::string offer = Sdp("127.0.0.4", 4000)) {
    callee.script = {
        {.after = std::chrono::milliseconds(100), .status = 180},
        {.after = std::chrono::milliseconds(100), .status = 200, .body = Sdp("127.0.0.9", 9000)}};
    callee.sdp = Sdp("127.0.0.9", 9000);
    return Place(std::move(callee), std::move(offer));
  }
  size_t Place(SimPlan callee, std::string offer) {
    scene.trunk.Expect(std::move(callee));
    SimPlan plan;
    plan.body = std::move(offer);
    const size_t call = scene.pbx.Place(plan);
    scene.Run(std::chrono::seconds(1));
    return call;
  }
  std::string ToTrunk(size_t index = 0) { return scene.trunk.Got("INVITE").at(index).body; }
  std::string ToPbx(size_t index = 0) { return scene.pbx.Got("INVITE", 200).at(index).body; }
  /// What the other side gets of what each sends to where it was told to.
  void Talk(const std::string& words) {
    pbx.got.clear();
    trunk.got.clear();
    pbx.Send(words + " out", TargetOf(ToPbx()));
    trunk.Send(words + " in", TargetOf(ToTrunk()));
    scene.Run(std::chrono::milliseconds(100));
  }
  void HangUp(size_t call) {
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
    EXPECT_EQ(scene.world->worker().media().streams(), 0u);
    EXPECT_EQ(scene.world->worker().media().ports_used(sbc::Side::kCustomer), 0u);
    EXPECT_EQ(scene.world->worker().media().ports_used(sbc::Side::kTrunk), 0u);
  }

  SbcScene scene;
  MediaPeer pbx{"127.0.0.4:4000", &scene.network, &scene.simulation};
  MediaPeer trunk{"127.0.0.9:9000", &scene.network, &scene.simulation};
};

}  // namespace tests

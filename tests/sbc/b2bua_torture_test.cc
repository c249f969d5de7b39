// The 49 messages of RFC 4475 at the whole SBC: what it says to who sent each, byte for byte as the
// RFC has it, from a PBX that may call. tests/core/sip/rfc4475_test.cc says why each is what it is;
// here it is what goes out on the wire, and that nothing is held and nothing reaches the trunk.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/corpus.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

constexpr int kSilence = 0;

struct Torture {
  const char* name;
  int status;  // Of the final response.
  const char* why;
};

constexpr Torture kMessages[] = {
    {"wsinv", 481, "read whole, and its To has a tag, which names no dialog of ours"},
    {"intmeth", 501, "unknown method, also with a NUL in a quoted name"},
    {"esc01", 403, "read whole; the called party is no number that may be called"},
    {"escnull", 405, "a REGISTER: no registrar is here"},
    {"esc02", 501, "RE%47IST%45R is not REGISTER"},
    {"lwsdisp", 200, "OPTIONS"},
    {"longreq", 403, "as esc01"},
    {"dblreq", 405, "a REGISTER, and the INVITE behind it is never seen"},
    {"semiuri", 200, "OPTIONS"},
    {"transports", 200, "OPTIONS"},
    {"mpart01", 405, "MESSAGE is refused unless configured"},
    {"unreason", kSilence, "a response to nothing of ours"},
    {"noreason", kSilence, "the same"},
    {"badinv01", 400, ""},
    {"clerr", 400, ""},
    {"ncl", 400, ""},
    {"scalar02", 400, ""},
    {"scalarlg", kSilence, ""},
    {"quotbal", 400, ""},
    {"ltgtruri", 400, ""},
    {"lwsruri", 400, ""},
    {"lwsstart", 400, ""},
    {"trws", 400, ""},
    {"escruri", 400, ""},
    {"baddate", 403, "the Date is not read; as esc01"},
    {"regbadct", 400, ""},
    {"badaspec", 400, ""},
    {"baddn", 400, ""},
    {"badvers", 505, ""},
    {"mismatch01", 400, ""},
    {"mismatch02", 501, ""},
    {"bigcode", kSilence, ""},
    {"badbranch", 200, "OPTIONS, matched as in RFC 2543"},
    {"insuf", 400, ""},
    {"unkscm", 416, ""},
    {"novelsc", 416, ""},
    {"unksm2", 400, ""},
    {"bext01", 420, "OPTIONS with a Require that nothing supports"},
    {"invut", 415, "with the types that we take"},
    {"regaut01", 405, "a REGISTER"},
    {"multi01", 400, ""},
    {"mcl01", 400, ""},
    {"bcast", kSilence, ""},
    {"zeromf", 200, "OPTIONS ends here: nothing is forwarded"},
    {"cparam01", 405, "a REGISTER"},
    {"cparam02", 405, "a REGISTER"},
    {"regescrt", 405, "a REGISTER"},
    {"sdp01", 406, "it takes no SDP as our answer"},
    {"inv2543", 403, "RFC 2543's is read; as esc01"},
};
static_assert(std::size(kMessages) == 49);

SimUserAgent::Options OtherPort(const char* address) {
  SimUserAgent::Options options;
  options.address = address;
  options.name = "otherport";
  return options;
}

TEST(B2buaTortureTest, Rfc4475_EachIsAnsweredAsTheRfcSays) {
  for (const Torture& torture : kMessages) {
    SbcScene scene;
    // Two of them want their response at another port (§18.2.2).
    SimUserAgent quotbal(OtherPort("127.0.0.4:5050"), &scene.network, &scene.simulation);
    SimUserAgent mpart01(OtherPort("127.0.0.4:5070"), &scene.network, &scene.simulation);
    scene.pbx.SendRaw(ReadCorpus("rfc4475/" + std::string(torture.name) + ".dat"));
    scene.Run(100ms);
    int status = kSilence;
    for (const SimUserAgent* agent : {&scene.pbx, &quotbal, &mpart01}) {
      for (const SimUserAgent::Entry& entry : agent->log()) {
        SimMessage message;
        ASSERT_TRUE(SimMessage::Parse(entry.text, &message) || entry.sent);
        if (!entry.sent && message.status() >= 200) status = message.status();
      }
    }
    EXPECT_EQ(status, torture.status) << torture.name << ": " << torture.why;
    EXPECT_THAT(scene.trunk.log(), testing::IsEmpty()) << torture.name;
    scene.Run(2min);
    EXPECT_EQ(scene.world->calls() + scene.world->transactions() + scene.world->packets(), 0u)
        << torture.name;
  }
}

// RFC 3261 §21.4.13, §8.2.2.3: a refusal says what would do.
TEST(B2buaTortureTest, Rfc4475_RefusalsSayWhatWouldDo) {
  SbcScene scene;
  scene.pbx.SendRaw(ReadCorpus("rfc4475/invut.dat"));
  scene.pbx.SendRaw(ReadCorpus("rfc4475/bext01.dat"));
  scene.Run(100ms);
  ASSERT_EQ(scene.pbx.Got("INVITE", 415).size(), 1u);
  EXPECT_TRUE(scene.pbx.Got("INVITE", 415)[0].Lists("Accept", "application/sdp"));
  ASSERT_EQ(scene.pbx.Got("OPTIONS", 420).size(), 1u);
  EXPECT_EQ(scene.pbx.Got("OPTIONS", 420)[0].Get("Unsupported"),
            "nothingSupportsThis, nothingSupportsThisEither");
}

}  // namespace
}  // namespace tests

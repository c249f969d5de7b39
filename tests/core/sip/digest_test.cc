#include "core/sip/digest.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <string>

#include "tests/core/sip/parse_error_printer.h"

namespace core::sip {
namespace {

// Goal: both ends of digest authentication agree with the examples of RFC 2617 and RFC 7616, with
// each other, and with nobody who lacks the password (RFC 3261 §22, RFC 8760).

constexpr Duration Seconds(int64_t count) { return std::chrono::seconds(count); }

size_t allocations = 0;

// OpenSSL's own allocations, counted. Installed before main(), as it must be before the first.
const bool kCounting = CRYPTO_set_mem_functions(
                           [](size_t size, const char*, int) {
                             ++allocations;
                             return std::malloc(size);
                           },
                           [](void* memory, size_t size, const char*, int) {
                             ++allocations;
                             return std::realloc(memory, size);
                           },
                           [](void* memory, const char*, int) { std::free(memory); }) == 1;

struct Answer {
  bool ok = false;
  std::string value;
};

Answer AnswerTo(std::string_view challenge_text, const DigestSecret& secret,
                const DigestRequest& request, const NonceUse& use) {
  DigestChallenge challenge;
  EXPECT_EQ(ParseDigestChallenge(challenge_text, &challenge), ParseError::kOk) << challenge_text;
  char memory[1024];
  TextWriter out(memory);
  const bool ok = WriteDigestCredentials(challenge, secret, request, use, &out);
  return {ok, std::string(out.text())};
}

DigestCredentials Parsed(std::string_view value) {
  DigestCredentials credentials;
  EXPECT_EQ(ParseDigestCredentials(value, &credentials), ParseError::kOk) << value;
  return credentials;
}

TEST(DigestTest, Rfc2617Example) {  // §3.5
  const Answer answer = AnswerTo(
      "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
      {"Mufasa", "Circle Of Life"}, {"GET", "/dir/index.html", ""}, {1, "0a4f113b"});
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.value,
            "Digest username=\"Mufasa\",realm=\"testrealm@host.com\","
            "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",uri=\"/dir/index.html\","
            "response=\"6629fae49393a05397450978507c4ef1\","
            "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\",qop=auth,nc=00000001,"
            "cnonce=\"0a4f113b\"");
}

TEST(DigestTest, Rfc7616Examples) {  // §3.9.1
  constexpr std::string_view kRest =
      "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
      "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", algorithm=";
  const DigestSecret secret{"Mufasa", "Circle of Life"};
  const DigestRequest request{"GET", "/dir/index.html", ""};
  const NonceUse use{1, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};
  EXPECT_EQ(Parsed(AnswerTo(std::string(kRest) + "MD5", secret, request, use).value).response,
            "8ca523f5e9506fed4657c9700eebdbec");
  EXPECT_EQ(Parsed(AnswerTo(std::string(kRest) + "SHA-256", secret, request, use).value).response,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

TEST(DigestTest, MacIsHmacSha256) {  // RFC 4231 §4.3
  DigestHex hex;
  EXPECT_EQ(DigestMac("Jefe", {"what do ya want ", "for nothing?"}, &hex),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// The form of RFC 2069, auth-int, and the session algorithm; expected values from another
// implementation of MD5.
TEST(DigestTest, OlderAndRarerForms) {
  const DigestSecret secret{"alice", "secret"};
  const DigestRequest request{"REGISTER", "sip:h", "body"};
  const NonceUse use{2, "c"};
  const Answer plain = AnswerTo("Digest realm=\"r\",nonce=\"n\"", secret, request, use);
  EXPECT_EQ(Parsed(plain.value).response, "34a5641c6f1878573235dff0c7ae240c");
  EXPECT_EQ(plain.value.find("cnonce"), std::string::npos);
  EXPECT_EQ(plain.value.find("qop"), std::string::npos);
  const Answer integrity =
      AnswerTo("Digest realm=\"r\",nonce=\"n\",qop=\"auth-int\"", secret, request, use);
  EXPECT_EQ(Parsed(integrity.value).response, "0e30cd41d8635f234c40b2bd182bb504");
  EXPECT_EQ(Parsed(integrity.value).nonce_count, 2u);
  const Answer session = AnswerTo("Digest realm=\"r\",nonce=\"n\",qop=\"auth\",algorithm=MD5-sess",
                                  secret, request, use);
  EXPECT_EQ(Parsed(session.value).response, "4da549ab8a17f5326d0208a058a1f8f6");
}

TEST(DigestTest, ChallengesWeCannotAnswer) {
  const DigestRequest request{"REGISTER", "sip:h", ""};
  EXPECT_FALSE(
      AnswerTo("Digest realm=\"r\",nonce=\"n\",algorithm=SHA-512-256", {"a", "b"}, request, {}).ok);
  EXPECT_FALSE(
      AnswerTo("Digest realm=\"r\",nonce=\"n\",qop=\"magic\"", {"a", "b"}, request, {}).ok);
  EXPECT_FALSE(AnswerTo("Digest realm=\"r\",nonce=\"n\"", {"a\"b", "b"}, request, {}).ok);
  DigestChallenge challenge;
  EXPECT_EQ(ParseDigestChallenge("Basic realm=\"r\"", &challenge), ParseError::kToken);
  EXPECT_EQ(ParseDigestChallenge("Digest realm=\"r\"", &challenge), ParseError::kMissing);
  EXPECT_EQ(ParseDigestChallenge("Digest realm", &challenge), ParseError::kParameter);
  EXPECT_EQ(ParseDigestChallenge("Digest realm=\"r\" nonce=\"n\"", &challenge),
            ParseError::kTrailing);
}

TEST(DigestTest, CredentialsThatAreNone) {
  DigestCredentials credentials;
  // RFC 4475 §3.3.7: an unknown scheme is no credentials of ours.
  EXPECT_EQ(ParseDigestCredentials("NoOneKnowsThisScheme opaque-data=here", &credentials),
            ParseError::kToken);
  EXPECT_EQ(ParseDigestCredentials("Digest nc=1", &credentials), ParseError::kNumber);
  EXPECT_EQ(ParseDigestCredentials("Digest nc=0000000g", &credentials), ParseError::kNumber);
  EXPECT_EQ(ParseDigestCredentials("Digest qop=magic", &credentials), ParseError::kToken);
}

constexpr std::string_view kClient = "192.0.2.7";

class DigestServerTest : public testing::Test {
 protected:
  std::string Challenge(DigestAlgorithm algorithm) {
    char memory[512];
    TextWriter out(memory);
    server_.WriteChallenge(algorithm, false, kClient, start_, &out);
    EXPECT_TRUE(out.ok());
    return std::string(out.text());
  }
  std::string AnswerOf(DigestAlgorithm algorithm, const DigestSecret& secret) {
    return Use(Challenge(algorithm), 1, secret);
  }
  std::string Use(std::string_view challenge, uint32_t count,
                  const DigestSecret& secret = {"alice", "secret"}) {
    return AnswerTo(challenge, secret, request_, {count, "c0"}).value;
  }
  DigestServer::Outcome Used(std::string_view challenge, uint32_t count) {
    return Verified(Use(challenge, count), start_);
  }
  DigestServer::Outcome Verified(std::string_view value, Instant now) {
    return server_.Verify(Parsed(value), request_, "secret", kClient, now);
  }

  DigestServer::Outcome VerifiedFrom(std::string_view client, std::string_view value) {
    return server_.Verify(Parsed(value), request_, "secret", client, start_);
  }

  const Instant start_ = Instant{} + Seconds(3600);
  const DigestRequest request_{"REGISTER", "sip:example.com", ""};
  DigestServer server_{"example.com", {1, 2, 3}, Seconds(60)};
};

// What was overheard serves nobody else.
TEST_F(DigestServerTest, ANonceIsItsClients) {
  const std::string answer = AnswerOf(DigestAlgorithm::kSha256, {"bob", "secret"});
  EXPECT_EQ(VerifiedFrom(kClient, answer), DigestServer::Outcome::kAccepted);
  EXPECT_EQ(VerifiedFrom("192.0.2.8", answer), DigestServer::Outcome::kRefused);
}

// RFC 7616 §3.4.5: what was overheard serves nobody at the same address either. The honest client
// is asked again, and told that its password is right.
TEST_F(DigestServerTest, EachCountServesOnce) {
  const std::string challenge = Challenge(DigestAlgorithm::kSha256);
  for (uint32_t count = 1; count <= 3; ++count) {
    EXPECT_EQ(Used(challenge, count), DigestServer::Outcome::kAccepted) << count;
    EXPECT_EQ(Used(challenge, count), DigestServer::Outcome::kStale) << count;
    EXPECT_EQ(Used(challenge, 1), DigestServer::Outcome::kStale) << count;
  }
  EXPECT_EQ(Used(Challenge(DigestAlgorithm::kSha256), 1), DigestServer::Outcome::kAccepted);
}

// Who lacks the password uses up nothing: neither a count nor the nonce.
TEST_F(DigestServerTest, OnlyThePasswordUsesACountUp) {
  const std::string challenge = Challenge(DigestAlgorithm::kSha256);
  for (const uint32_t count : {1u, 2u, UINT32_MAX}) {
    EXPECT_EQ(Verified(Use(challenge, count, {"alice", "guess"}), start_),
              DigestServer::Outcome::kRefused);
  }
  EXPECT_EQ(Used(challenge, 1), DigestServer::Outcome::kAccepted);
  EXPECT_EQ(Used(challenge, 2), DigestServer::Outcome::kAccepted);
}

// Two calls that are challenged in one turn both answer with the count 1.
TEST_F(DigestServerTest, NoTwoChallengesHaveOneNonce) {
  const std::string one = Challenge(DigestAlgorithm::kMd5);
  const std::string two = Challenge(DigestAlgorithm::kMd5);
  EXPECT_EQ(Used(two, 1), DigestServer::Outcome::kAccepted);
  EXPECT_EQ(Used(one, 1), DigestServer::Outcome::kAccepted);
}

// A worker knows the others' nonces for what they are, but not their counts.
TEST_F(DigestServerTest, AnotherWorkersNonceIsStale) {
  DigestServer other("example.com", {1, 2, 3}, Seconds(60), 1);
  const std::string challenge = Challenge(DigestAlgorithm::kSha256);
  const auto at_other = [&](const DigestSecret& secret) {
    return other.Verify(Parsed(Use(challenge, 1, secret)), request_, "secret", kClient, start_);
  };
  EXPECT_EQ(at_other({"alice", "secret"}), DigestServer::Outcome::kStale);
  EXPECT_EQ(at_other({"alice", "guess"}), DigestServer::Outcome::kRefused);
  EXPECT_EQ(Used(challenge, 1), DigestServer::Outcome::kAccepted);
}

TEST_F(DigestServerTest, AcceptsThePasswordAndNothingElse) {
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::kMd5, DigestAlgorithm::kSha256}) {
    const std::string good = AnswerOf(algorithm, {"alice", "secret"});
    EXPECT_EQ(Verified(good, start_ + Seconds(1)), DigestServer::Outcome::kAccepted) << good;
    EXPECT_EQ(Verified(AnswerOf(algorithm, {"alice", "Secret"}), start_),
              DigestServer::Outcome::kRefused);
    EXPECT_EQ(
        server_.Verify(Parsed(good), {"INVITE", "sip:example.com", ""}, "secret", kClient, start_),
        DigestServer::Outcome::kRefused);
    EXPECT_EQ(
        server_.Verify(Parsed(good), {"REGISTER", "sip:elsewhere", ""}, "secret", kClient, start_),
        DigestServer::Outcome::kRefused);
  }
}

TEST_F(DigestServerTest, AnOldNonceIsStaleOnlyWithTheRightPassword) {
  EXPECT_EQ(Verified(AnswerOf(DigestAlgorithm::kMd5, {"alice", "secret"}), start_ + Seconds(60)),
            DigestServer::Outcome::kAccepted);
  EXPECT_EQ(Verified(AnswerOf(DigestAlgorithm::kMd5, {"alice", "secret"}), start_ + Seconds(61)),
            DigestServer::Outcome::kStale);
  EXPECT_EQ(Verified(AnswerOf(DigestAlgorithm::kMd5, {"alice", "wrong"}), start_ + Seconds(61)),
            DigestServer::Outcome::kRefused);
}

TEST_F(DigestServerTest, ANonceIsOursOnlyUnchangedAndUnderOurKey) {
  const std::string challenge = Challenge(DigestAlgorithm::kMd5);
  const size_t nonce_at = challenge.find("nonce=\"") + 7;
  for (size_t i = 0; i < 64; ++i) {
    std::string forged = challenge;
    forged[nonce_at + i] = forged[nonce_at + i] == '0' ? '1' : '0';
    const Answer answer = AnswerTo(forged, {"alice", "secret"}, request_, {1, "c0"});
    EXPECT_EQ(Verified(answer.value, start_), DigestServer::Outcome::kRefused) << i;
  }
  DigestServer other("example.com", {9}, Seconds(60));
  const std::string answer = AnswerOf(DigestAlgorithm::kMd5, {"alice", "secret"});
  EXPECT_EQ(other.Verify(Parsed(answer), request_, "secret", kClient, start_),
            DigestServer::Outcome::kRefused);
}

TEST_F(DigestServerTest, TheStrongerChallengeIsNotAnsweredWithTheWeakerHash) {
  std::string challenge = Challenge(DigestAlgorithm::kSha256);
  challenge.replace(challenge.find("SHA-256"), 7, "MD5");
  const Answer answer = AnswerTo(challenge, {"alice", "secret"}, request_, {1, "c0"});
  EXPECT_EQ(Verified(answer.value, start_), DigestServer::Outcome::kRefused);
}

TEST_F(DigestServerTest, OtherRealmsAndNoQop) {
  EXPECT_EQ(
      Verified("Digest username=\"a\",realm=\"other\",nonce=\"n\",uri=\"x\",response=\"\"", start_),
      DigestServer::Outcome::kNoCredentials);
  std::string challenge = Challenge(DigestAlgorithm::kMd5);
  challenge.erase(challenge.find(",qop="), 11);
  const Answer answer = AnswerTo(challenge, {"alice", "secret"}, request_, {1, "c0"});
  EXPECT_EQ(Verified(answer.value, start_), DigestServer::Outcome::kRefused);
}

TEST_F(DigestServerTest, SaysStaleInTheChallenge) {
  char memory[512];
  TextWriter out(memory);
  server_.WriteChallenge(DigestAlgorithm::kSha256, true, kClient, start_, &out);
  DigestChallenge challenge;
  ASSERT_EQ(ParseDigestChallenge(out.text(), &challenge), ParseError::kOk);
  EXPECT_TRUE(challenge.stale);
  EXPECT_TRUE(challenge.qop_auth);
  EXPECT_EQ(challenge.algorithm, DigestAlgorithm::kSha256);
}

TEST_F(DigestServerTest, NothingIsAllocatedPerRequest) {
  ASSERT_TRUE(kCounting);
  const std::string md5 = Challenge(DigestAlgorithm::kMd5);
  const std::string sha256 = Challenge(DigestAlgorithm::kSha256);
  const size_t before = allocations;
  for (uint32_t count = 1; count <= 3; ++count) {
    EXPECT_EQ(Used(md5, count), DigestServer::Outcome::kAccepted);
    EXPECT_EQ(Used(sha256, count), DigestServer::Outcome::kAccepted);
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace core::sip

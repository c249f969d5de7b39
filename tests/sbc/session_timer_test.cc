// One leg's session timer by itself, row by row against RFC 4028: what is acceptable (§9), who
// refreshes (table 2), what is asked for (§7.1, §7.4), 422 (§7.3), and when (§10).

#include "sbc/session_timer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sbc {
namespace {

using namespace std::chrono_literals;
using core::Instant;
using core::sip::Message;
using core::sip::ParseError;
using testing::HasSubstr;
using testing::Not;
using Role = SessionTimer::Role;

constexpr SessionTimer::Settings kSettings{.session_expires_s = 1800, .min_se_s = 90};
const Instant kNow = Instant{} + 1000s;

/// A message with the given fields; its text lives as long as it does.
struct Text {
  explicit Text(const std::string& fields, bool response = false)
      : bytes((response ? "SIP/2.0 200 OK\r\n" : "INVITE sip:b@192.0.2.1 SIP/2.0\r\n") +
              ("Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
               "To: <sip:b@x>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" +
               fields + "Content-Length: 0\r\n\r\n")) {
    EXPECT_EQ(message.Index(bytes), ParseError::kOk);
  }
  std::string bytes;
  Message message;
};

std::string Answer(const SessionTimer& timer) {
  char bytes[256];
  core::sip::MessageWriter out(bytes);
  out.StatusLine(200, "");
  timer.WriteAnswer(&out);
  return std::string(out.text());
}

std::string Offer(const SessionTimer& timer) {
  char bytes[256];
  core::sip::MessageWriter out(bytes);
  out.StatusLine(200, "");
  timer.WriteOffer(&out);
  return std::string(out.text());
}

// §9: too small is 422, but only to one who would understand it.
TEST(SessionTimerTest, AcceptsWhatIsLongEnough) {
  const SessionTimer timer(kSettings);
  EXPECT_TRUE(timer.Acceptable(Text("").message));
  EXPECT_TRUE(timer.Acceptable(Text("Supported: timer\r\nSession-Expires: 90\r\n").message));
  EXPECT_FALSE(timer.Acceptable(Text("Supported: timer\r\nSession-Expires: 89\r\n").message));
  EXPECT_FALSE(timer.Acceptable(Text("k: timer\r\nx: 60\r\n").message));  // Compact forms.
  EXPECT_TRUE(timer.Acceptable(Text("Session-Expires: 60\r\n").message));
  EXPECT_TRUE(timer.Acceptable(Text("Supported: timer\r\nSession-Expires: soon\r\n").message));
  EXPECT_EQ(timer.role(), Role::kOff);
  EXPECT_EQ(timer.due(), core::kNever);
}

struct UasRow {
  const char* fields;
  Role role;
  uint32_t interval;
  const char* answer;
};

// §9 and its table 2: interval and refresher as UAS.
TEST(SessionTimerTest, AnswersByTable2) {
  const UasRow rows[] = {
      // The peer does not know the extension: we refresh, whatever a proxy wrote.
      {"", Role::kRefresher, 1800, "Session-Expires: 1800;refresher=uas"},
      {"Session-Expires: 600\r\n", Role::kRefresher, 600, "Session-Expires: 600;refresher=uas"},
      {"Session-Expires: 40\r\n", Role::kRefresher, 90, "Session-Expires: 90;refresher=uas"},
      // It knows: its choice, or the caller where it makes none.
      {"Supported: timer\r\nSession-Expires: 600\r\n", Role::kWatcher, 600,
       "Session-Expires: 600;refresher=uac"},
      {"Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n", Role::kWatcher, 600,
       "Session-Expires: 600;refresher=uac"},
      {"Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", Role::kRefresher, 600,
       "Session-Expires: 600;refresher=uas"},
      // Ours where it asks for more; never below its Min-SE, nor ours.
      {"Supported: timer\r\nSession-Expires: 4000\r\n", Role::kWatcher, 1800,
       "Session-Expires: 1800;refresher=uac"},
      {"Supported: timer\r\nSession-Expires: 4000\r\nMin-SE: 3000\r\n", Role::kWatcher, 3000,
       "Session-Expires: 3000;refresher=uac"},
      {"Supported: timer\r\n", Role::kWatcher, 1800, "Session-Expires: 1800;refresher=uac"},
  };
  for (const UasRow& row : rows) {
    SessionTimer timer(kSettings);
    timer.AcceptRequest(Text(row.fields).message, kNow);
    EXPECT_EQ(timer.role(), row.role) << row.fields;
    EXPECT_EQ(timer.interval_s(), row.interval) << row.fields;
    EXPECT_THAT(Answer(timer), HasSubstr(row.answer)) << row.fields;
    // §9: Require only where the peer must do something.
    if (row.role == Role::kWatcher) {
      EXPECT_THAT(Answer(timer), HasSubstr("Require: timer")) << row.fields;
    } else {
      EXPECT_THAT(Answer(timer), Not(HasSubstr("Require"))) << row.fields;
    }
  }
}

// §7.1: the first request asks for our interval and leaves the choice; before anything was agreed
// no answer speaks of it.
TEST(SessionTimerTest, OffersItsInterval) {
  const SessionTimer timer(kSettings);
  EXPECT_THAT(Offer(timer), HasSubstr("Session-Expires: 1800\r\nMin-SE: 90\r\n"));
  EXPECT_THAT(Answer(timer), Not(HasSubstr("Session-Expires")));
}

// §7.2: as UAC, what the 2xx says; who says nothing makes us the refresher.
TEST(SessionTimerTest, TakesWhatTheAnswerAgreed) {
  struct Row {
    const char* fields;
    Role role;
    uint32_t interval;
  };
  for (const Row& row :
       {Row{"Session-Expires: 600;refresher=uac\r\n", Role::kRefresher, 600},
        Row{"Session-Expires: 600;refresher=uas\r\n", Role::kWatcher, 600},
        Row{"Session-Expires: 600\r\n", Role::kRefresher, 600}, Row{"", Role::kRefresher, 1800},
        // Less than everybody must accept: no tight loop of refreshes.
        Row{"Session-Expires: 2;refresher=uac\r\n", Role::kRefresher, 90}}) {
    SessionTimer timer(kSettings);
    timer.AcceptResponse(Text(row.fields, true).message, kNow);
    EXPECT_EQ(timer.role(), row.role) << row.fields;
    EXPECT_EQ(timer.interval_s(), row.interval) << row.fields;
  }
}

// §7.4: a refresh says the roles that are, in the words of the transaction that it is.
TEST(SessionTimerTest, RefreshKeepsTheRoles) {
  SessionTimer refresher(kSettings);
  refresher.AcceptResponse(Text("Session-Expires: 600;refresher=uac\r\n", true).message, kNow);
  EXPECT_THAT(Offer(refresher), HasSubstr("Session-Expires: 600;refresher=uac"));
  SessionTimer watcher(kSettings);
  watcher.AcceptResponse(Text("Session-Expires: 600;refresher=uas\r\n", true).message, kNow);
  EXPECT_THAT(Offer(watcher), HasSubstr("Session-Expires: 600;refresher=uas"));
}

// §10: the refresher at half the interval; then, and the watcher always, at the end less the
// smaller of 32 s and a third.
TEST(SessionTimerTest, DueByTheRole) {
  SessionTimer timer(kSettings);
  timer.AcceptResponse(Text("Session-Expires: 600;refresher=uac\r\n", true).message, kNow);
  EXPECT_EQ(timer.due(), kNow + 300s);
  timer.OnRefreshSent();
  EXPECT_EQ(timer.due(), kNow + 568s);
  timer.AcceptResponse(Text("Session-Expires: 90;refresher=uac\r\n", true).message, kNow + 300s);
  EXPECT_FALSE(timer.refresh_sent());
  EXPECT_EQ(timer.due(), kNow + 345s);
  timer.OnRefreshSent();
  EXPECT_EQ(timer.due(), kNow + 360s);
  SessionTimer watcher(kSettings);
  watcher.AcceptRequest(Text("Supported: timer\r\nSession-Expires: 600\r\n").message, kNow);
  EXPECT_EQ(watcher.due(), kNow + 568s);
  watcher.AcceptRequest(Text("Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n").message,
                        kNow + 300s);
  EXPECT_EQ(watcher.due(), kNow + 868s);
  watcher.Stop();
  EXPECT_EQ(watcher.due(), core::kNever);
}

// §7.3: a 422 raises interval and Min-SE to what it says, once for each value; one that says less,
// or nothing, helps not.
TEST(SessionTimerTest, RaisedBy422) {
  SessionTimer timer({.session_expires_s = 200, .min_se_s = 90});
  EXPECT_FALSE(timer.OnTooSmall(Text("", true).message));
  EXPECT_FALSE(timer.OnTooSmall(Text("Min-SE: 90\r\n", true).message));
  EXPECT_TRUE(timer.OnTooSmall(Text("Min-SE: 600\r\n", true).message));
  EXPECT_THAT(Offer(timer), HasSubstr("Session-Expires: 600\r\nMin-SE: 600\r\n"));
  EXPECT_FALSE(timer.OnTooSmall(Text("Min-SE: 600\r\n", true).message));
  EXPECT_FALSE(timer.OnTooSmall(Text("Min-SE: lots\r\n", true).message));
  // What was raised stays for the refreshes that follow (§7.4).
  timer.AcceptResponse(Text("Session-Expires: 600;refresher=uac\r\n", true).message, kNow);
  EXPECT_THAT(Offer(timer), HasSubstr("Min-SE: 600"));
}

// A peer that names an interval of centuries does not overflow ours.
// A UAS may lower what was asked, never raise it (RFC 4028 §9), and nobody may ask for years.
TEST(SessionTimerTest, AMinSeBeyondWhatIsAskedRaisesNothing) {
  SessionTimer timer(kSettings);
  timer.AcceptRequest(
      Text("Supported: timer\r\nSession-Expires: 150\r\nMin-SE: 4000000000\r\n").message, kNow);
  EXPECT_EQ(timer.interval_s(), 150u);
  timer.AcceptRequest(Text("Supported: timer\r\nMin-SE: 4000000000\r\n").message, kNow);
  EXPECT_EQ(timer.interval_s(), 86'400u);
  EXPECT_FALSE(timer.OnTooSmall(Text("Min-SE: 90000\r\n", true).message));
}

TEST(SessionTimerTest, HugeIntervalsAreBounded) {
  SessionTimer timer(kSettings);
  timer.AcceptResponse(Text("Session-Expires: 4294967295;refresher=uas\r\n", true).message, kNow);
  EXPECT_GT(timer.due(), kNow);
  timer.AcceptRequest(Text("Supported: timer\r\nSession-Expires: 4294967295\r\n"
                           "Min-SE: 4294967295\r\n")
                          .message,
                      kNow);
  EXPECT_GT(timer.due(), kNow);
}

}  // namespace
}  // namespace sbc

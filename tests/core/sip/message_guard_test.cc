#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "core/sip/message.h"
#include "core/sip/small_headers.h"
#include "core/sip/verdict.h"
#include "tests/support/corpus.h"

namespace core::sip {
namespace {

// Goal: no prefix of any message makes index, judge or readers touch a byte behind its end. Each is
// laid right up against a page that must not be read, so one byte too far is a fault.

class GuardedPages {
 public:
  GuardedPages() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = static_cast<char*>(mmap(nullptr, kPages * page_ + page_, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(memory_ != MAP_FAILED);
    CHECK(mprotect(memory_ + kPages * page_, page_, PROT_NONE) == 0);
  }
  ~GuardedPages() { munmap(memory_, kPages * page_ + page_); }

  std::string_view Lay(std::string_view text) {
    CHECK(text.size() <= kPages * page_);
    char* at = memory_ + kPages * page_ - text.size();
    std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
  }

 private:
  static constexpr size_t kPages = 2;
  size_t page_;
  char* memory_;
};

void ReadEverything(const Message& message) {
  Uri uri;
  (void)ParseUri(message.request_uri(), &uri);
  for (size_t i = 0; i < message.header_count(); ++i) {
    ListReader list(message.header(i).value);
    for (std::string_view value; list.Next(&value);) {
      Via via;
      (void)ParseVia(value, &via);
      NameAddr address;
      if (ParseNameAddr(value, &address) == ParseError::kOk) (void)ParseUri(address.uri, &uri);
      CSeqValue cseq;
      (void)ParseCSeq(value, &cseq);
      MediaType media_type;
      (void)ParseMediaType(value, &media_type);
      Warning warning;
      (void)ParseWarning(value, &warning);
      RetryAfter retry_after;
      (void)ParseRetryAfter(value, &retry_after);
    }
  }
  (void)Judge(message);
}

TEST(MessageGuardTest, NoPrefixIsReadPastItsEnd) {
  std::vector<std::string> files;
  for (const char* folder : {"rfc4475", "seed"}) {
    for (const auto& entry :
         std::filesystem::directory_iterator("tests/corpus/" + std::string(folder))) {
      const std::string extension = entry.path().extension();
      if (extension != ".dat" && extension != ".sip") continue;
      files.push_back(folder + ("/" + entry.path().filename().string()));
    }
  }
  ASSERT_EQ(files.size(), 51u);
  GuardedPages pages;
  for (const std::string& file : files) {
    const std::string text = ReadCorpus(file);
    for (size_t size = 0; size <= text.size(); ++size) {
      const std::string_view prefix = pages.Lay(std::string_view(text).substr(0, size));
      Message message;
      (void)message.Index(prefix);  // What it says of a prefix is message_test's business.
      ReadEverything(message);
      EXPECT_EQ(PeekCallId(prefix), message.call_id()) << file << " cut at " << size;
    }
  }
}

// A datagram that lost its tail is never taken for the whole: up to the empty line it is truncated,
// behind it the body is short.
TEST(MessageGuardTest, EveryTruncationOfTheTrunksInviteIsNoticed) {
  const std::string text = ReadCorpus("seed/inbound-invite.sip");
  for (size_t size = 1; size < text.size(); ++size) {
    Message message;
    EXPECT_NE(message.Index(std::string_view(text).substr(0, size)), ParseError::kOk) << size;
  }
}

}  // namespace
}  // namespace core::sip

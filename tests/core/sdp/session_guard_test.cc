#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "core/base/check.h"
#include "core/sdp/multipart.h"
#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: no prefix of any description or multipart body makes a reader touch a byte behind its end.
// Each is laid right up against a page that must not be read, so one byte too far is a fault.

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

constexpr const char* kDescriptions[] = {"asterisk", "baresip", "browser", "hold_old", "ipv6",
                                         "lenient",  "sipp",    "srtp",    "t38",      "trunk"};

// A prefix that is accepted is a description of its own: rewritten, it is accepted again, with as
// many lines and formats as were whole.
TEST(SessionGuardTest, EveryTruncationIsRefusedOrIsItself) {
  GuardedPages pages;
  SessionDescription description;
  SessionDescription again;
  for (const char* name : kDescriptions) {
    const std::string text = ReadCorpus(std::string("fuzz/sdp/") + name + ".sdp");
    size_t accepted = 0;
    for (size_t size = 0; size <= text.size(); ++size) {
      const std::string_view prefix = pages.Lay(std::string_view(text).substr(0, size));
      if (description.Parse(prefix) != ParseError::kOk) continue;
      ++accepted;
      const std::string written = Rewritten(description, KeepAll(description));
      ASSERT_EQ(again.Parse(pages.Lay(written)), ParseError::kOk) << name << " cut at " << size;
      EXPECT_EQ(again.media().size(), description.media().size());
    }
    EXPECT_GT(accepted, 0u) << "the whole is one";
    EXPECT_LT(accepted, text.size()) << "most cuts within o=, c= and m= are noticed";
  }
}

// Until its last delimiter is whole, a multipart body is not (RFC 2046 §5.1.1).
TEST(SessionGuardTest, EveryTruncationOfAMultipartBodyIsNoticed) {
  GuardedPages pages;
  const std::string text = ReadCorpus("fuzz/sdp_multipart/emergency");
  const std::string_view body = std::string_view(text).substr(text.find('\n') + 1);
  const size_t whole = body.rfind("--") + 2;
  for (size_t size = 0; size <= body.size(); ++size) {
    MultipartBody multipart;
    const ParseError error = multipart.Parse("boundary1", pages.Lay(body.substr(0, size)));
    // Behind the last "--" only its CRLF may come, whole or not at all.
    EXPECT_EQ(error == ParseError::kOk, size == whole || size == body.size()) << size;
  }
}

}  // namespace
}  // namespace core::sdp

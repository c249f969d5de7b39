// Runs a fuzzer's one function over the files of the folders it is given, and over the empty input:
// what libFuzzer's -runs=0 does, for compilers that have no libFuzzer.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void Replay(const std::string& bytes) {
  (void)LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  Replay("");
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    std::error_code missing;  // A fuzzer may have no seeds yet.
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], missing)) {
      if (!entry.is_regular_file()) continue;
      std::printf("%s\n",
                  entry.path().c_str());  // Before it runs: the last line names the culprit.
      std::fflush(stdout);
      std::ifstream file(entry.path(), std::ios::binary);
      Replay({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
      ++files;
    }
  }
  std::printf("%d files replayed\n", files);
  return 0;
}

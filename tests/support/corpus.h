#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "core/base/check.h"

/// A file of tests/corpus, byte for byte. Tests, fuzzers and benchmarks run in the project's root.
inline std::string ReadCorpus(const std::string& name) {
  std::ifstream file("tests/corpus/" + name, std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

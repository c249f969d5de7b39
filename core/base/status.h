#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

/// Leaves the function with the error of `expression`, if it has one. For the operator's side of
/// the program only (configuration, files, listen sockets): a Status builds strings.
#define RETURN_IF_ERROR(expression)                                     \
  do {                                                                  \
    if (absl::Status status_of_it = (expression); !status_of_it.ok()) { \
      return status_of_it;                                              \
    }                                                                   \
  } while (false)

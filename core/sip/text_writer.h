#pragma once

#include "core/buffer/text_writer.h"

namespace core::sip {

using core::TextWriter;

}  // namespace core::sip

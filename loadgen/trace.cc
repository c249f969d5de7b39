#include "loadgen/trace.h"

#include "core/sip/text_writer.h"
#include "loadgen/time_text.h"

namespace loadgen {

using core::sip::TextWriter;

void Trace::WriteMessage(std::string_view what, std::string_view bytes) {
  char memory[256];
  TextWriter head(memory);
  head.Append("----------------------------------------------- ");
  WriteWallTime(wall_, files_.utc_offset_s, &head);
  head.Append("\nUDP message ");
  head.Append(what);
  head.Append(" [");
  head.AppendNumber(bytes.size());
  head.Append("] bytes:\n\n");
  files_.messages->Write(head.text());
  files_.messages->Write(bytes);
  files_.messages->Write("\n");
}

void Trace::Warn(std::initializer_list<std::string_view> pieces, std::string_view message) {
  if (files_.errors == nullptr) return;
  char memory[kWarningMax];
  TextWriter line(memory);
  WriteWallTime(wall_, files_.utc_offset_s, &line);
  line.Append(": ");
  for (const std::string_view piece : pieces) {
    line.Append(piece.substr(0, sizeof(memory) - 2 - line.size()));
  }
  line.Append(message.empty() ? "\n" : ":\n");
  files_.errors->Write(line.text());
  if (message.empty()) return;
  files_.errors->Write(message);
  files_.errors->Write("\n");
}

}  // namespace loadgen

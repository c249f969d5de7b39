#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/sip/message.h"
#include "loadgen/injection_file.h"
#include "loadgen/render_context.h"
#include "loadgen/template.h"

namespace loadgen {

/// Everything that a template may refer to, with fixed values.
struct TemplateFixture {
  VariableTable table;
  InjectionFiles files;
  std::map<std::string, std::string, std::less<>> keys;
  RunValues run;
  core::sip::Message last;
  std::vector<VariableValue> values = std::vector<VariableValue>(16);
  std::vector<char> text = std::vector<char>(1024);
  VariableStore store{values, text};
  std::vector<VariableValue> global_values = std::vector<VariableValue>(16);
  std::vector<char> global_text = std::vector<char>(1024);
  VariableStore global_store{global_values, global_text};
  std::vector<uint32_t> lines = {0, 0};
  RenderContext context;

  TemplateFixture() {
    run.remote_ip = "192.0.2.1";
    run.remote_host = "peer.example";
    run.local_ip = "192.0.2.9";
    run.media_ip = "192.0.2.8";
    run.server_ip = "192.0.2.9";
    run.local_port = 5070;
    run.pid = 4711;
    run.version = "3.6";
    context.run = &run;
    context.call_number = 3;
    context.call_id = "3-4711@192.0.2.9";
    context.step_index = 7;
    context.variables[static_cast<size_t>(VariableScope::kCall)] = &store;
    context.variables[static_cast<size_t>(VariableScope::kGlobal)] = &global_store;
    context.injection_lines = lines;
  }

  TemplateScope Scope() { return {&table, &files, &keys, 1}; }

  void Receive(std::string_view message) {
    CHECK(last.Index(message) == core::sip::ParseError::kOk);
    context.last = &last;
  }

  void AddFile(std::string_view text_of_file, std::string_view path) {
    absl::StatusOr<std::unique_ptr<InjectionFile>> file =
        InjectionFile::Parse(std::string(text_of_file), path);
    CHECK(file.ok());
    CHECK(files.Add(*std::move(file)).ok());
  }

  std::string Render(const MessageTemplate& compiled, std::string_view method = "INVITE") {
    std::string out(8192, '#');
    out.resize(compiled.Render(context, method, out));
    return out;
  }

  /// What a plain text expands to; the error, when it does not compile.
  std::string Expand(std::string_view words) {
    const absl::StatusOr<MessageTemplate> compiled = MessageTemplate::Compile(words, Scope());
    if (!compiled.ok()) return std::string(compiled.status().message());
    return Render(*compiled);
  }

  /// The same of a <send>.
  std::string Send(std::string_view cdata) {
    const absl::StatusOr<SendTemplate> compiled = CompileSend(cdata, Scope());
    if (!compiled.ok()) return std::string(compiled.status().message());
    return Render(compiled->message, compiled->method);
  }
};

}  // namespace loadgen

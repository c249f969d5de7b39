#include "loadgen/route_set.h"

#include <string_view>

#include "core/base/bounded_vector.h"
#include "core/sip/list_reader.h"
#include "core/sip/name_addr.h"
#include "core/sip/uri.h"

namespace loadgen {
namespace {

using core::sip::HeaderId;
using core::sip::ListReader;
using core::sip::Message;
using core::sip::NameAddr;
using core::sip::ParseError;

constexpr size_t kRoutesMax = 64;  // More proxies than Max-Forwards' 70 lets through, nearly.

std::string_view TargetOf(const Message& message) {
  NameAddr contact;
  if (message.Contact(&contact) == ParseError::kOk) return contact.uri;
  // What no grammar accepts is still where its sender wants to be called: between its brackets.
  const std::string_view value = message.Find(HeaderId::kContact).value_or("");
  const size_t open = value.find('<');
  if (open == std::string_view::npos) return value.substr(0, value.find(';'));
  return value.substr(open + 1, value.find('>', open) - open - 1);
}

bool IsStrict(std::string_view route, std::string_view* uri_text) {
  NameAddr address;
  core::sip::Uri uri;
  if (core::sip::ParseNameAddr(route, &address) != ParseError::kOk ||
      core::sip::ParseUri(address.uri, &uri) != ParseError::kOk) {
    return false;
  }
  *uri_text = address.uri;
  return !core::sip::FindUriParameter(uri, "lr").has_value();
}

}  // namespace

size_t WriteRouteSet(const Message& message, core::sip::TextWriter* out) {
  core::BoundedVector<std::string_view, kRoutesMax> routes;
  ListReader reader(message, HeaderId::kRecordRoute);
  for (std::string_view value; reader.Next(&value);) {
    if (!routes.PushBack(value)) break;
  }
  const bool turned = !message.is_request();
  const auto route = [&](size_t i) { return routes[turned ? routes.size() - 1 - i : i]; };
  const std::string_view target = TargetOf(message);
  std::string_view next = target;
  const bool strict = !routes.empty() && IsStrict(route(0), &next);
  if (!strict) next = target;
  bool first = true;
  for (size_t i = strict ? 1 : 0; i < routes.size(); ++i) {
    if (!first) out->Append(", ");
    first = false;
    out->Append(route(i));
  }
  if (strict && !target.empty()) {
    out->Append(first ? "<" : ", <");
    out->Append(target);
    out->Append('>');
  }
  const size_t size = out->size();
  out->Append(next);
  return size;
}

}  // namespace loadgen

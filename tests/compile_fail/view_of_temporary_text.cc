// A view into bounded text that dies at the end of the statement would dangle.

#include <string_view>

#include "core/base/bounded_text.h"

core::BoundedText<8> Make();

bool Use() {
#ifdef MISUSE
  const std::string_view view = Make().view();
#else
  const core::BoundedText<8> text = Make();
  const std::string_view view = text.view();
#endif
  return view.empty();
}

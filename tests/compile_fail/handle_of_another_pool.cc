// A handle of one type finds nothing in the pool of another, whatever its bits.

#include "core/base/pool.h"

bool Use(core::Pool<int>* pool, core::Handle<int> right, core::Handle<long> wrong) {
#ifdef MISUSE
  return pool->Find(wrong) != nullptr;
#endif
  (void)wrong;
  return pool->Find(right) != nullptr;
}

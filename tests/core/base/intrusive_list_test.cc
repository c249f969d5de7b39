// A list through its elements keeps their order, and an element that dies is never reached again.

#include "core/base/intrusive_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ByAge;
struct ByName;

struct Item : ListNode<ByAge>, ListNode<ByName> {
  explicit Item(int its_value) : value(its_value) {}
  int value;
};

using List = IntrusiveList<Item, ByAge>;

std::vector<int> Values(List* list) {
  std::vector<int> values;
  for (Item* item = list->front(); item != nullptr; item = list->Next(item)) {
    values.push_back(item->value);
  }
  EXPECT_EQ(values.size(), list->Count());
  EXPECT_EQ(values.empty(), list->empty());
  return values;
}

TEST(IntrusiveListTest, KeepsTheOrderOfPushing) {
  Item a(1), b(2), c(3);
  List list;
  list.PushBack(&b);
  list.PushBack(&c);
  list.PushBack(&a);

  EXPECT_THAT(Values(&list), ElementsAre(2, 3, 1));
  EXPECT_EQ(list.PopFront(), &b);
  EXPECT_EQ(list.PopFront(), &c);
  EXPECT_EQ(list.PopFront(), &a);
  EXPECT_EQ(list.PopFront(), nullptr);
  EXPECT_EQ(list.front(), nullptr);
}

TEST(IntrusiveListTest, RemovesFromTheMiddleAndTwiceIsOnce) {
  Item a(1), b(2), c(3);
  List list;
  for (Item* item : {&a, &b, &c}) list.PushBack(item);
  ListNode<ByAge>& node = b;
  node.Unlink();
  node.Unlink();

  EXPECT_FALSE(node.linked());
  EXPECT_THAT(Values(&list), ElementsAre(1, 3));
  list.PushBack(&b);
  EXPECT_THAT(Values(&list), ElementsAre(1, 3, 2));
}

TEST(IntrusiveListTest, AnElementThatDiesLeavesByItself) {
  Item a(1), c(3);
  auto b = std::make_unique<Item>(2);
  List list;
  list.PushBack(&a);
  list.PushBack(b.get());
  list.PushBack(&c);
  b.reset();

  EXPECT_THAT(Values(&list), ElementsAre(1, 3));
}

TEST(IntrusiveListTest, AListThatDiesLetsItsElementsGo) {
  Item a(1);
  {
    List list;
    list.PushBack(&a);
  }
  EXPECT_FALSE(static_cast<ListNode<ByAge>&>(a).linked());
  List other;
  other.PushBack(&a);
  EXPECT_THAT(Values(&other), ElementsAre(1));
}

TEST(IntrusiveListTest, OneObjectStandsInTwoLists) {
  Item a(1);
  List by_age;
  IntrusiveList<Item, ByName> by_name;
  by_age.PushBack(&a);
  by_name.PushBack(&a);
  EXPECT_EQ(by_age.PopFront(), &a);

  EXPECT_EQ(by_name.front(), &a);
}

TEST(IntrusiveListTest, SpliceMovesAllToTheEnd) {
  Item a(1), b(2), c(3), d(4);
  List to, from;
  to.PushBack(&a);
  from.PushBack(&b);
  from.PushBack(&c);
  to.Splice(&from);
  EXPECT_THAT(Values(&to), ElementsAre(1, 2, 3));
  EXPECT_THAT(Values(&from), IsEmpty());

  to.Splice(&from);  // Of nothing: nothing.
  EXPECT_THAT(Values(&to), ElementsAre(1, 2, 3));
  from.PushBack(&d);  // Both still work.
  from.Splice(&to);
  EXPECT_THAT(Values(&from), ElementsAre(4, 1, 2, 3));
  EXPECT_THAT(Values(&to), IsEmpty());
}

TEST(IntrusiveListDeathTest, AnElementStandsInAListOnce) {
  Item a(1);
  List list;
  list.PushBack(&a);
  EXPECT_DEATH(list.PushBack(&a), "CHECK failed");
}

}  // namespace
}  // namespace core

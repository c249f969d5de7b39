#pragma once

#include <cstddef>

#include "core/base/check.h"

namespace core {

/// A place in one IntrusiveList; derive from it. An object that dies leaves its list by itself.
///
/// Tag: makes two list places in one object two types.
template <typename Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { Unlink(); }

  bool linked() const { return next_ != nullptr; }
  void Unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

/// A doubly linked list through its elements: no allocation, constant-time removal from the middle.
///
/// Lifetime: owns nothing. It must outlive its elements' membership; it empties itself when it
/// dies.
template <typename T, typename Tag = T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->Unlink();
    head_.next_ = head_.previous_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  void PushBack(T* element) {
    ListNode<Tag>* node = element;
    CHECK(!node->linked());
    node->previous_ = head_.previous_;
    node->next_ = &head_;
    head_.previous_->next_ = node;
    head_.previous_ = node;
  }

  /// The first element, taken out; null when empty.
  T* PopFront() {
    T* element = front();
    if (element != nullptr) static_cast<ListNode<Tag>*>(element)->Unlink();
    return element;
  }

  /// The one after `element`, or null at the end.
  T* Next(T* element) {
    ListNode<Tag>* node = static_cast<ListNode<Tag>*>(element)->next_;
    return node == &head_ ? nullptr : static_cast<T*>(node);
  }

  /// How many there are, found by walking: for tests and invariants.
  size_t Count() const {
    size_t count = 0;
    for (const ListNode<Tag>* node = head_.next_; node != &head_; node = node->next_) ++count;
    return count;
  }

  /// Moves all of `other` to the end of this list.
  void Splice(IntrusiveList* other) {
    if (other->empty()) return;
    ListNode<Tag>* first = other->head_.next_;
    ListNode<Tag>* last = other->head_.previous_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
    other->head_.next_ = other->head_.previous_ = &other->head_;
  }

 private:
  ListNode<Tag> head_;
};

}  // namespace core

#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <string>

#include "core/engine/mailbox.h"
#include "sbc/control/admin_server.h"

namespace sbc {

/// Questions from HTTP threads to the control thread, which has no lock otherwise.
///
/// Shape:  as many questions as there are threads that ask; each waits for its answer.
/// Thread: Ask() is the asking threads', Serve() the control thread's, Close() anyone's.
class QuestionQueue {
 public:
  explicit QuestionQueue(core::engine::Waker* waker) : waker_(waker) {}

  /// Nothing, when no answer came within `patience`, or the queue is closed.
  std::optional<std::string> Ask(AdminQuestion question, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (closed_) return std::nullopt;
    questions_.push_back({question, std::nullopt});
    const auto mine = std::prev(questions_.end());
    waker_->Wake();
    answered_.wait_for(lock, patience, [&] { return closed_ || mine->answer.has_value(); });
    std::optional<std::string> answer = std::move(mine->answer);
    questions_.erase(mine);
    return answer;
  }

  void Serve(AdminServer::Answerer* answerer) {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : questions_) {
      if (!entry.answer.has_value()) entry.answer = answerer->Answer(entry.question);
    }
    answered_.notify_all();
  }

  /// Whoever waits, and whoever asks from now on, gets nothing.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    answered_.notify_all();
  }

 private:
  struct Entry {
    AdminQuestion question;
    std::optional<std::string> answer;
  };

  core::engine::Waker* waker_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::list<Entry> questions_;
  bool closed_ = false;
};

}  // namespace sbc

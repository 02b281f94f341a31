// A team of threads that run one function together and meet at a barrier.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "palate/cancel.hpp"

namespace palate {

// A barrier for short phases: a waiting thread spins for a while, then yields to other threads.
class Barrier {
 public:
  // Thrown by wait() after abort(): a member that failed will never arrive.
  struct Aborted {};

  explicit Barrier(int members) : members_(members) {}

  void wait() {
    if (members_ == 1) return;
    const unsigned phase = phase_.load(std::memory_order_acquire);
    if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
      waiting_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) {
      if (aborted_.load(std::memory_order_relaxed)) throw Aborted{};
      if (spins > kMaxSpins) std::this_thread::yield();
    }
  }

  // Releases all members that wait, now or later, from a phase that cannot be completed. To be
  // called by a member that will not call wait() again.
  void abort() { aborted_.store(true, std::memory_order_relaxed); }

 private:
  static constexpr int kMaxSpins = 1000;
  const int members_;
  std::atomic<int> waiting_{0};
  std::atomic<unsigned> phase_{0};
  std::atomic<bool> aborted_{false};
};

// A thread takes this number of rows at a time.
constexpr std::size_t kRowsAtATime = 8;

// Distributes task numbers 0 .. size - 1 among threads, a few at a time.
class TaskQueue {
 public:
  struct Tasks {
    std::size_t first, last;
    explicit operator bool() const { return first < last; }
  };

  explicit TaskQueue(std::size_t size, std::size_t at_a_time = kRowsAtATime,
                     const CancelToken* cancel = nullptr)
      : size_(size), at_a_time_(at_a_time), cancel_(cancel) {}

  // The number of threads that have something to do, at most `threads`.
  int members(int threads) const {
    const std::size_t shares = (size_ + at_a_time_ - 1) / at_a_time_;
    return static_cast<int>(std::clamp<std::size_t>(shares, 1, static_cast<std::size_t>(threads)));
  }

  // Throws Cancelled once the token is cancelled.
  Tasks next() {
    if (cancel_ && cancel_->cancelled()) throw Cancelled{};
    const std::size_t first = std::min(next_.fetch_add(at_a_time_), size_);
    return {first, std::min(first + at_a_time_, size_)};
  }

 private:
  const std::size_t size_, at_a_time_;
  const CancelToken* const cancel_;
  std::atomic<std::size_t> next_{0};
};

// Runs work(member, barrier) for member = 0 .. members - 1, member 0 on the calling thread, and
// waits for all of them. An exception in one member aborts the barrier, so that the others end as
// well; the exception of the lowest member that threw one is rethrown. Where the system has no
// threads left, throws std::system_error before any work was done.
inline void run_team(int members, const std::function<void(int, Barrier&)>& work) {
  enum class Signal { kWait, kStart, kCancel };
  std::atomic<Signal> signal{Signal::kWait};
  Barrier barrier(members);
  std::vector<std::thread> others;
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(members));
  const auto run = [&](int member) {
    try {
      work(member, barrier);
    } catch (const Barrier::Aborted&) {  // reported by the member that failed
    } catch (...) {
      thrown[static_cast<std::size_t>(member)] = std::current_exception();
      barrier.abort();
    }
  };
  const auto release = [&](Signal value) {
    signal.store(value, std::memory_order_release);
    signal.notify_all();
    if (value == Signal::kStart) run(0);
    for (std::thread& other : others) other.join();
  };
  try {
    for (int member = 1; member < members; ++member)
      others.emplace_back([&, member] {
        signal.wait(Signal::kWait);
        if (signal.load(std::memory_order_acquire) == Signal::kStart) run(member);
      });
  } catch (...) {
    release(Signal::kCancel);
    throw;
  }
  release(Signal::kStart);
  for (const std::exception_ptr& error : thrown)
    if (error) std::rethrow_exception(error);
}

// Calls row(r) for every row r, a few of them at a time on each thread; `make` makes the function
// that a thread uses, with buffers of its own.
template <typename Make>
void for_each_row(std::size_t rows, int threads, const CancelToken* cancel, const Make& make) {
  TaskQueue queue(rows, kRowsAtATime, cancel);
  run_team(queue.members(threads), [&](int, Barrier&) {
    auto row = make();
    while (const auto tasks = queue.next())
      for (std::size_t r = tasks.first; r < tasks.last; ++r) row(r);
  });
}

}  // namespace palate

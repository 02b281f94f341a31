// A team of threads that run one function together and meet at a barrier.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace palate {

// A barrier for short phases: it spins for a while, then lets other threads run.
class Barrier {
 public:
  explicit Barrier(int members) : members_(members), waiting_(0), phase_(0) {}

  void wait() {
    if (members_ == 1) return;
    const unsigned phase = phase_.load(std::memory_order_acquire);
    if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
      waiting_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) {
      if (spins > kSpins) std::this_thread::yield();
    }
  }

 private:
  static constexpr int kSpins = 1000;
  const int members_;
  std::atomic<int> waiting_;
  std::atomic<unsigned> phase_;
};

// Numbers of tasks, handed out a few at a time to whoever asks.
class TaskQueue {
 public:
  struct Tasks {
    std::size_t first, last;
    explicit operator bool() const { return first < last; }
  };

  explicit TaskQueue(std::size_t size, std::size_t at_a_time = 8)
      : size_(size), at_a_time_(at_a_time) {}

  // How many of `threads` find something to do.
  int members(int threads) const {
    const std::size_t shares = (size_ + at_a_time_ - 1) / at_a_time_;
    return static_cast<int>(std::clamp<std::size_t>(shares, 1, static_cast<std::size_t>(threads)));
  }

  Tasks next() {
    const std::size_t first = std::min(next_.fetch_add(at_a_time_), size_);
    return {first, std::min(first + at_a_time_, size_)};
  }

 private:
  const std::size_t size_, at_a_time_;
  std::atomic<std::size_t> next_{0};
};

// Runs work(member) for member = 0 .. members - 1, member 0 on the calling thread. Throws what the
// first of them threw, when all are done; or std::system_error, having run nothing, where the
// system has no threads left.
inline void run_team(int members, const std::function<void(int)>& work) {
  enum class Signal { kWait, kGo, kCancel };
  std::atomic<Signal> signal{Signal::kWait};
  std::vector<std::thread> others;
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(members));
  const auto attempt = [&](int member) {
    try {
      work(member);
    } catch (...) {
      thrown[static_cast<std::size_t>(member)] = std::current_exception();
    }
  };
  const auto dismiss = [&](Signal last) {
    signal.store(last, std::memory_order_release);
    signal.notify_all();
    if (last == Signal::kGo) attempt(0);
    for (std::thread& other : others) other.join();
  };
  try {
    for (int member = 1; member < members; ++member)
      others.emplace_back([&, member] {
        signal.wait(Signal::kWait);
        if (signal.load(std::memory_order_acquire) == Signal::kGo) attempt(member);
      });
  } catch (...) {
    dismiss(Signal::kCancel);
    throw;
  }
  dismiss(Signal::kGo);
  for (const std::exception_ptr& error : thrown)
    if (error) std::rethrow_exception(error);
}

}  // namespace palate

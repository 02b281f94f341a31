// Cancelling kernels that are running, from another thread or by Ctrl-C.
#pragma once

#include <atomic>
#include <exception>

namespace palate {

// Thrown by a kernel that was cancelled; its output is then incomplete.
struct Cancelled : std::exception {
  const char* what() const noexcept override { return "the kernel was cancelled"; }
};

// The number of SIGINTs since the first watch began.
unsigned interrupts();

// Counts SIGINTs while it lives, whichever thread is running, and passes them on to the handler
// that was there. A process that ignores SIGINT or has no handler for it is left alone, as is
// Windows, which has no such signals.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
};

// Tells kernels to stop: after cancel(), or after a SIGINT that a watch has counted since the token
// was made.
class CancelToken {
 public:
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const {
    return cancelled_.load(std::memory_order_relaxed) || interrupts() != interrupts_;
  }

 private:
  std::atomic<bool> cancelled_{false};
  const unsigned interrupts_ = interrupts();
};

}  // namespace palate

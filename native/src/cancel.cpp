#include "palate/cancel.hpp"

#include <csignal>
#include <mutex>

namespace palate {

namespace {

std::atomic<unsigned> interrupt_count{0};

}  // namespace

unsigned interrupts() { return interrupt_count.load(std::memory_order_relaxed); }

#ifdef _WIN32

InterruptWatch::InterruptWatch() = default;
InterruptWatch::~InterruptWatch() = default;

#else

namespace {

std::mutex mutex;  // guards what follows, but for reads by the handler
int watches = 0;
struct sigaction previous = {};

void count_and_pass_on(int number, siginfo_t* info, void* context) {
  interrupt_count.fetch_add(1, std::memory_order_relaxed);
  if (previous.sa_flags & SA_SIGINFO)
    previous.sa_sigaction(number, info, context);
  else
    previous.sa_handler(number);
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) && action.sa_sigaction == count_and_pass_on;
}

// Puts our handler before the present one, which may have been set since the last time.
void install() {
  struct sigaction present;
  if (sigaction(SIGINT, nullptr, &present) != 0 || is_ours(present)) return;
  const bool has_handler = (present.sa_flags & SA_SIGINFO) ||
                           (present.sa_handler != SIG_IGN && present.sa_handler != SIG_DFL);
  if (!has_handler) return;
  previous = present;
  struct sigaction ours = present;
  ours.sa_sigaction = count_and_pass_on;
  ours.sa_flags |= SA_SIGINFO;
  sigaction(SIGINT, &ours, nullptr);
}

void uninstall() {
  struct sigaction present;
  if (sigaction(SIGINT, nullptr, &present) == 0 && is_ours(present))
    sigaction(SIGINT, &previous, nullptr);
}

}  // namespace

InterruptWatch::InterruptWatch() {
  const std::lock_guard lock(mutex);
  ++watches;
  install();
}

InterruptWatch::~InterruptWatch() {
  const std::lock_guard lock(mutex);
  if (--watches == 0)
    uninstall();
  else
    install();
}

#endif

}  // namespace palate

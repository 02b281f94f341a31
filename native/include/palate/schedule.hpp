// The schedule of Adam's steps, and what it does to a row that takes many of them without a
// gradient.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace palate {

constexpr double kBeta2 = 0.99;
constexpr double kMostBeta = 0.95;

// What step t of the schedule does to a row; entry 0 stands for the state before the first step.
struct Step {
  float decay;           // 1 - lr_t wd
  float size;            // lr_t / (1 - beta_t^t)
  float scale;           // 1 / sqrt(1 - 0.99^t), which the square root of v is multiplied by
  float beta;            // beta_t
  double log_decay = 0;  // the sum of log(decay) up to t
};

// The whole schedule; entry t of `steps` belongs to step t.
//
// Adam does not care for the scale of its gradients, but for epsilon. So both are in units of
// `unit`, the square of the ratings' width but for a constant: the powers of them that are taken
// here stay within the range of a float whatever the ratings.
struct Schedule {
  Schedule(std::span<const double> lr, std::span<const double> beta, double wd, double width);

  std::vector<Step> steps;
  double unit;
  float epsilon;
};

// What consecutive steps without a gradient do to a parameter p of momentum m and variance v.
//
// One step gives p = decay p - size m / (scale r + epsilon) where r = sqrt(v). Fractions add up
// over a common denominator, so that several steps cost one division:
//
//     p = decay p - m (n[0] + n[1] r + ..) / (d[0] + d[1] r + ..)
struct Steps {
  static constexpr std::size_t kMost = 4;

  float decay = 1;
  float n[kMost] = {};
  float d[kMost + 1] = {1};

  // These steps with one more before them.
  Steps after(float step_decay, float size, float scale, float epsilon) const {
    Steps both{.decay = decay * step_decay};
    for (std::size_t i = 0; i < kMost; ++i)
      both.n[i] = epsilon * n[i] + (i > 0 ? scale * n[i - 1] : 0) + decay * size * d[i];
    for (std::size_t i = 0; i <= kMost; ++i)
      both.d[i] = epsilon * d[i] + (i > 0 ? scale * d[i - 1] : 0);
    return both;
  }
};

// The steps before a batch, as a row sees them that missed the last n of them.
//
// From step to step m shrinks by beta and r by sqrt(0.99). Counted from the end of the window those
// products are the same for all rows: with m and r as they will be at the end, the size and scale
// of a step are divided by what they still lose from there to the end. So one window serves all
// rows of a batch. Steps are numbered by their age, 0 being the last.
class Window {
 public:
  // Betas of at most kMostBeta leave less than 1e-6 of the momentum after as many steps; it is
  // dropped then, and would have moved a parameter by some 1e-4 of the learning rate at most.
  static constexpr std::int64_t kMost = 272;

  Window(const Schedule& schedule, std::int64_t last) : schedule_(schedule), last_(last) {}

  // Makes the last `n` steps ready.
  void reach(std::size_t n) {
    while (ready_ < n) add(schedule_.steps[static_cast<std::size_t>(last_) - ready_]);
  }

  // The steps of one group (of Steps::kMost each, the latest first) down to this age.
  const Steps& group_to(std::size_t age) const { return groups_[age]; }
  // What is left of m and of sqrt(v) after the last `n` steps.
  float momentum(std::size_t n) const { return momentum_[n]; }
  float root(std::size_t n) const { return root_[n]; }

  const Schedule& schedule() const { return schedule_; }
  std::int64_t last() const { return last_; }
  float decay_since(std::int64_t step) const {
    const auto& steps = schedule_.steps;
    return static_cast<float>(std::exp(steps[last_].log_decay - steps[step].log_decay));
  }

 private:
  void add(const Step& step) {
    static const float kRootBeta2 = static_cast<float>(std::sqrt(kBeta2));
    const std::size_t age = ready_++;
    const Steps later = age % Steps::kMost > 0 ? groups_[age - 1] : Steps{};
    groups_[age] = later.after(step.decay, step.size / momentum_[age], step.scale / root_[age],
                               schedule_.epsilon);
    momentum_[age + 1] = momentum_[age] * step.beta;
    root_[age + 1] = root_[age] * kRootBeta2;
  }

  const Schedule& schedule_;
  std::int64_t last_;
  std::size_t ready_ = 0;
  std::array<Steps, kMost> groups_;
  float momentum_[kMost + 1] = {1};
  float root_[kMost + 1] = {1};
};

}  // namespace palate

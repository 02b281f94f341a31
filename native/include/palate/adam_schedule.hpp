// The schedule of Adam's steps, and their effect on a row that takes many of them without a
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
constexpr double kMaxBeta = 0.95;

// The constants of step t; entry 0 stands for the state before the first step.
struct Step {
  float decay;           // 1 - lr_t wd
  float size;            // lr_t / (1 - beta_t^t)
  float scale;           // 1 / sqrt(1 - 0.99^t), the factor of the square root of v
  float beta;            // beta_t
  double log_decay = 0;  // the sum of log(decay) up to t
};

// The whole schedule; entry t of `steps` is step t.
//
// Adam is invariant to the scale of its gradients, except for epsilon. So both are in units of
// `unit`, a constant times the square of the ratings' width: then the powers of them taken here
// stay within the range of a float whatever the scale of the ratings.
struct Schedule {
  Schedule(std::span<const double> lr, std::span<const double> beta, double wd, double width);

  std::vector<Step> steps;
  double unit;
  float epsilon;
};

// The effect of consecutive steps without a gradient on a parameter p of momentum m and variance v.
//
// One step gives p = decay p - size m / (scale r + epsilon) where r = sqrt(v). The fractions are
// added over a common denominator, so that several steps cost one division:
//
//     p = decay p - m (n[0] + n[1] r + ..) / (d[0] + d[1] r + ..)
struct Steps {
  static constexpr std::size_t kMaxSteps = 4;

  float decay = 1;
  float n[kMaxSteps] = {};
  float d[kMaxSteps + 1] = {1};

  // These steps, preceded by one more.
  Steps after(float step_decay, float size, float scale, float epsilon) const {
    Steps both{.decay = decay * step_decay};
    for (std::size_t i = 0; i < kMaxSteps; ++i)
      both.n[i] = epsilon * n[i] + (i > 0 ? scale * n[i - 1] : 0) + decay * size * d[i];
    for (std::size_t i = 0; i <= kMaxSteps; ++i)
      both.d[i] = epsilon * d[i] + (i > 0 ? scale * d[i - 1] : 0);
    return both;
  }
};

// The steps before a batch, for rows that missed the last n of them, for any n.
//
// From step to step m shrinks by beta and r by sqrt(0.99). Relative to their values at the end of
// the window these factors are the same for all rows: the size and the scale of a step are divided
// by the factors from that step to the end. So one window serves all rows of a batch. Steps are
// numbered by their age; the last step has age 0.
class Window {
 public:
  // With betas of at most kMaxBeta less than 1e-6 of the momentum is left after this many steps. It
  // is dropped then; it would have moved a parameter by about 1e-4 of the learning rate at most.
  static constexpr std::int64_t kMaxSteps = 272;

  Window(const Schedule& schedule, std::int64_t last) : schedule_(schedule), last_(last) {}

  // Computes the effects of the last `n` steps; to be called before they are read.
  void prepare(std::size_t n) {
    while (ready_ < n) add(schedule_.steps[static_cast<std::size_t>(last_) - ready_]);
  }

  // The steps of one group (of Steps::kMaxSteps each, the latest first) down to this age.
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
    const Steps later = age % Steps::kMaxSteps > 0 ? groups_[age - 1] : Steps{};
    groups_[age] = later.after(step.decay, step.size / momentum_[age], step.scale / root_[age],
                               schedule_.epsilon);
    momentum_[age + 1] = momentum_[age] * step.beta;
    root_[age + 1] = root_[age] * kRootBeta2;
  }

  const Schedule& schedule_;
  std::int64_t last_;
  std::size_t ready_ = 0;
  std::array<Steps, kMaxSteps> groups_;
  float momentum_[kMaxSteps + 1] = {1};
  float root_[kMaxSteps + 1] = {1};
};

}  // namespace palate

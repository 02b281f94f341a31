// The schedule of Adam's steps, and what it does to a row that takes many of them without a
// gradient.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace palate {

constexpr double kBeta2 = 0.99;
constexpr float kEpsilon = 1e-5f;

// What step t of the schedule does to a row; entry 0 stands for the state before the first step.
struct Step {
  float decay;           // 1 - lr_t wd
  float size;            // lr_t / (1 - beta_t^t)
  float scale;           // 1 / sqrt(1 - 0.99^t), which the square root of v is multiplied by
  float beta;            // beta_t
  double log_decay = 0;  // the sum of log(decay) up to t
};

// The whole schedule; entry t belongs to step t.
std::vector<Step> make_steps(std::span<const double> lr, std::span<const double> beta, double wd);

// The steps before a batch, as a row sees them that missed the last n of them.
//
// From its last gradient on, n steps before the end, a row of momentum m and variance v moves by
//
//     p = decay p - size m / (scale sqrt(v) + epsilon)
//
// where m shrinks by the betas, and sqrt(v) by sqrt(0.99), from step to step. Counted from the end,
// those products are the same for all rows: with m and sqrt(v) as they are at the end, size is
// divided, and scale too, by what they still lose from that step to the end. So one window serves
// all rows of a batch. Steps are numbered by their age, 0 being the last, and taken four at a time,
// since fractions add up over a common denominator and division is what costs.
class Window {
 public:
  static constexpr std::size_t kGroup = 4;
  // Betas of at most 0.95 leave less than 1e-6 of the momentum after as many steps, which moves a
  // parameter by less than float rounding does.
  static constexpr std::int64_t kMost = 272;

  struct Group {
    float size[kGroup];  // each times the decay of the later steps of the group
    float scale[kGroup];
    float decay[kGroup];  // of the steps of the group down to this age
  };

  Window(const std::vector<Step>& steps, std::int64_t last) : steps_(steps), last_(last) {}

  // Makes the last `n` steps ready.
  void reach(std::size_t n) {
    while (ready_ < n) add(steps_[static_cast<std::size_t>(last_) - ready_]);
  }

  const std::vector<Step>& steps() const { return steps_; }
  std::int64_t last() const { return last_; }
  const Group& group(std::size_t g) const { return groups_[g]; }
  float momentum(std::size_t n) const { return momentum_[n]; }
  float root(std::size_t n) const { return root_[n]; }
  float decay_since(std::int64_t step) const {
    return static_cast<float>(std::exp(steps_[last_].log_decay - steps_[step].log_decay));
  }

 private:
  void add(const Step& step) {
    static const float kRootBeta2 = static_cast<float>(std::sqrt(kBeta2));
    const std::size_t age = ready_++, i = age % kGroup;
    Group& group = groups_[age / kGroup];
    if (i == 0) group = {};
    const float later = i > 0 ? group.decay[i - 1] : 1.0f;
    group.size[i] = later * step.size / momentum_[age];
    group.scale[i] = step.scale / root_[age];
    group.decay[i] = later * step.decay;
    momentum_[age + 1] = momentum_[age] * step.beta;
    root_[age + 1] = root_[age] * kRootBeta2;
  }

  const std::vector<Step>& steps_;
  std::int64_t last_;
  std::size_t ready_ = 0;
  Group groups_[kMost / kGroup + 1];
  float momentum_[kMost + 1] = {1};
  float root_[kMost + 1] = {1};
};

}  // namespace palate

#include "palate/adam_schedule.hpp"

#include <algorithm>

namespace palate {

namespace {

constexpr double kEpsilon = 1e-5;
// The typical size of a gradient for ratings from 0 to 1.
constexpr double kGradient = 0x1p-14;
// The smallest epsilon whose fourth power is a normal float. It applies only to ratings of so wide
// a range that their gradients make epsilon irrelevant.
constexpr double kMinEpsilon = 1e-9;

}  // namespace

Schedule::Schedule(std::span<const double> lr, std::span<const double> beta, double wd,
                   double width)
    : steps{{.decay = 1, .size = 0, .scale = 1, .beta = 1}},
      unit(width * width * kGradient),
      epsilon(static_cast<float>(std::max(kEpsilon / unit, kMinEpsilon))) {
  for (std::size_t i = 0; i < lr.size(); ++i) {
    const double t = static_cast<double>(i + 1), decay = 1 - lr[i] * wd;
    steps.push_back({.decay = static_cast<float>(decay),
                     .size = static_cast<float>(lr[i] / (1 - std::pow(beta[i], t))),
                     .scale = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, t))),
                     .beta = static_cast<float>(beta[i]),
                     .log_decay = steps.back().log_decay + std::log(decay)});
  }
}

}  // namespace palate

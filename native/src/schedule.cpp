#include "palate/schedule.hpp"

#include <algorithm>

namespace palate {

namespace {

constexpr double kEpsilon = 1e-5;
// Gradients for ratings from 0 to 1 are about so small.
constexpr double kGradient = 0x1p-14;
// The fourth power of it is a float still. Ratings so wide that it matters have gradients so large
// that epsilon does not.
constexpr double kLeastEpsilon = 1e-9;

}  // namespace

Schedule::Schedule(std::span<const double> lr, std::span<const double> beta, double wd,
                   double width)
    : steps{{.decay = 1, .size = 0, .scale = 1, .beta = 1}},
      unit(width * width * kGradient),
      epsilon(static_cast<float>(std::max(kEpsilon / unit, kLeastEpsilon))) {
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

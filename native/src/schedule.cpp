#include "palate/schedule.hpp"

namespace palate {

std::vector<Step> make_steps(std::span<const double> lr, std::span<const double> beta, double wd) {
  std::vector<Step> steps{{.decay = 1, .size = 0, .scale = 1, .beta = 1}};
  for (std::size_t i = 0; i < lr.size(); ++i) {
    const double t = static_cast<double>(i + 1), decay = 1 - lr[i] * wd;
    steps.push_back({.decay = static_cast<float>(decay),
                     .size = static_cast<float>(lr[i] / (1 - std::pow(beta[i], t))),
                     .scale = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, t))),
                     .beta = static_cast<float>(beta[i]),
                     .log_decay = steps.back().log_decay + std::log(decay)});
  }
  return steps;
}

}  // namespace palate

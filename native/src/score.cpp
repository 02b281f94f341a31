#include "palate/score.hpp"

namespace palate {

void score_pairs(std::span<const float> users, std::span<const float> items, std::size_t factors,
                 std::span<const std::int32_t> user, std::span<const std::int32_t> item,
                 std::span<float> out) {
  for (std::size_t n = 0; n < out.size(); ++n) {
    const float* p = &users[static_cast<std::size_t>(user[n]) * (factors + 1)];
    const float* q = &items[static_cast<std::size_t>(item[n]) * (factors + 1)];
    double score = static_cast<double>(p[factors]) + q[factors];
    for (std::size_t k = 0; k < factors; ++k) score += static_cast<double>(p[k]) * q[k];
    out[n] = static_cast<float>(score);
  }
}

}  // namespace palate

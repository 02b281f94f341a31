// Scores of (user, item) pairs under a bilinear model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace palate {

// out[n] = p_u . q_i + b_u + b_i for u = user[n], i = item[n]. Tables are row-major with factors +
// 1 columns, the last one the bias. Sums are taken in double precision.
void score_pairs(std::span<const float> users, std::span<const float> items, std::size_t factors,
                 std::span<const std::int32_t> user, std::span<const std::int32_t> item,
                 std::span<float> out);

}  // namespace palate

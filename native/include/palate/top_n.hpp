// The best items of many users under a bilinear model, without a table of all scores.
//
// For user u: the n items i of highest p_u . q_i + b_u + b_i, among those that are allowed and not
// seen by u, best first and equal scores by the lower row. Scores are single precision sums taken
// factor by factor, b_u + b_i first: an order that does not depend on which users share a block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace palate {

// Rows of items that users have seen, in any order: user u's are items[starts[u] .. starts[u + 1]).
struct Seen {
  std::span<const std::int64_t> starts;
  std::span<const std::int32_t> items;
};

// Tables are row-major with `columns` columns of finite numbers, the last one the bias; item i is
// returned only where allowed[i] is not zero. `rows` and `scores` have n columns for each user;
// where fewer items are left, the rest is -1 and minus infinity.
void top_n(std::span<const float> users, std::span<const float> items, std::size_t columns,
           const Seen& seen, std::span<const std::uint8_t> allowed, std::size_t n, int threads,
           std::span<std::int32_t> rows, std::span<float> scores);

}  // namespace palate

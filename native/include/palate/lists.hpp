// From the scores of all items for each person to lists: the weight of expected ratings, the best
// items, and what makes scores probabilities.
//
// All results are the same bits at any number of threads: every row is computed by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "palate/top_n.hpp"

namespace palate {

// Replaces expected ratings by scores (1 / (1 + e^-(slope rating + shift)))^power.
void weigh_by_logistic(std::span<const float> scores, float slope, float shift, float power,
                       int threads, std::span<float> ratings);

// The n best items of each row of `scores`, users x items, among those that are allowed and not
// seen: the best first and equal scores by the lower row. `rows` and `best` have n columns for each
// user; where fewer items are left, the rest is -1 and minus infinity.
void best_items(std::span<const float> scores, const Seen& seen,
                std::span<const std::uint8_t> allowed, std::size_t n, int threads,
                std::span<std::int32_t> rows, std::span<float> best);

// What turns scores into the probabilities of a conditional logit over the items that are ranked,
// not seen, and above minus infinity. With m the mean of max(s, 0) over them:
//
//     P(s) = ((max(s, 0) scale + offset) / highest)^slope / total
//
// where `scale` is 1 / m (0 if m is 0) and `highest` what the largest score has in parentheses.
struct LogitTotals {
  float scale, highest, total;
};

void logit_totals(std::span<const float> scores, const Seen& seen,
                  std::span<const std::uint8_t> ranked, float slope, float offset, int threads,
                  std::span<LogitTotals> out);

}  // namespace palate

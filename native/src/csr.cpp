#include "palate/csr.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace palate {

void group_by_row(std::span<const std::int32_t> rows, std::span<std::int64_t> starts,
                  std::span<std::int64_t> order) {
  std::fill(starts.begin(), starts.end(), 0);
  for (const std::int32_t row : rows) ++starts[static_cast<std::size_t>(row) + 1];
  for (std::size_t r = 1; r < starts.size(); ++r) starts[r] += starts[r - 1];
  std::vector<std::int64_t> next(starts.begin(), starts.end() - 1);
  for (std::size_t n = 0; n < rows.size(); ++n)
    order[next[rows[n]]++] = static_cast<std::int64_t>(n);
}

void count_and_sum(std::span<const std::int32_t> rows, std::span<const float> values,
                   std::span<std::int64_t> counts, std::span<double> sums) {
  std::fill(counts.begin(), counts.end(), 0);
  std::fill(sums.begin(), sums.end(), 0.0);
  for (std::size_t n = 0; n < rows.size(); ++n) {
    ++counts[rows[n]];
    sums[rows[n]] += values[n];
  }
}

}  // namespace palate

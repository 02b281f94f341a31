// Grouping ratings by user or by item.
#pragma once

#include <cstdint>
#include <span>

namespace palate {

// Sorts 0 .. rows.size() - 1 by rows[.], keeping the order within a row (a counting sort): the
// ratings of row r are order[starts[r]] .. order[starts[r + 1] - 1]. starts has one entry more than
// there are rows.
void group_by_row(std::span<const std::int32_t> rows, std::span<std::int64_t> starts,
                  std::span<std::int64_t> order);

// Counts the values of each row and adds them up: values[n] belongs to rows[n].
void count_and_sum(std::span<const std::int32_t> rows, std::span<const float> values,
                   std::span<std::int64_t> counts, std::span<double> sums);

}  // namespace palate

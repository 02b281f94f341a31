// Products of sparse rows, such as histories, with dense or sparse tables, such as weights.
//
// Rows of the output are independent of each other; for many of them the right side is taken piece
// by piece, so that each piece stays in the cache while all rows are multiplied by it. Which way is
// taken depends on the sizes alone, so that results are the same bits at any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "palate/cancel.hpp"

namespace palate {

// A sparse matrix in compressed rows: row r has values[n] in column columns[n] for n from starts[r]
// to starts[r + 1] - 1.
struct Sparse {
  std::span<const std::int64_t> starts;
  std::span<const std::int32_t> columns;
  std::span<const float> values;

  std::size_t rows() const { return starts.size() - 1; }
};

// out = sparse * dense; `dense` and `out` are row-major and `width` columns wide.
void multiply(const Sparse& sparse, std::span<const float> dense, std::size_t width, int threads,
              std::span<float> out, const CancelToken* cancel = nullptr);

// The same with a sparse right side that is `width` columns wide. Its columns are checked where
// they are read, since there can be very many: throws std::out_of_range.
void multiply(const Sparse& left, const Sparse& right, std::size_t width, int threads,
              std::span<float> out, const CancelToken* cancel = nullptr);

}  // namespace palate

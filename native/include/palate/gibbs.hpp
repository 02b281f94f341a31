// Block Gibbs sampling of matrix factorisation: all rows of one side, given the other.
//
// Source: Salakhutdinov and Mnih, "Bayesian probabilistic matrix factorization using Markov chain
// Monte Carlo" (ICML 2008), section 3.3, equations 11 to 13, with the bias as one more coordinate
// of a row. For user u with ratings r_j of items j, z_j = [q_j, 1] and the prior N(m, Lambda^-1)
// over users, x_u = [p_u, b_u] is drawn from N(A^-1 c, A^-1) where
//
//     A = Lambda + alpha sum_j z_j z_j'
//     c = Lambda m + alpha sum_j z_j (r_j - mu - b_j)
//
// and the same with the sides exchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace palate {

// The ratings of one side, grouped by row: those of row r are starts[r] .. starts[r + 1] - 1.
struct Grouped {
  std::span<const std::int64_t> starts;
  std::span<const std::int32_t> partner;
  std::span<const float> rating;
};

// A normal distribution over rows of `columns` coordinates, the last one the bias.
struct Prior {
  std::span<const double> precision;  // Lambda, row-major, columns x columns
  std::span<const double> shift;      // Lambda m
};

struct Noise {
  double alpha;  // the precision of a rating
  double mu;     // the mean that all ratings share
};

// Draws every row of `rows` (row-major, `columns` wide) given the other side's `partners`, and
// tells the sum of squared residuals of each. Row r takes its normal numbers from their place in
// the stream, so that the draws are the same at any number of threads. `order` lists the rows,
// those with most ratings first.
void sample_rows(const Grouped& ratings, std::span<const float> partners, std::size_t columns,
                 const Prior& prior, const Noise& noise, std::uint64_t seed, std::uint64_t stream,
                 std::span<const std::int32_t> order, int threads, std::span<float> rows,
                 std::span<double> squares);

}  // namespace palate

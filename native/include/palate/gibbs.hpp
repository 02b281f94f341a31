// Block Gibbs sampling of matrix factorisation: all rows of one side, given the other.
//
// Source: Salakhutdinov and Mnih, "Bayesian probabilistic matrix factorization using Markov chain
// Monte Carlo" (ICML 2008), section 3.3.
#pragma once

#include <cstdint>
#include <span>

#include "palate/cancel.hpp"
#include "palate/row_posterior.hpp"

namespace palate {

// Draws every row of `rows` (row-major) given the other side. Writes the sum of squared residuals
// of each row to `squares`, unless it is empty. The deviation of a row from its posterior mean is
// multiplied by its entry of `spread`, unless that is empty. Row r of the side takes its normal
// numbers from a fixed place in the stream, so the draws are the same bits at any number of
// threads, and of a block of rows, of which `first_row` is the first. `order` lists the rows of the
// block, those with most ratings first, for an even load.
void sample_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                 const Noise& noise, std::span<const float> spread, std::uint64_t seed,
                 std::uint64_t stream, std::uint64_t first_row, std::span<const std::int32_t> order,
                 int threads, std::span<float> rows, std::span<double> squares,
                 const CancelToken* cancel = nullptr);

}  // namespace palate

// Block Gibbs sampling of matrix factorisation: all rows of one side, given the other.
//
// Source: Salakhutdinov and Mnih, "Bayesian probabilistic matrix factorization using Markov chain
// Monte Carlo" (ICML 2008), section 3.3.
#pragma once

#include <cstdint>
#include <span>

#include "palate/row_posterior.hpp"

namespace palate {

// Draws every row of `rows` (row-major) given the other side, and tells the sum of squared
// residuals of each where there is room for them in `squares`. Row r takes its normal numbers from
// their place in the stream, so that the draws are the same at any number of threads. `order`
// lists the rows, those with most ratings first.
void sample_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                 const Noise& noise, std::uint64_t seed, std::uint64_t stream,
                 std::span<const std::int32_t> order, int threads, std::span<float> rows,
                 std::span<double> squares);

}  // namespace palate

// Profiles: the posterior of every row of a side, given its ratings and the other side.
#pragma once

#include <cstdint>
#include <span>

#include "palate/cancel.hpp"
#include "palate/row_posterior.hpp"

namespace palate {

// Writes the posterior mean of every row to `means` (row-major). Writes the covariances (one square
// row-major matrix per row) to `covariances`, and to `squares` the expectation of each row's sum of
// w (r - prediction)^2 over the posterior of the row and of the other side's factors; either may be
// empty and is not computed then. The same bits at any number of threads.
void infer_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                const Noise& noise, int threads, std::span<float> means,
                std::span<float> covariances, std::span<double> squares,
                const CancelToken* cancel = nullptr);

}  // namespace palate

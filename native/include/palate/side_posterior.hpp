// Profiles: the posterior of every row of a side, given its ratings and the other side.
#pragma once

#include <cstdint>
#include <span>

#include "palate/cancel.hpp"
#include "palate/row_posterior.hpp"

namespace palate {

// Writes the posterior mean of every row to `means` (row-major). Writes the covariances (one square
// row-major matrix per row) to `covariances`, and to `squares` two numbers per row: the expectation
// of its sum of w (r - prediction)^2 over the other side's factors, for the row at its mean, and
// what the uncertainty of the row adds to it. Either may be empty and is not computed then. The
// same bits at any number of threads.
void infer_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                const Noise& noise, int threads, std::span<float> means,
                std::span<float> covariances, std::span<double> squares,
                const CancelToken* cancel = nullptr);

}  // namespace palate

// Profiles: what is known of every row of a side, given its ratings and the other side.
#pragma once

#include <cstdint>
#include <span>

#include "palate/row_posterior.hpp"

namespace palate {

// Writes the posterior mean of every row to `means` (row-major), and where there is room for it
// its covariance to `covariances` (row-major and square, row after row). `squares` receives the
// expectation of each row's sum of w (r - prediction)^2, over what is uncertain in the row and in
// the factors of the other side. The same bits at any number of threads.
void infer_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                const Noise& noise, int threads, std::span<float> means,
                std::span<float> covariances, std::span<double> squares);

}  // namespace palate

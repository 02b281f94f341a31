#include "palate/side_posterior.hpp"

#include "palate/team.hpp"

namespace palate {

void infer_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                const Noise& noise, int threads, std::span<float> means,
                std::span<float> covariances, std::span<double> squares,
                const CancelToken* cancel) {
  const std::size_t columns = partners.columns, size = columns * columns;
  TaskQueue queue(ratings.starts.size() - 1, kRowsAtATime, cancel);
  run_team(queue.members(threads), [&](int, Barrier&) {
    RowPosterior posterior(ratings, partners, prior, noise);
    while (const auto tasks = queue.next())
      for (std::size_t row = tasks.first; row < tasks.last; ++row) {
        posterior.condition(row);
        posterior.mean(&means[row * columns]);
        if (!squares.empty()) squares[2 * row] = posterior.squares();
        if (squares.empty() && covariances.empty()) continue;
        posterior.invert();
        if (!squares.empty()) squares[2 * row + 1] = posterior.uncertain_squares();
        if (!covariances.empty()) posterior.covariance(&covariances[row * size]);
      }
  });
}

}  // namespace palate

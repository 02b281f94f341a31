#include "palate/profile.hpp"

#include <vector>

#include "palate/team.hpp"

namespace palate {

void infer_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                const Noise& noise, int threads, std::span<float> means,
                std::span<float> covariances, std::span<double> squares) {
  const std::size_t columns = partners.columns, size = columns * columns;
  TaskQueue queue(squares.size());
  run_team(queue.members(threads), [&](int) {
    RowPosterior posterior(ratings, partners, prior, noise);
    std::vector<float> scratch(size);
    while (const auto tasks = queue.next())
      for (std::size_t row = tasks.first; row < tasks.last; ++row) {
        float* covariance = covariances.empty() ? scratch.data() : &covariances[row * size];
        posterior.condition(row);
        posterior.mean(&means[row * columns]);
        squares[row] = posterior.squares();
        squares[row] += posterior.covariance(covariance);
      }
  });
}

}  // namespace palate

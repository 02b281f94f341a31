#include "palate/gibbs.hpp"

#include <vector>

#include "palate/philox.hpp"
#include "palate/team.hpp"

namespace palate {

void sample_rows(const Grouped& ratings, const Partners& partners, const Prior& prior,
                 const Noise& noise, std::span<const float> spread, std::uint64_t seed,
                 std::uint64_t stream, std::uint64_t first_row, std::span<const std::int32_t> order,
                 int threads, std::span<float> rows, std::span<double> squares,
                 const CancelToken* cancel) {
  const std::size_t columns = partners.columns;
  TaskQueue queue(order.size(), kRowsAtATime, cancel);
  run_team(queue.members(threads), [&](int, Barrier&) {
    RowPosterior posterior(ratings, partners, prior, noise);
    std::vector<float> numbers(columns);
    while (const auto tasks = queue.next())
      for (std::size_t i = tasks.first; i < tasks.last; ++i) {
        const auto row = static_cast<std::size_t>(order[i]);
        posterior.condition(row);
        normals(seed, stream, (first_row + row) * padded(columns), numbers);
        if (!spread.empty())
          for (float& number : numbers) number *= spread[row];
        posterior.draw(numbers, &rows[row * columns]);
        if (!squares.empty()) squares[row] = posterior.squares();
      }
  });
}

}  // namespace palate

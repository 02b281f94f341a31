#include "palate/gibbs.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "palate/lanes.hpp"
#include "palate/philox.hpp"
#include "palate/team.hpp"

namespace palate {

namespace {

// So many ratings are gathered at a time: with 80 floats each they fit the first cache.
constexpr std::size_t kChunk = 64;
// A thread takes so many rows at a time.
constexpr std::size_t kRowsAtATime = 8;

// Rows of the other side lie anywhere in memory: they are asked for so many ratings ahead.
constexpr std::size_t kAhead = 16;

PALATE_INLINE void prefetch(const float* row, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kLanes) __builtin_prefetch(row + i);
}

// A lower triangle whose row i holds the lanes 0 .. i / kLanes.
class Triangle {
 public:
  explicit Triangle(std::size_t size) : stride_(padded(size) / kLanes), data_(size * stride_) {}

  Lanes* row(std::size_t i) { return &data_[i * stride_]; }
  float& at(std::size_t i, std::size_t j) { return reinterpret_cast<float*>(row(i))[j]; }
  std::size_t stride() const { return stride_; }

 private:
  std::size_t stride_;
  LanesVector data_;
};

// sum[i][j] += z_i z_j over n gathered rows z, for kRows rows from `first` and kBlocks lanes.
template <std::size_t kRows, std::size_t kBlocks>
PALATE_INLINE void add_tile(const Lanes* z, std::size_t stride, std::size_t n, std::size_t first,
                            std::size_t block, Lanes* sum) {
  Lanes tile[kRows][kBlocks] = {};
  for (std::size_t r = 0; r < n; ++r) {
    const Lanes* row = z + r * stride;
    const float* left = reinterpret_cast<const float*>(row) + first;
    for (std::size_t i = 0; i < kRows; ++i)
      for (std::size_t b = 0; b < kBlocks; ++b) tile[i][b] += row[block + b] * left[i];
  }
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t b = 0; b < kBlocks; ++b) sum[(first + i) * stride + block + b] += tile[i][b];
}

template <std::size_t kRows>
PALATE_INLINE void add_panel(const Lanes* z, std::size_t stride, std::size_t n, std::size_t first,
                             Lanes* sum) {
  const std::size_t blocks = (first + kRows - 1) / kLanes + 1;
  std::size_t b = 0;
  for (; b + 2 <= blocks; b += 2) add_tile<kRows, 2>(z, stride, n, first, b, sum);
  if (b < blocks) add_tile<kRows, 1>(z, stride, n, first, b, sum);
}

// Adds the outer products of n gathered rows of `size` coordinates to the lower triangle.
PALATE_DISPATCH void add_products(const Lanes* z, std::size_t stride, std::size_t n,
                                  std::size_t size, Lanes* sum) {
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) add_panel<8>(z, stride, n, i, sum);
  for (; i + 2 <= size; i += 2) add_panel<2>(z, stride, n, i, sum);
  for (; i < size; ++i) add_panel<1>(z, stride, n, i, sum);
}

// row[0 .. last] -= the sum over kPivots of pivot * pivot[last], for pivot rows one stride apart.
template <std::size_t kPivots>
PALATE_INLINE void take_off(const Lanes* pivots, std::size_t stride, std::size_t i, Lanes* row) {
  float factors[kPivots];
  for (std::size_t p = 0; p < kPivots; ++p)
    factors[p] = reinterpret_cast<const float*>(pivots + p * stride)[i];
  for (std::size_t b = 0; b <= i / kLanes; ++b) {
    Lanes value = row[b];
    for (std::size_t p = 0; p < kPivots; ++p) value -= pivots[p * stride + b] * factors[p];
    row[b] = value;
  }
}

// Makes the rows first .. first + kPivots - 1 of M final, and takes their products off the rows
// before them.
template <std::size_t kPivots>
PALATE_INLINE void factor_rows(Lanes* a, std::size_t stride, std::size_t first) {
  for (std::size_t j = first + kPivots; j-- > first;) {
    Lanes* pivot = a + j * stride;
    const float scale = 1 / std::sqrt(reinterpret_cast<float*>(pivot)[j]);
    for (std::size_t b = 0; b <= j / kLanes; ++b) pivot[b] *= scale;
    for (std::size_t i = first; i < j; ++i) take_off<1>(pivot, stride, i, a + i * stride);
  }
  for (std::size_t i = 0; i < first; ++i)
    take_off<kPivots>(a + first * stride, stride, i, a + i * stride);
}

// Factors A = M' M, M lower triangular, in place, from the last rows up.
PALATE_DISPATCH void factor(Lanes* a, std::size_t stride, std::size_t size) {
  std::size_t left = size;
  for (; left >= 4; left -= 4) factor_rows<4>(a, stride, left - 4);
  for (; left > 0; --left) factor_rows<1>(a, stride, left - 1);
}

// Solves M' y = c from the last coordinate down, using up c. (Beyond the diagonal a row holds
// whatever its lanes were filled with, which reaches only coordinates that are done.)
PALATE_DISPATCH void solve_transposed(const Lanes* m, std::size_t stride, std::size_t size,
                                      Lanes* c, float* y) {
  for (std::size_t j = size; j-- > 0;) {
    const Lanes* row = m + j * stride;
    y[j] = reinterpret_cast<float*>(c)[j] / reinterpret_cast<const float*>(row)[j];
    for (std::size_t b = 0; b <= j / kLanes; ++b) c[b] -= row[b] * y[j];
  }
}

// Solves M x = y from the first coordinate up, x being zero beyond.
PALATE_DISPATCH void solve(const Lanes* m, std::size_t stride, std::size_t size, const float* y,
                           Lanes* x) {
  float* values = reinterpret_cast<float*>(x);
  std::fill_n(values, stride * kLanes, 0.0f);
  for (std::size_t i = 0; i < size; ++i) {
    const Lanes* row = m + i * stride;
    const float product = dot(row, x, i / kLanes + 1);
    values[i] = (y[i] - product) / reinterpret_cast<const float*>(row)[i];
  }
}

// x' S x for the symmetric S of which the lower triangle is given; `before` is room for a row.
PALATE_DISPATCH double quadratic(const Lanes* s, std::size_t stride, std::size_t size,
                                 const float* x, Lanes* before) {
  float* values = reinterpret_cast<float*>(before);
  std::fill_n(values, stride * kLanes, 0.0f);
  double total = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const Lanes* row = s + i * stride;
    const float diagonal = reinterpret_cast<const float*>(row)[i] * x[i];
    total += (2.0 * dot(row, before, i / kLanes + 1) + diagonal) * x[i];
    values[i] = x[i];
  }
  return total;
}

// Draws rows one by one, in buffers of its own.
class RowSampler {
 public:
  RowSampler(const Grouped& ratings, std::span<const float> partners, std::size_t columns,
             const Prior& prior, const Noise& noise)
      : ratings_(ratings),
        partners_(partners),
        columns_(columns),
        prior_(prior),
        noise_(noise),
        sums_(columns + 1),
        factor_(columns + 1),
        gathered_(kChunk * sums_.stride()),
        row_(sums_.stride()),
        right_(sums_.stride()),
        y_(columns),
        noise_row_(columns) {}

  // Draws a row, and returns the sum of its squared residuals.
  double draw(std::size_t row, std::uint64_t seed, std::uint64_t stream, float* out);

 private:
  void add_up(std::size_t row);
  void gather(std::int64_t first, std::size_t n);
  void add_prior();
  double squares();
  const float* partner(std::size_t at) const {
    return &partners_[static_cast<std::size_t>(ratings_.partner[at]) * columns_];
  }

  Grouped ratings_;
  std::span<const float> partners_;
  std::size_t columns_;
  Prior prior_;
  Noise noise_;
  Triangle sums_;         // of [z, t] [z, t]' where t = r - mu - b: so the last row is sum z t
  Triangle factor_;       // A, and then its factor M
  LanesVector gathered_;  // a chunk of rows [z, t]
  LanesVector row_, right_;
  std::vector<float> y_, noise_row_;
};

void RowSampler::gather(std::int64_t first, std::size_t n) {
  const std::size_t stride = sums_.stride() * kLanes, factors = columns_ - 1;
  float* target = reinterpret_cast<float*>(gathered_.data());
  for (std::size_t r = 0; r < n; ++r, target += stride) {
    const std::size_t at = static_cast<std::size_t>(first) + r;
    if (at + kAhead < ratings_.partner.size()) prefetch(partner(at + kAhead), columns_);
    const float* source = partner(at);
    std::copy_n(source, factors, target);
    target[factors] = 1;
    target[factors + 1] = ratings_.rating[at] - static_cast<float>(noise_.mu) - source[factors];
  }
}

void RowSampler::add_up(std::size_t row) {
  const std::size_t stride = sums_.stride();
  std::fill_n(sums_.row(0), (columns_ + 1) * stride, Lanes{});
  std::int64_t first = ratings_.starts[row];
  while (first < ratings_.starts[row + 1]) {
    const auto n =
        static_cast<std::size_t>(std::min<std::int64_t>(kChunk, ratings_.starts[row + 1] - first));
    gather(first, n);
    add_products(gathered_.data(), stride, n, columns_ + 1, sums_.row(0));
    first += static_cast<std::int64_t>(n);
  }
}

// Makes A, in `factor_`, and c, in `right_`, of the sums and the prior.
void RowSampler::add_prior() {
  const float alpha = static_cast<float>(noise_.alpha);
  float* right = reinterpret_cast<float*>(right_.data());
  for (std::size_t i = 0; i < columns_; ++i) {
    for (std::size_t j = 0; j <= i; ++j)
      factor_.at(i, j) =
          static_cast<float>(prior_.precision[i * columns_ + j]) + alpha * sums_.at(i, j);
    right[i] = static_cast<float>(prior_.shift[i]) + alpha * sums_.at(columns_, i);
  }
}

// sum (t - x' z)^2 = sum t^2 - 2 x' sum z t + x' (sum z z') x, for the row x that was drawn.
double RowSampler::squares() {
  const float* x = reinterpret_cast<const float*>(row_.data());
  double total = sums_.at(columns_, columns_);
  for (std::size_t i = 0; i < columns_; ++i) total -= 2.0 * sums_.at(columns_, i) * x[i];
  total += quadratic(sums_.row(0), sums_.stride(), columns_, x, right_.data());
  return std::max(total, 0.0);
}

double RowSampler::draw(std::size_t row, std::uint64_t seed, std::uint64_t stream, float* out) {
  const std::size_t stride = sums_.stride();
  add_up(row);
  add_prior();
  factor(factor_.row(0), stride, columns_);
  solve_transposed(factor_.row(0), stride, columns_, right_.data(), y_.data());
  // With y = M'^-1 c, M^-1 (y + e) has the mean A^-1 c and, since A = M' M, the covariance A^-1.
  normals(seed, stream, row * padded(columns_), noise_row_);
  for (std::size_t i = 0; i < columns_; ++i) y_[i] += noise_row_[i];
  solve(factor_.row(0), stride, columns_, y_.data(), row_.data());
  std::copy_n(reinterpret_cast<const float*>(row_.data()), columns_, out);
  return squares();
}

}  // namespace

void sample_rows(const Grouped& ratings, std::span<const float> partners, std::size_t columns,
                 const Prior& prior, const Noise& noise, std::uint64_t seed, std::uint64_t stream,
                 std::span<const std::int32_t> order, int threads, std::span<float> rows,
                 std::span<double> squares) {
  std::atomic<std::size_t> next{0};
  run_team(threads, [&](int) {
    RowSampler sampler(ratings, partners, columns, prior, noise);
    for (;;) {
      const std::size_t first = next.fetch_add(kRowsAtATime);
      if (first >= order.size()) return;
      for (std::size_t i = first; i < std::min(first + kRowsAtATime, order.size()); ++i) {
        const auto row = static_cast<std::size_t>(order[i]);
        squares[row] = sampler.draw(row, seed, stream, &rows[row * columns]);
      }
    }
  });
}

}  // namespace palate

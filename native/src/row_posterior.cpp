#include "palate/row_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace palate {

namespace {

// So many ratings are gathered at a time: with 80 floats each they fit the first cache.
constexpr std::size_t kChunk = 64;
// Rows of the other side lie anywhere in memory: they are asked for so many ratings ahead.
constexpr std::size_t kAhead = 16;

PALATE_INLINE void prefetch(const float* row, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kLanes) __builtin_prefetch(row + i);
}

// sum[i][j] += z_i z_j over n gathered rows z, for kRows rows from `first` and kWide vectors from
// `column`.
template <typename Vector, std::size_t kRows, std::size_t kWide>
PALATE_INLINE void add_tile(const float* z, std::size_t stride, std::size_t n, std::size_t first,
                            std::size_t column, float* sum) {
  Vector tile[kRows][kWide] = {};
  for (std::size_t r = 0; r < n; ++r) {
    const float* left = z + r * stride + first;
    const Vector* right = reinterpret_cast<const Vector*>(z + r * stride + column);
    for (std::size_t i = 0; i < kRows; ++i)
      for (std::size_t b = 0; b < kWide; ++b) tile[i][b] += right[b] * left[i];
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    Vector* target = reinterpret_cast<Vector*>(sum + (first + i) * stride + column);
    for (std::size_t b = 0; b < kWide; ++b) target[b] += tile[i][b];
  }
}

// Tiles from the first column to the diagonal, narrower ones where no more are needed.
template <typename Vector, std::size_t kRows>
PALATE_INLINE void add_panel(const float* z, std::size_t stride, std::size_t n, std::size_t first,
                             float* sum) {
  constexpr std::size_t size = sizeof(Vector) / sizeof(float);
  using Narrow = std::conditional_t<(size > 8), Eight, Vector>;
  const std::size_t last = first + kRows;
  std::size_t column = 0;
  for (; column + 2 * size <= last; column += 2 * size)
    add_tile<Vector, kRows, 2>(z, stride, n, first, column, sum);
  for (; column + size <= last; column += size)
    add_tile<Vector, kRows, 1>(z, stride, n, first, column, sum);
  for (; column < last; column += sizeof(Narrow) / sizeof(float))
    add_tile<Narrow, kRows, 1>(z, stride, n, first, column, sum);
}

template <typename Vector, std::size_t kRows>
PALATE_INLINE void add_panels(const float* z, std::size_t stride, std::size_t n, std::size_t size,
                              float* sum) {
  std::size_t i = 0;
  for (; i + kRows <= size; i += kRows) add_panel<Vector, kRows>(z, stride, n, i, sum);
  for (; i + 2 <= size; i += 2) add_panel<Vector, 2>(z, stride, n, i, sum);
  for (; i < size; ++i) add_panel<Vector, 1>(z, stride, n, i, sum);
}

// Adds the outer products of n gathered rows of `size` coordinates to the lower triangle. A tile
// is as large as the registers hold.
PALATE_DISPATCH void add_products(std::size_t width, const float* z, std::size_t stride,
                                  std::size_t n, std::size_t size, float* sum) {
  if (width == 16)
    add_panels<Lanes, 8>(z, stride, n, size, sum);
  else if (width == 8)
    add_panels<Eight, 6>(z, stride, n, size, sum);
  else
    add_panels<Four, 4>(z, stride, n, size, sum);
}

PALATE_DISPATCH void copy(const float* from, std::size_t n, float* to) {
  for (; n >= kLanes; n -= kLanes, from += kLanes, to += kLanes)
    __builtin_memcpy(to, from, sizeof(Lanes));
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
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

// out = a + scale * b.
PALATE_DISPATCH void add_scaled(const Lanes* a, const Lanes* b, float scale, std::size_t n,
                                Lanes* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] + b[i] * scale;
}

// Adds weight * C to the lower triangle, for a full C, row-major.
PALATE_DISPATCH void add_full(const float* c, std::size_t size, float weight, std::size_t stride,
                              float* sum) {
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j <= i; ++j) sum[i * stride + j] += weight * c[i * size + j];
}

PALATE_DISPATCH void add_row(const float* c, std::size_t size, float weight, float* sum) {
  for (std::size_t i = 0; i < size; ++i) sum[i] += weight * c[i];
}

// The sum over first <= j < last of column[j] * rows[j], a lane of each: in four parts, for one
// would wait for each product before the next.
PALATE_INLINE Lanes combine(const Lanes* rows, const float* column, std::size_t stride,
                            std::size_t first, std::size_t last) {
  Lanes sums[4] = {};
  std::size_t j = first;
  for (; j + 4 <= last; j += 4)
    for (std::size_t p = 0; p < 4; ++p)
      sums[p] += rows[(j + p) * stride] * column[(j + p) * stride * kLanes];
  for (; j < last; ++j) sums[0] += rows[j * stride] * column[j * stride * kLanes];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// T = M'^-1, from the last row up: T_i = (e_i - sum_{j > i} M_ji T_j) / M_ii.
PALATE_DISPATCH void invert_transposed(const Lanes* m, std::size_t stride, std::size_t size,
                                       Lanes* t) {
  for (std::size_t i = size; i-- > 0;) {
    const float* column = reinterpret_cast<const float*>(m) + i;
    const float scale = 1 / column[i * stride * kLanes];
    Lanes* row = t + i * stride;
    std::fill_n(row, stride, Lanes{});
    for (std::size_t b = i / kLanes; b < stride; ++b)
      row[b] = -scale * combine(t + b, column, stride, i + 1, std::min(size, (b + 1) * kLanes));
    reinterpret_cast<float*>(row)[i] = scale;
  }
}

}  // namespace

RowPosterior::RowPosterior(const Grouped& ratings, const Partners& partners, const Prior& prior,
                           const Noise& noise)
    : ratings_(ratings),
      partners_(partners),
      columns_(partners.columns),
      noise_(noise),
      precision_(columns_ + 1),
      sums_(columns_ + 1),
      factor_(columns_ + 1),
      inverse_(columns_ + 1),
      gathered_(kChunk * sums_.stride()),
      row_(sums_.stride()),
      right_(sums_.stride()),
      y_(columns_) {
  for (std::size_t i = 0; i < columns_; ++i) {
    for (std::size_t j = 0; j < columns_; ++j)
      precision_.at(i, j) = static_cast<float>(prior.precision[i * columns_ + j]);
    precision_.at(columns_, i) = static_cast<float>(prior.shift[i]);
  }
}

void RowPosterior::gather(std::size_t first, std::size_t n) {
  const std::size_t stride = sums_.stride() * kLanes, factors = columns_ - 1;
  float* target = reinterpret_cast<float*>(gathered_.data());
  for (std::size_t at = first; at < first + n; ++at, target += stride) {
    if (at + kAhead < ratings_.partner.size()) prefetch(partner(at + kAhead), columns_);
    const float* source = partner(at);
    copy(source, factors, target);
    target[factors] = 1;
    target[factors + 1] = ratings_.rating[at] - static_cast<float>(noise_.mu) - source[factors];
    if (!ratings_.weight.empty()) {
      const float root = std::sqrt(ratings_.weight[at]);
      for (std::size_t i = 0; i <= columns_; ++i) target[i] *= root;
    }
  }
}

void RowPosterior::add_covariances(std::size_t first, std::size_t last) {
  const std::size_t factors = columns_ - 1;
  const bool full = partners_.covariance.size() > partners_.rows.size() / columns_ * factors;
  const std::size_t size = full ? factors * factors : factors;
  std::fill_n(right_.data(), right_.size(), Lanes{});
  float* diagonal = reinterpret_cast<float*>(right_.data());
  for (std::size_t at = first; at < last; ++at) {
    const float weight = ratings_.weight.empty() ? 1 : ratings_.weight[at];
    const float* c = &partners_.covariance[static_cast<std::size_t>(ratings_.partner[at]) * size];
    if (full)
      add_full(c, factors, weight, sums_.stride() * kLanes, &sums_.at(0, 0));
    else
      add_row(c, factors, weight, diagonal);
  }
  for (std::size_t i = 0; i < factors; ++i) sums_.at(i, i) += diagonal[i];
}

void RowPosterior::add_up(std::size_t first, std::size_t last) {
  const std::size_t stride = sums_.stride();
  std::fill_n(sums_.row(0), (columns_ + 1) * stride, Lanes{});
  for (std::size_t at = first; at < last; at += kChunk) {
    const std::size_t n = std::min(kChunk, last - at);
    gather(at, n);
    add_products(width_, reinterpret_cast<const float*>(gathered_.data()), stride * kLanes, n,
                 columns_ + 1, &sums_.at(0, 0));
  }
}

// Makes A, in `factor_`, and c, in `right_`, of the sums and the prior.
void RowPosterior::add_prior() {
  const std::size_t stride = factor_.stride();
  const float alpha = static_cast<float>(noise_.alpha);
  // The prior's last row is its shift, as the sums' last row is that of the targets. What lies
  // beyond the diagonal is multiplied by zeros, and so must be finite.
  add_scaled(precision_.row(0), sums_.row(0), alpha, columns_ * stride, factor_.row(0));
  add_scaled(precision_.row(columns_), sums_.row(columns_), alpha, stride, right_.data());
}

void RowPosterior::condition(std::size_t row) {
  const auto first = static_cast<std::size_t>(ratings_.starts[row]);
  const auto last = static_cast<std::size_t>(ratings_.starts[row + 1]);
  add_up(first, last);
  if (!partners_.covariance.empty()) add_covariances(first, last);
  add_prior();
  factor(factor_.row(0), factor_.stride(), columns_);
  solve_transposed(factor_.row(0), factor_.stride(), columns_, right_.data(), y_.data());
}

// With y = M'^-1 c, M^-1 y is the mean A^-1 c, and M^-1 (y + e) has the covariance A^-1 besides,
// since A = M' M.
void RowPosterior::mean(float* out) {
  solve(factor_.row(0), factor_.stride(), columns_, y_.data(), row_.data());
  std::copy_n(reinterpret_cast<const float*>(row_.data()), columns_, out);
}

void RowPosterior::draw(std::span<const float> noise, float* out) {
  for (std::size_t i = 0; i < columns_; ++i) y_[i] += noise[i];
  mean(out);
}

double RowPosterior::squares() {
  const float* x = reinterpret_cast<const float*>(row_.data());
  double total = sums_.at(columns_, columns_);
  for (std::size_t i = 0; i < columns_; ++i) total -= 2.0 * sums_.at(columns_, i) * x[i];
  total += quadratic(sums_.row(0), sums_.stride(), columns_, x, right_.data());
  return std::max(total, 0.0);
}

// A^-1 = M^-1 M'^-1 = T' T, the sum of the outer products of T's rows.
double RowPosterior::covariance(float* out) {
  const std::size_t stride = factor_.stride();
  // The gathered rows are done with: their room serves for T.
  if (gathered_.size() < columns_ * stride) gathered_.resize(columns_ * stride);
  invert_transposed(factor_.row(0), stride, columns_, gathered_.data());
  std::fill_n(inverse_.row(0), columns_ * stride, Lanes{});
  add_products(width_, reinterpret_cast<const float*>(gathered_.data()), stride * kLanes, columns_,
               columns_, &inverse_.at(0, 0));
  double trace = 0;
  for (std::size_t i = 0; i < columns_; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      out[i * columns_ + j] = out[j * columns_ + i] = inverse_.at(i, j);
      trace += (i == j ? 1.0 : 2.0) * sums_.at(i, j) * inverse_.at(i, j);
    }
  }
  return trace;
}

}  // namespace palate

#include "palate/row_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace palate {

namespace {

// Number of ratings that are gathered at a time: with 80 floats each they fit the first-level
// cache.
constexpr std::size_t kChunk = 64;
// Rows of the other side are scattered in memory: they are prefetched this many ratings ahead.
constexpr std::size_t kAhead = 16;
// A sum of squared residuals below this share of the sum of squared targets is recomputed from the
// residuals, because single-precision sums cancel. At the share they are off by about 2e-5 of the
// value; the error grows in inverse proportion below it.
constexpr double kMinShare = 1.0 / 64;

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

// Tiles from the first column to the diagonal, the last ones narrower where that is enough.
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
// is as large as the vector registers allow.
PALATE_INLINE void add_products_body(std::size_t width, const float* z, std::size_t stride,
                                     std::size_t n, std::size_t size, float* sum) {
  if (width == 16)
    add_panels<Lanes, 8>(z, stride, n, size, sum);
  else if (width == 8)
    add_panels<Eight, 6>(z, stride, n, size, sum);
  else
    add_panels<Four, 4>(z, stride, n, size, sum);
}
constexpr Dispatched<add_products_body> add_products;

PALATE_INLINE void copy_body(const float* from, std::size_t n, float* to) {
  for (; n >= kLanes; n -= kLanes, from += kLanes, to += kLanes)
    __builtin_memcpy(to, from, sizeof(Lanes));
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}
constexpr Dispatched<copy_body> copy;

// row[0 .. last] -= the sum over kPivots of pivot * pivot[last], for pivot rows one stride apart.
template <std::size_t kPivots>
PALATE_INLINE void subtract_pivots(const Lanes* pivots, std::size_t stride, std::size_t i,
                                   Lanes* row) {
  float factors[kPivots];
  for (std::size_t p = 0; p < kPivots; ++p)
    factors[p] = reinterpret_cast<const float*>(pivots + p * stride)[i];
  for (std::size_t b = 0; b <= i / kLanes; ++b) {
    Lanes value = row[b];
    for (std::size_t p = 0; p < kPivots; ++p) value -= pivots[p * stride + b] * factors[p];
    row[b] = value;
  }
}

// Completes the rows first .. first + kPivots - 1 of M, and subtracts their products from the rows
// before them.
template <std::size_t kPivots>
PALATE_INLINE void factor_rows(Lanes* a, std::size_t stride, std::size_t first) {
  for (std::size_t j = first + kPivots; j-- > first;) {
    Lanes* pivot = a + j * stride;
    const float scale = 1 / std::sqrt(reinterpret_cast<float*>(pivot)[j]);
    for (std::size_t b = 0; b <= j / kLanes; ++b) pivot[b] *= scale;
    for (std::size_t i = first; i < j; ++i) subtract_pivots<1>(pivot, stride, i, a + i * stride);
  }
  for (std::size_t i = 0; i < first; ++i)
    subtract_pivots<kPivots>(a + first * stride, stride, i, a + i * stride);
}

// Factors A = M' M, M lower triangular, in place, from the last rows up.
PALATE_INLINE void factor_body(Lanes* a, std::size_t stride, std::size_t size) {
  std::size_t left = size;
  for (; left >= 4; left -= 4) factor_rows<4>(a, stride, left - 4);
  for (; left > 0; --left) factor_rows<1>(a, stride, left - 1);
}
constexpr Dispatched<factor_body> factor;

// Solves M' y = c from the last coordinate down, overwriting c. (What the lanes beyond the diagonal
// of a row contain affects only coordinates that are already solved.)
PALATE_INLINE void solve_transposed_body(const Lanes* m, std::size_t stride, std::size_t size,
                                         Lanes* c, float* y) {
  for (std::size_t j = size; j-- > 0;) {
    const Lanes* row = m + j * stride;
    y[j] = reinterpret_cast<float*>(c)[j] / reinterpret_cast<const float*>(row)[j];
    for (std::size_t b = 0; b <= j / kLanes; ++b) c[b] -= row[b] * y[j];
  }
}
constexpr Dispatched<solve_transposed_body> solve_transposed;

// Solves M x = y from the first coordinate up; the padding of x is set to zero.
PALATE_INLINE void solve_body(const Lanes* m, std::size_t stride, std::size_t size, const float* y,
                              Lanes* x) {
  float* values = reinterpret_cast<float*>(x);
  std::fill_n(values, stride * kLanes, 0.0f);
  for (std::size_t i = 0; i < size; ++i) {
    const Lanes* row = m + i * stride;
    const float product = dot(row, x, i / kLanes + 1);
    values[i] = (y[i] - product) / reinterpret_cast<const float*>(row)[i];
  }
}
constexpr Dispatched<solve_body> solve;

// x' S x for the symmetric S whose lower triangle is given; `before` is a scratch row.
PALATE_INLINE double quadratic_body(const Lanes* s, std::size_t stride, std::size_t size,
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
constexpr Dispatched<quadratic_body> quadratic;

// The dot product of n floats, in double precision.
PALATE_INLINE double wide_dot_body(const float* a, const float* b, std::size_t n) {
  using Doubles = double __attribute__((vector_size(8 * sizeof(double))));
  Doubles sums = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    sums += __builtin_convertvector(load<Eight>(a + i), Doubles) *
            __builtin_convertvector(load<Eight>(b + i), Doubles);
  double total = 0;
  for (std::size_t k = 0; k < 8; ++k) total += sums[k];
  for (; i < n; ++i) total += static_cast<double>(a[i]) * b[i];
  return total;
}
constexpr Dispatched<wide_dot_body> wide_dot;

// out = a + scale * b.
PALATE_INLINE void add_scaled_body(const Lanes* a, const Lanes* b, float scale, std::size_t n,
                                   Lanes* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] + b[i] * scale;
}
constexpr Dispatched<add_scaled_body> add_scaled;

// Adds weight * C to the lower triangle, for a full C, row-major.
PALATE_INLINE void add_full_body(const float* c, std::size_t size, float weight, std::size_t stride,
                                 float* sum) {
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j <= i; ++j) sum[i * stride + j] += weight * c[i * size + j];
}
constexpr Dispatched<add_full_body> add_full;

PALATE_INLINE void add_row_body(const float* c, std::size_t size, float weight, float* sum) {
  for (std::size_t i = 0; i < size; ++i) sum[i] += weight * c[i];
}
constexpr Dispatched<add_row_body> add_row;

// The sum over first <= j < last of column[j] * rows[j], for one block of lanes. Four partial sums,
// since in a single one each addition would wait for the one before.
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
PALATE_INLINE void invert_transposed_body(const Lanes* m, std::size_t stride, std::size_t size,
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
constexpr Dispatched<invert_transposed_body> invert_transposed;

}  // namespace

RowPosterior::RowPosterior(const Grouped& ratings, const Partners& partners, const Prior& prior,
                           const Noise& noise)
    : ratings_(ratings),
      partners_(partners),
      shift_(prior.shift),
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
  for (std::size_t i = 0; i < columns_; ++i)
    for (std::size_t j = 0; j < columns_; ++j)
      precision_.at(i, j) = static_cast<float>(prior.precision[i * columns_ + j]);
}

void RowPosterior::select_shift(std::size_t row) {
  const std::size_t at = shift_.size() == columns_ ? 0 : row * columns_;
  for (std::size_t i = 0; i < columns_; ++i) precision_.at(columns_, i) = shift_[at + i];
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

// Adds sum_j w_j C_j.
void RowPosterior::add_covariances(Triangle& sums) {
  const std::size_t factors = columns_ - 1;
  const bool full = partners_.covariance.size() > partners_.rows.size() / columns_ * factors;
  const std::size_t size = full ? factors * factors : factors;
  std::fill_n(right_.data(), right_.size(), Lanes{});
  float* diagonal = reinterpret_cast<float*>(right_.data());
  for (std::size_t at = first_; at < last_; ++at) {
    const float w = weight(at);
    const float* c = &partners_.covariance[static_cast<std::size_t>(ratings_.partner[at]) * size];
    if (full)
      add_full(c, factors, w, sums.stride() * kLanes, &sums.at(0, 0));
    else
      add_row(c, factors, w, diagonal);
  }
  for (std::size_t i = 0; i < factors; ++i) sums.at(i, i) += diagonal[i];
}

void RowPosterior::add_ratings() {
  const std::size_t stride = sums_.stride();
  std::fill_n(sums_.row(0), (columns_ + 1) * stride, Lanes{});
  for (std::size_t at = first_; at < last_; at += kChunk) {
    const std::size_t n = std::min(kChunk, last_ - at);
    gather(at, n);
    add_products(width_, reinterpret_cast<const float*>(gathered_.data()), stride * kLanes, n,
                 columns_ + 1, &sums_.at(0, 0));
  }
}

// Computes A, in `factor_`, and c, in `right_`, from the sums and the prior.
void RowPosterior::add_prior() {
  const std::size_t stride = factor_.stride();
  const float alpha = static_cast<float>(noise_.alpha);
  // The last row of the prior is its shift, the last row of the sums that of the targets. Values
  // beyond the diagonal are multiplied by zeros, so they must be finite.
  add_scaled(precision_.row(0), sums_.row(0), alpha, columns_ * stride, factor_.row(0));
  add_scaled(precision_.row(columns_), sums_.row(columns_), alpha, stride, right_.data());
}

void RowPosterior::condition(std::size_t row) {
  first_ = static_cast<std::size_t>(ratings_.starts[row]);
  last_ = static_cast<std::size_t>(ratings_.starts[row + 1]);
  select_shift(row);
  add_ratings();
  if (!partners_.covariance.empty()) add_covariances(sums_);
  add_prior();
  factor(factor_.row(0), factor_.stride(), columns_);
  solve_transposed(factor_.row(0), factor_.stride(), columns_, right_.data(), y_.data());
}

// With y = M'^-1 c, M^-1 y is the mean A^-1 c, and M^-1 (y + e) has that mean and the covariance
// A^-1, since A = M' M.
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
  const double targets = sums_.at(columns_, columns_);
  double total = targets;
  for (std::size_t i = 0; i < columns_; ++i) total -= 2.0 * sums_.at(columns_, i) * x[i];
  total += quadratic(sums_.row(0), sums_.stride(), columns_, x, right_.data());
  return total > kMinShare * targets ? total : residual_squares();
}

double RowPosterior::residual_squares() {
  const float* x = reinterpret_cast<const float*>(row_.data());
  const std::size_t factors = columns_ - 1;
  double total = 0;
  for (std::size_t at = first_; at < last_; ++at) {
    const float* z = partner(at);
    const double predicted = noise_.mu + z[factors] + x[factors] + wide_dot(z, x, factors);
    const double residual = ratings_.rating[at] - predicted;
    total += weight(at) * residual * residual;
  }
  if (partners_.covariance.empty()) return total;
  std::fill_n(inverse_.row(0), columns_ * inverse_.stride(), Lanes{});
  add_covariances(inverse_);
  return total + quadratic(inverse_.row(0), inverse_.stride(), columns_, x, right_.data());
}

// A^-1 = M^-1 M'^-1 = T' T, the sum of the outer products of T's rows.
void RowPosterior::invert() {
  const std::size_t stride = factor_.stride();
  // The gathered rows are no longer needed: their buffer is used for T.
  if (gathered_.size() < columns_ * stride) gathered_.resize(columns_ * stride);
  invert_transposed(factor_.row(0), stride, columns_, gathered_.data());
  std::fill_n(inverse_.row(0), columns_ * stride, Lanes{});
  add_products(width_, reinterpret_cast<const float*>(gathered_.data()), stride * kLanes, columns_,
               columns_, &inverse_.at(0, 0));
}

void RowPosterior::covariance(float* out) {
  for (std::size_t i = 0; i < columns_; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      out[i * columns_ + j] = out[j * columns_ + i] = inverse_.at(i, j);
}

double RowPosterior::uncertain_squares() {
  double trace = 0;
  for (std::size_t i = 0; i < columns_; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      trace += (i == j ? 1.0 : 2.0) * sums_.at(i, j) * inverse_.at(i, j);
  return trace;
}

}  // namespace palate

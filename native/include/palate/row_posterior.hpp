// The posterior of one row of a side, given its ratings and the rows of the other side.
//
// For user u with ratings r_j of items j, z_j = [q_j, 1] and the prior N(m_u, Lambda^-1),
// x_u = [p_u, b_u] has the normal distribution N(A^-1 c, A^-1) where
//
//     A = Lambda + alpha sum_j w_j (z_j z_j' + C_j)
//     c = Lambda m_u + alpha sum_j w_j z_j (r_j - mu - b_j)
//
// and the same with the sides exchanged. C_j is the covariance of q_j (none in the bias), and w_j
// the weight of a rating. Source: Salakhutdinov and Mnih, "Bayesian probabilistic matrix
// factorization using Markov chain Monte Carlo" (ICML 2008), equations 11 to 13, with the bias as
// one more coordinate of a row; C_j as in Lim and Teh, "Variational Bayesian approach to movie
// rating prediction" (KDD Cup 2007), section 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "palate/lanes.hpp"

namespace palate {

// The ratings of one side, grouped by row: those of row r are starts[r] .. starts[r + 1] - 1.
struct Grouped {
  std::span<const std::int64_t> starts;
  std::span<const std::int32_t> partner;
  std::span<const float> rating;
  std::span<const float> weight = {};  // all 1 if empty
};

// The rows of the other side (row-major, `columns` wide, the last column the bias), and the
// covariance of each row's factors: square and row-major, or the diagonal only, or none at all.
struct Partners {
  std::span<const float> rows;
  std::size_t columns;
  std::span<const float> covariance = {};
};

// Normal distributions of rows of `columns` coordinates, the last one the bias.
struct Prior {
  std::span<const double> precision;  // Lambda, row-major, columns x columns
  std::span<const float> shift;       // Lambda m: one for all rows, or one for each
};

struct Noise {
  double alpha;  // the precision of a rating
  double mu;     // the overall mean of the ratings
};

// A lower triangular matrix: row i uses the blocks 0 .. i / kLanes of its lanes.
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

// Computes the posterior of one row after another, in buffers of its own. The order of calls for a
// row is: condition; mean or draw, once; squares; invert; covariance and uncertain_squares.
class RowPosterior {
 public:
  RowPosterior(const Grouped& ratings, const Partners& partners, const Prior& prior,
               const Noise& noise);

  // Selects the row that all other functions refer to, and factors its A.
  void condition(std::size_t row);
  // x = A^-1 c.
  void mean(float* out);
  // x = a draw from N(A^-1 c, A^-1), made from standard normal numbers, one for each coordinate.
  void draw(std::span<const float> noise, float* out);
  // sum_j w_j ((t_j - x' z_j)^2 + x' C_j x) for that x, with the targets t_j = r_j - mu - b_j.
  double squares();
  // Computes A^-1.
  void invert();
  // A^-1, row-major.
  void covariance(float* out);
  // What A^-1 adds to the expectation of the squares: the trace of A^-1 sum_j w_j (z_j z_j' + C_j).
  double uncertain_squares();

 private:
  void gather(std::size_t first, std::size_t n);
  void select_shift(std::size_t row);
  void add_ratings();
  void add_covariances(Triangle& sums);
  void add_prior();
  // The squares without cancellation, one rating at a time.
  double residual_squares();
  float weight(std::size_t at) const { return ratings_.weight.empty() ? 1 : ratings_.weight[at]; }
  const float* partner(std::size_t at) const {
    return &partners_.rows[static_cast<std::size_t>(ratings_.partner[at]) * columns_];
  }

  Grouped ratings_;
  Partners partners_;
  std::span<const float> shift_;
  std::size_t columns_;
  Noise noise_;
  std::size_t width_ = register_floats();
  std::size_t first_ = 0, last_ = 0;  // the ratings of the row
  Triangle precision_;                // of the prior; its shift is the last row
  Triangle sums_;                     // of w [z, t] [z, t]' (and w C); the last row is sum w z t
  Triangle factor_;                   // A, then its factor M: A = M' M, M lower triangular
  Triangle inverse_;                  // A^-1; before that, scratch
  LanesVector gathered_;              // a chunk of rows [z, t], times the square root of w
  LanesVector row_, right_;
  std::vector<float> y_;
};

}  // namespace palate

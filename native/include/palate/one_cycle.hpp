// Matrix factorisation by Adam on a one-cycle schedule, touching only the rows of each batch.
//
// The model is lo + (hi - lo) * sigmoid(p_u . q_i + b_u + b_i), the loss the mean squared error
// over a batch. Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2) moves
// every row in every step t = 1, 2, ..:
//
//     p *= 1 - lr_t wd
//     m  = beta_t m + (1 - beta_t) g
//     v  = 0.99 v + 0.01 g^2
//     p -= lr_t / (1 - beta_t^t) * m / (sqrt(v / (1 - 0.99^t)) + 1e-5)
//
// A row outside the batch has g = 0 and is left as it is until it is needed again. Then it takes
// the steps that it missed, which share one square root: j steps after the last gradient m has
// shrunk by the product of the betas and v by 0.99^j. Once the momentum is gone, only the decay is
// left.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "palate/adam_schedule.hpp"
#include "palate/lanes.hpp"

namespace palate {

// The rows of one side. A row of [factors, bias] is stored as [factors, bias, 1] for a user and
// [factors, 1, bias] for an item, so that one dot product gives the whole score and the gradient of
// a row is a sum of rows of the other side. The constant 1 is put back after every step.
class Side {
 public:
  enum class Kind { kUsers, kItems };

  Side(Kind kind, std::span<const float> table, std::size_t factors);

  std::size_t rows() const { return step_.size(); }
  const Lanes* values(std::size_t row) const { return &data_[row * 3 * blocks_]; }
  std::int64_t step(std::size_t row) const { return step_[row]; }
  std::size_t slot(std::size_t row) const { return slot_[row]; }

  // Brings the row up to the last step of the window and adds it to the next step's batch, where
  // its gradient has the number `slot`.
  void enter(std::size_t row, std::size_t slot, Window& window);
  // Takes the step that the row has entered, with the given gradient.
  void apply(std::size_t row, Lanes* gradient, const Schedule& schedule);
  // Copies the rows out as [factors, bias], as they are at the last step of the window.
  void write(std::span<float> table, Window& window) const;

 private:
  struct State;  // pointers to the values, m and v of one row
  State state(std::size_t row);
  // Takes the steps that a row has missed since step `from`.
  void catch_up(State row, std::int64_t from, Window& window) const;

  std::size_t factors_, blocks_, bias_, constant_;
  LanesVector data_;                // for each row its values, then m, then v
  std::vector<std::int64_t> step_;  // the step that each row has reached
  std::vector<std::size_t> slot_;
};

// The ratings to learn from; they must outlive the solver.
struct Ratings {
  std::span<const std::int32_t> user, item;
  std::span<const float> rating;
};

class OneCycle {
 public:
  // Tables are row-major with factors + 1 columns, the last one the bias. `lr` and `beta` have an
  // entry for each step of the whole schedule; beta is at most kMaxBeta.
  OneCycle(const Ratings& ratings, std::span<const float> users, std::span<const float> items,
           std::size_t factors, std::span<const double> lr, std::span<const double> beta, double wd,
           double low, double high);

  // Takes a step for each batch of `batch` ratings of `order`; writes the loss of each to `losses`.
  // The result is the same at any number of threads. After an exception in the middle of a run,
  // rows are at different steps: run and write then throw std::logic_error.
  void run(std::span<const std::int64_t> order, std::size_t batch, int threads,
           std::span<double> losses);

  // Copies both tables out as they are at the current step.
  void write(std::span<float> users, std::span<float> items) const;

  std::size_t n_users() const { return users_.rows(); }
  std::size_t n_items() const { return items_.rows(); }
  std::int64_t step() const { return step_; }
  std::int64_t steps() const { return static_cast<std::int64_t>(schedule_.steps.size()) - 1; }

 private:
  struct Batch;   // the ratings of one step
  struct Member;  // a thread, the rows that it owns in this batch and their gradients

  void require_consistent() const;
  void enter(Side& side, std::size_t row, std::int64_t step, Window& window, Member& member);
  void gather(const Batch& batch, Member& member);
  void gradients(const Batch& batch, Member& member, std::span<double> errors);
  void update(Member& member);

  Ratings ratings_;
  std::size_t blocks_;
  float low_, width_;
  Side users_, items_;
  Schedule schedule_;
  std::int64_t step_ = 0;
  bool in_run_ = false;
};

}  // namespace palate

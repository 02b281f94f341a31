#include "palate/one_cycle.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "palate/team.hpp"

namespace palate {

namespace {

// Minimum number of ratings of a batch per thread: with fewer, threads mostly wait for each other.
constexpr std::size_t kMinRatingsPerThread = 256;

PALATE_INLINE Lanes take_steps(const Steps& steps, const Lanes& p, const Lanes& m,
                               const Lanes& root) {
  const auto& [decay, n, d] = steps;
  const Lanes numerator = ((root * n[3] + n[2]) * root + n[1]) * root + n[0];
  const Lanes denominator = (((root * d[4] + d[3]) * root + d[2]) * root + d[1]) * root + d[0];
  return p * decay - m * (numerator / denominator);
}

// Takes the last `n` steps of the window on a row whose gradients are zero.
PALATE_INLINE void coast_body(Lanes* p, Lanes* m, Lanes* v, std::size_t blocks,
                              const Window& window, std::size_t n) {
  const float momentum = window.momentum(n), root = window.root(n);
  for (std::size_t b = 0; b < blocks; ++b) {
    const Lanes m_left = m[b] * momentum, root_left = sqrt(v[b]) * root;
    Lanes value = p[b];
    for (std::size_t left = n; left > 0; left -= (left - 1) % Steps::kMaxSteps + 1)
      value = take_steps(window.group_to(left - 1), value, m_left, root_left);
    p[b] = value;
    m[b] = m_left;
    v[b] *= root * root;
  }
}
constexpr Dispatched<coast_body> coast;

PALATE_INLINE void decay_only_body(Lanes* p, Lanes* m, Lanes* v, std::size_t blocks, float decay,
                                   float variance) {
  for (std::size_t b = 0; b < blocks; ++b) {
    p[b] *= decay;
    m[b] = Lanes{};
    v[b] *= variance;
  }
}
constexpr Dispatched<decay_only_body> decay_only;

PALATE_INLINE void adam_body(Lanes* p, Lanes* m, Lanes* v, const Lanes* gradient,
                             std::size_t blocks, const Step& step, float epsilon) {
  constexpr float kOld = static_cast<float>(kBeta2), kNew = static_cast<float>(1 - kBeta2);
  for (std::size_t b = 0; b < blocks; ++b) {
    const Lanes g = gradient[b];
    m[b] = m[b] * step.beta + g * (1 - step.beta);
    v[b] = v[b] * kOld + g * g * kNew;
    p[b] = p[b] * step.decay - (m[b] * step.size) / (sqrt(v[b]) * step.scale + epsilon);
  }
}
constexpr Dispatched<adam_body> adam;

PALATE_INLINE float score_body(const Lanes* user, const Lanes* item, std::size_t blocks) {
  return dot(user, item, blocks);
}
constexpr Dispatched<score_body> score;

PALATE_INLINE void add_scaled_body(Lanes* sum, const Lanes* row, float factor, std::size_t blocks) {
  for (std::size_t b = 0; b < blocks; ++b) sum[b] += row[b] * factor;
}
constexpr Dispatched<add_scaled_body> add_scaled;

float& coordinate(Lanes* row, std::size_t i) { return reinterpret_cast<float*>(row)[i]; }

}  // namespace

struct Side::State {
  Lanes *p, *m, *v;
};

Side::Side(Kind kind, std::span<const float> table, std::size_t factors)
    : factors_(factors),
      blocks_(padded(factors + 2) / kLanes),
      bias_(kind == Kind::kUsers ? factors : factors + 1),
      constant_(kind == Kind::kUsers ? factors + 1 : factors) {
  const std::size_t rows = table.size() / (factors + 1);
  data_.resize(rows * 3 * blocks_);
  step_.resize(rows);
  slot_.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    float* values = reinterpret_cast<float*>(state(row).p);
    const float* source = &table[row * (factors + 1)];
    std::copy_n(source, factors, values);
    values[bias_] = source[factors];
    values[constant_] = 1;
  }
}

Side::State Side::state(std::size_t row) {
  Lanes* p = &data_[row * 3 * blocks_];
  return {p, p + blocks_, p + 2 * blocks_};
}

void Side::catch_up(State row, std::int64_t from, Window& window) const {
  const std::int64_t missed = window.last() - from;
  const auto [p, m, v] = row;
  if (missed <= Window::kMaxSteps) {
    window.prepare(static_cast<std::size_t>(missed));
    coast(p, m, v, blocks_, window, static_cast<std::size_t>(missed));
  } else {  // after kMaxSteps steps no momentum is left
    Window first(window.schedule(), from + Window::kMaxSteps);
    first.prepare(Window::kMaxSteps);
    coast(p, m, v, blocks_, first, Window::kMaxSteps);
    decay_only(p, m, v, blocks_, window.decay_since(first.last()),
               static_cast<float>(std::pow(kBeta2, window.last() - first.last())));
  }
  coordinate(p, constant_) = 1;
}

void Side::enter(std::size_t row, std::size_t slot, Window& window) {
  catch_up(state(row), step_[row], window);
  step_[row] = window.last() + 1;
  slot_[row] = slot;
}

void Side::apply(std::size_t row, Lanes* gradient, const Schedule& schedule) {
  const auto [p, m, v] = state(row);
  coordinate(gradient, constant_) = 0;
  adam(p, m, v, gradient, blocks_, schedule.steps[step_[row]], schedule.epsilon);
  coordinate(p, constant_) = 1;
}

// Works on a copy of each row, so that reading the tables never changes the rest of a fit.
void Side::write(std::span<float> table, Window& window) const {
  LanesVector copy(3 * blocks_);
  const State state{&copy[0], &copy[blocks_], &copy[2 * blocks_]};
  for (std::size_t row = 0; row < rows(); ++row) {
    std::copy_n(values(row), copy.size(), copy.begin());
    catch_up(state, step_[row], window);
    const float* source = reinterpret_cast<const float*>(state.p);
    float* target = &table[row * (factors_ + 1)];
    std::copy_n(source, factors_, target);
    target[factors_] = source[bias_];
  }
}

struct OneCycle::Batch {
  std::span<const std::int64_t> order;
  std::int64_t step;
};

struct OneCycle::Member {
  struct Owned {
    Side* side;
    std::size_t row;
  };

  std::size_t number, members;
  std::vector<Owned> rows;
  LanesVector gradients;

  bool owns(std::size_t row) const { return row % members == number; }
};

OneCycle::OneCycle(const Ratings& ratings, std::span<const float> users,
                   std::span<const float> items, std::size_t factors, std::span<const double> lr,
                   std::span<const double> beta, double wd, double low, double high)
    : ratings_(ratings),
      blocks_(padded(factors + 2) / kLanes),
      low_(static_cast<float>(low)),
      width_(static_cast<float>(high - low)),
      users_(Side::Kind::kUsers, users, factors),
      items_(Side::Kind::kItems, items, factors),
      schedule_(lr, beta, wd, high - low) {}

void OneCycle::require_consistent() const {
  if (in_run_)
    throw std::logic_error(
        "OneCycle: an earlier run failed in the middle of a step; make a new one");
}

void OneCycle::run(std::span<const std::int64_t> order, std::size_t batch, int threads,
                   std::span<double> losses) {
  require_consistent();
  const auto members = static_cast<int>(
      std::clamp<std::size_t>(batch / kMinRatingsPerThread, 1, static_cast<std::size_t>(threads)));
  std::vector<double> errors(batch);
  run_team(members, [&](int number, Barrier& barrier) {
    if (number == 0) in_run_ = true;
    Member member{static_cast<std::size_t>(number), static_cast<std::size_t>(members), {}, {}};
    for (std::size_t i = 0; i < losses.size(); ++i) {
      const Batch now{order.subspan(i * batch, batch), step_ + static_cast<std::int64_t>(i) + 1};
      gather(now, member);
      barrier.wait();
      gradients(now, member, errors);
      barrier.wait();
      if (number == 0) losses[i] = std::accumulate(errors.begin(), errors.end(), 0.0) / batch;
      update(member);
    }
  });
  in_run_ = false;
  step_ += static_cast<std::int64_t>(losses.size());
}

void OneCycle::enter(Side& side, std::size_t row, std::int64_t step, Window& window,
                     Member& member) {
  if (!member.owns(row) || side.step(row) == step) return;
  side.enter(row, member.rows.size(), window);
  member.rows.push_back({&side, row});
}

// Brings the rows of the batch that this member owns up to the previous step.
void OneCycle::gather(const Batch& batch, Member& member) {
  Window window(schedule_, batch.step - 1);
  member.rows.clear();
  for (const std::int64_t r : batch.order) {
    enter(users_, ratings_.user[r], batch.step, window, member);
    enter(items_, ratings_.item[r], batch.step, window, member);
  }
  member.gradients.assign(member.rows.size() * blocks_, Lanes{});
}

// Adds up the gradients of the rows that this member owns, in the order of the ratings.
void OneCycle::gradients(const Batch& batch, Member& member, std::span<double> errors) {
  const float share =
      static_cast<float>(2.0 * width_ / static_cast<double>(batch.order.size()) / schedule_.unit);
  for (std::size_t n = 0; n < batch.order.size(); ++n) {
    const std::int64_t r = batch.order[n];
    const std::size_t u = ratings_.user[r], i = ratings_.item[r];
    const bool owns_user = member.owns(u), owns_item = member.owns(i);
    if (!owns_user && !owns_item) continue;
    const Lanes *p = users_.values(u), *q = items_.values(i);
    const float sigmoid = 1 / (1 + std::exp(-score(p, q, blocks_)));
    const float error = low_ + width_ * sigmoid - ratings_.rating[r];
    const float slope = share * error * sigmoid * (1 - sigmoid);
    if (owns_user) {
      errors[n] = static_cast<double>(error) * error;
      add_scaled(&member.gradients[users_.slot(u) * blocks_], q, slope, blocks_);
    }
    if (owns_item) add_scaled(&member.gradients[items_.slot(i) * blocks_], p, slope, blocks_);
  }
}

void OneCycle::update(Member& member) {
  for (std::size_t slot = 0; slot < member.rows.size(); ++slot) {
    const auto [side, row] = member.rows[slot];
    side->apply(row, &member.gradients[slot * blocks_], schedule_);
  }
}

void OneCycle::write(std::span<float> users, std::span<float> items) const {
  require_consistent();
  Window window(schedule_, step_);
  users_.write(users, window);
  items_.write(items, window);
}

}  // namespace palate

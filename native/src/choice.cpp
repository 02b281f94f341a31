#include "palate/choice.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <vector>

#include "palate/best_of_row.hpp"
#include "palate/team.hpp"

namespace palate {

namespace {

// One row of X'WX at a time, in double precision.
class CoOccurrenceRow {
 public:
  CoOccurrenceRow(const Sparse& by_item, const Sparse& by_user, std::span<const float> weight,
                  std::size_t items)
      : by_item_(by_item), by_user_(by_user), weight_(weight), sums_(items) {}

  void compute(std::size_t item);
  double operator[](std::size_t other) const { return sums_[other]; }
  // The items with a sum other than 0, in no order.
  const std::vector<std::int32_t>& touched() const { return touched_; }

 private:
  const Sparse &by_item_, &by_user_;
  std::span<const float> weight_;
  std::vector<double> sums_;
  std::vector<std::int32_t> touched_;
};

void CoOccurrenceRow::compute(std::size_t item) {
  for (const std::int32_t other : touched_) sums_[other] = 0;
  touched_.clear();
  for (auto n = by_item_.starts[item]; n < by_item_.starts[item + 1]; ++n) {
    const auto user = static_cast<std::size_t>(by_item_.columns[n]);
    const double factor = static_cast<double>(weight_[user]) * by_item_.values[n];
    if (factor == 0) continue;
    for (auto m = by_user_.starts[user]; m < by_user_.starts[user + 1]; ++m) {
      const std::int32_t other = by_user_.columns[m];
      const double term = factor * by_user_.values[m];
      if (sums_[other] == 0 && term != 0) touched_.push_back(other);
      sums_[other] += term;
    }
  }
}

}  // namespace

void co_occurrences(const Sparse& by_item, const Sparse& by_user, std::span<const float> weight,
                    int threads, std::span<float> out, const CancelToken* cancel) {
  const std::size_t rows = by_item.rows(), items = rows ? out.size() / rows : 0;
  for_each_row(rows, threads, cancel, [&] {
    return [&, row = CoOccurrenceRow(by_item, by_user, weight, items)](std::size_t i) mutable {
      row.compute(i);
      for (std::size_t j = 0; j < items; ++j) out[i * items + j] = static_cast<float>(row[j]);
    };
  });
}

void largest_co_occurrences(const Sparse& by_item, const Sparse& by_user,
                            std::span<const float> weight, std::span<const float> scale,
                            std::size_t first, std::size_t most, int threads,
                            std::span<std::int32_t> items, std::span<float> values,
                            std::span<std::int64_t> counts, const CancelToken* cancel) {
  for_each_row(by_item.rows(), threads, cancel, [&] {
    return [&, row = CoOccurrenceRow(by_item, by_user, weight, scale.size()),
            others = std::vector<std::int32_t>()](std::size_t i) mutable {
      row.compute(i);
      others = row.touched();
      std::erase(others, static_cast<std::int32_t>(first + i));
      const auto larger = [&](std::int32_t a, std::int32_t b) {
        const double left = row[a] * scale[a], right = row[b] * scale[b];
        return left > right || (left == right && a < b);
      };
      const std::size_t kept = std::min(most, others.size());
      if (kept < others.size())
        std::nth_element(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(kept),
                         others.end(), larger);
      std::sort(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(kept));
      counts[i] = static_cast<std::int64_t>(kept);
      for (std::size_t n = 0; n < kept; ++n) {
        items[i * most + n] = others[n];
        values[i * most + n] =
            static_cast<float>(row[others[n]] * scale[first + i] * scale[others[n]]);
      }
    };
  });
}

namespace {

// The virtual hold-out of one user after another; see held_out_ndcg and held_out_scores.
class VirtualHoldOut {
 public:
  VirtualHoldOut(const HeldOut& users, const Precision& precision, const Discounts& discounts,
                 std::span<const float> powers)
      : users_(users),
        precision_(precision),
        discounts_(discounts),
        powers_(powers),
        items_(precision.diagonal.size()),
        scores_(items_),
        discounted_(items_) {}

  // Prepares the scores of a user before any discount.
  void start(std::size_t user);
  // The scores of this user with one of the discounts; the lowest for what is not ranked.
  std::span<const float> discount(std::size_t user, std::size_t q);
  // The nDCG at n of the scores that `discount` returned last.
  double ndcg(std::size_t user, std::size_t n);

 private:
  void update(std::size_t user);
  void score(std::size_t user);

  HeldOut users_;
  Precision precision_;
  Discounts discounts_;
  std::span<const float> powers_;  // popularity^-exponent, exponents x items
  std::size_t items_;
  std::array<double, 3> m_{};      // M, symmetric
  std::array<double, 2> shift_{};  // M A'y
  std::vector<float> scores_, discounted_;
  Best best_;
  std::vector<std::int32_t> rows_;
  std::vector<float> listed_;
};

// Finds M and M A'y.
void VirtualHoldOut::update(std::size_t user) {
  const Sparse& x = users_.full;
  const float* px = precision_.full.data() + user * items_;
  const float* py = precision_.kept.data() + user * items_;
  double xx = 0, xy = 0, yy = 0;
  for (auto n = x.starts[user]; n < x.starts[user + 1]; ++n) {
    const auto j = static_cast<std::size_t>(x.columns[n]);
    xx += static_cast<double>(x.values[n]) * px[j];
    xy += static_cast<double>(x.values[n]) * py[j];
    yy += static_cast<double>(users_.kept[n]) * py[j];
  }
  const double a = xx - 1.0 / users_.weight[user], c = yy + 1.0 / users_.kept_weight[user];
  const double determinant = a * c - xy * xy;
  m_ = {c / determinant, -xy / determinant, a / determinant};
  shift_ = {m_[0] * xy + m_[1] * yy, m_[1] * xy + m_[2] * yy};
}

// The scores of all items before any discount.
void VirtualHoldOut::score(std::size_t user) {
  const float* px = precision_.full.data() + user * items_;
  const float* py = precision_.kept.data() + user * items_;
  const auto m0 = static_cast<float>(m_[0]), m1 = static_cast<float>(2 * m_[1]),
             m2 = static_cast<float>(m_[2]);
  const auto s0 = static_cast<float>(shift_[0]), s1 = static_cast<float>(1 - shift_[1]);
  for (std::size_t j = 0; j < items_; ++j) {
    const float a = px[j], b = py[j];
    const float diagonal = precision_.diagonal[j] - (m0 * a * a + m1 * a * b + m2 * b * b);
    scores_[j] = (s0 * a - s1 * b) / diagonal;
  }
  if (precision_.factor.empty()) return;
  for (std::size_t j = 0; j < items_; ++j) scores_[j] *= precision_.factor[user * items_ + j];
}

// Discounts popular items, whose popularity is that without the held-out entries.
std::span<const float> VirtualHoldOut::discount(std::size_t user, std::size_t q) {
  constexpr double kNobody = 1e-6;
  const Sparse& x = users_.full;
  const float* power = powers_.data() + q * items_;
  for (std::size_t j = 0; j < items_; ++j)
    discounted_[j] = power[j] > 0 ? scores_[j] * power[j] : kLowest;
  for (auto n = x.starts[user]; n < x.starts[user + 1]; ++n) {
    const auto j = static_cast<std::size_t>(x.columns[n]);
    const double value = x.values[n], popularity = discounts_.popularity[j];
    const double rest = popularity - users_.weight[user] * value * value;
    const bool candidate = users_.kept[n] == 0 && rest > kNobody * popularity;
    discounted_[j] = candidate
                         ? scores_[j] * static_cast<float>(std::pow(rest, -discounts_.exponents[q]))
                         : kLowest;
  }
  return discounted_;
}

// The gain of the relevant entries in the list of the n best, relative to that of the ideal list.
double VirtualHoldOut::ndcg(std::size_t user, std::size_t n) {
  best_.start(n, {});
  for (std::size_t j = 0; j < items_; ++j)
    if (discounted_[j] > best_.bar()) best_.offer(static_cast<std::int32_t>(j), discounted_[j]);
  rows_.resize(n);
  listed_.resize(n);
  best_.write(rows_, listed_);
  const Sparse& x = users_.full;
  double found = 0, ideal = 0;
  std::size_t relevant = 0;
  for (auto entry = x.starts[user]; entry < x.starts[user + 1]; ++entry) {
    if (!users_.relevant[entry]) continue;
    if (relevant++ < n) ideal += 1 / std::log2(static_cast<double>(relevant) + 1);
    const auto place = std::ranges::find(rows_, x.columns[entry]) - rows_.begin();
    if (place < std::ssize(rows_)) found += 1 / std::log2(static_cast<double>(place) + 2);
  }
  return relevant ? found / ideal : 0;
}

void VirtualHoldOut::start(std::size_t user) {
  update(user);
  score(user);
}

std::vector<float> powers(const Discounts& discounts) {
  std::vector<float> out;
  for (const float exponent : discounts.exponents)
    for (const float popularity : discounts.popularity)
      out.push_back(popularity > 0 ? std::pow(popularity, -exponent) : 0);
  return out;
}

}  // namespace

void held_out_ndcg(const HeldOut& users, const Precision& precision, const Discounts& discounts,
                   std::size_t n, int threads, std::span<double> out) {
  const std::vector<float> power = powers(discounts);
  const std::size_t width = discounts.exponents.size();
  for_each_row(users.full.rows(), threads, nullptr, [&] {
    return [&, hold_out =
                   VirtualHoldOut(users, precision, discounts, power)](std::size_t user) mutable {
      hold_out.start(user);
      for (std::size_t q = 0; q < width; ++q) {
        hold_out.discount(user, q);
        out[user * width + q] = hold_out.ndcg(user, n);
      }
    };
  });
}

void held_out_scores(const HeldOut& users, const Precision& precision, const Discounts& discounts,
                     int threads, std::span<float> out) {
  const std::vector<float> power = powers(discounts);
  const std::size_t items = precision.diagonal.size();
  for_each_row(users.full.rows(), threads, nullptr, [&] {
    return [&, hold_out =
                   VirtualHoldOut(users, precision, discounts, power)](std::size_t user) mutable {
      hold_out.start(user);
      std::ranges::copy(hold_out.discount(user, 0), out.begin() + user * items);
    };
  });
}

}  // namespace palate

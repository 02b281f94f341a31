#include "palate/lists.hpp"

#include <algorithm>
#include <vector>

#include "palate/best_of_row.hpp"
#include "palate/team.hpp"
#include "palate/vector_math.hpp"

namespace palate {

namespace {

// Numbers that a thread weighs at a time, a multiple of the lanes.
constexpr std::size_t kChunk = 1 << 12;

PALATE_INLINE Lanes weighed(const float* scores, const float* ratings, float slope, float shift,
                            float power) {
  const Lanes z = load<Lanes>(ratings) * slope + shift;
  return load<Lanes>(scores) * exp(-power * log(exp(-z) + 1));
}

PALATE_INLINE void weigh_body(const float* scores, std::size_t n, float slope, float shift,
                              float power, float* ratings) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Lanes result = weighed(scores + i, ratings + i, slope, shift, power);
    __builtin_memcpy(ratings + i, &result, sizeof result);
  }
  if (i == n) return;
  float rest[2][kLanes]{};
  std::copy(scores + i, scores + n, rest[0]);
  std::copy(ratings + i, ratings + n, rest[1]);
  const Lanes result = weighed(rest[0], rest[1], slope, shift, power);
  for (std::size_t lane = 0; i < n; ++i, ++lane) ratings[i] = result[lane];
}
constexpr Dispatched<weigh_body> weigh;

// The sum and the highest of max(s, 0), and the number of scores above minus infinity, of `blocks`
// lanes.
struct Positive {
  double sum;
  float highest;
  std::size_t count;
};

// Single precision is enough for this number of lanes; their sums are added in double precision.
constexpr std::size_t kLanesAtATime = 64;

PALATE_INLINE Positive positive_body(const Lanes* scores, std::size_t blocks) {
  double total = 0;
  Lanes highest{};
  Integers left_out{};
  for (std::size_t first = 0; first < blocks; first += kLanesAtATime) {
    Lanes part{};
    for (std::size_t i = first; i < std::min(first + kLanesAtATime, blocks); ++i) {
      const Lanes s = at_least(scores[i], 0);
      left_out += scores[i] == kLowest;  // -1 where it is
      highest = s > highest ? s : highest;
      part += s;
    }
    total += sum(part);
  }
  float most = 0;
  std::size_t missing = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    most = std::max(most, highest[lane]);
    missing += static_cast<std::size_t>(-left_out[lane]);
  }
  return {total, most, blocks * kLanes - missing};
}
constexpr Dispatched<positive_body> positive;

// The sum of ((max(s, 0) scale + offset) / highest)^slope over the scores above minus infinity.
PALATE_INLINE double logit_sum_body(const Lanes* scores, std::size_t blocks, float scale,
                                    float offset, float highest, float slope) {
  double total = 0;
  const float factor = scale / highest, least = offset / highest;
  for (std::size_t first = 0; first < blocks; first += kLanesAtATime) {
    Lanes part{};
    for (std::size_t i = first; i < std::min(first + kLanesAtATime, blocks); ++i) {
      const Lanes weight = exp(slope * log(at_least(scores[i], 0) * factor + least));
      part += scores[i] == kLowest ? Lanes{} : weight;
    }
    total += sum(part);
  }
  return total;
}
constexpr Dispatched<logit_sum_body> logit_sum;

// to = scores + penalty, of `n` items; the rest of the last lanes is minus infinity.
PALATE_INLINE void add_penalty_body(const float* scores, const float* penalty, std::size_t n,
                                    float* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = scores[i] + penalty[i];
  for (std::size_t i = n; i < padded(n); ++i) to[i] = kLowest;
}
constexpr Dispatched<add_penalty_body> add_penalty;

// Numbers that are compared with the bar at a time.
constexpr std::size_t kCompared = 64;

// The first of kCompared numbers from `i` on, or of the next as many, of which one is above the
// bar.
PALATE_INLINE std::size_t next_above_body(const float* scores, std::size_t i, std::size_t n,
                                          float bar) {
  for (; i + kCompared <= n; i += kCompared) {
    int any = 0;
    for (std::size_t k = 0; k < kCompared; ++k) any |= scores[i + k] > bar;
    if (any) return i;
  }
  return i;
}
constexpr Dispatched<next_above_body> next_above;

std::span<const std::int32_t> seen_by(const Seen& seen, std::size_t u) {
  const auto start = static_cast<std::size_t>(seen.starts[u]);
  return seen.items.subspan(start, static_cast<std::size_t>(seen.starts[u + 1]) - start);
}

}  // namespace

void weigh_by_logistic(std::span<const float> scores, float slope, float shift, float power,
                       int threads, std::span<float> ratings) {
  for_each_row((scores.size() + kChunk - 1) / kChunk, threads, nullptr, [&] {
    return [&](std::size_t chunk) {
      const std::size_t first = chunk * kChunk, n = std::min(kChunk, scores.size() - first);
      weigh(&scores[first], n, slope, shift, power, &ratings[first]);
    };
  });
}

void best_items(std::span<const float> scores, const Seen& seen,
                std::span<const std::uint8_t> allowed, std::size_t n, int threads,
                std::span<std::int32_t> rows, std::span<float> best) {
  const std::size_t items = allowed.size();
  for_each_row(seen.starts.size() - 1, threads, nullptr, [&] {
    return [&, found = Best()](std::size_t u) mutable {
      found.start(std::min(n, items), seen_by(seen, u));
      const float* score = scores.data() + u * items;
      for (std::size_t i = 0; i < items;) {
        i = next_above(score, i, items, found.bar());
        for (const std::size_t end = std::min(i + kCompared, items); i < end; ++i)
          if (score[i] > found.bar() && allowed[i])
            found.offer(static_cast<std::int32_t>(i), score[i]);
      }
      found.write(rows.subspan(u * n, n), best.subspan(u * n, n));
    };
  });
}

void logit_totals(std::span<const float> scores, const Seen& seen,
                  std::span<const std::uint8_t> ranked, float slope, float offset, int threads,
                  std::span<LogitTotals> out) {
  const std::size_t items = ranked.size(), blocks = padded(items) / kLanes;
  std::vector<float> penalty(items);
  for (std::size_t i = 0; i < items; ++i) penalty[i] = ranked[i] ? 0 : kLowest;
  for_each_row(out.size(), threads, nullptr, [&] {
    return [&, row = LanesVector(blocks)](std::size_t u) mutable {
      float* score = reinterpret_cast<float*>(row.data());
      add_penalty(&scores[u * items], penalty.data(), items, score);
      for (const std::int32_t item : seen_by(seen, u)) score[item] = kLowest;
      const Positive all = positive(row.data(), blocks);
      const float scale =
          all.sum > 0 ? static_cast<float>(static_cast<double>(all.count) / all.sum) : 0;
      const float highest = all.highest * scale + offset;
      const double total = logit_sum(row.data(), blocks, scale, offset, highest, slope);
      out[u] = {scale, highest, static_cast<float>(total)};
    };
  });
}

}  // namespace palate

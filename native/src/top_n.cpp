#include "palate/top_n.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "palate/best_of_row.hpp"
#include "palate/lanes.hpp"
#include "palate/team.hpp"

namespace palate {

namespace {

// Number of users that are scored together: their scores on 4 AVX-512, 2 AVX2 or 2 SSE/NEON
// registers of items, and the operands of those, fill the vector registers.
constexpr std::size_t kTile = 6;
// Number of items that are packed together: a multiple of each of those widths.
constexpr std::size_t kPanel = 4 * kLanes;
// Maximum number of users that a thread takes at a time: all are scored on one panel while it is in
// the first-level cache.
constexpr std::size_t kMaxUsers = 16 * kTile;
// Number of panels that a thread packs at a time.
constexpr std::size_t kPanelsAtATime = 8;

// Users, and the score that an item must exceed for each.
struct Tile {
  std::array<const float*, kTile> user;
  std::array<float, kTile> bar;
};

// Scores a tile on kWide vectors of a panel's items; `item` points to the bias of the first item.
template <typename Vector, std::size_t kWide>
PALATE_INLINE void score_part(const float* item, std::size_t factors, const Tile& tile,
                              float* scores) {
  constexpr std::size_t size = sizeof(Vector) / sizeof(float);
  Vector sum[kTile][kWide];
  for (std::size_t u = 0; u < kTile; ++u)
    for (std::size_t b = 0; b < kWide; ++b)
      sum[u][b] = load<Vector>(item + b * size) + tile.user[u][factors];
  for (std::size_t f = 0; f < factors; ++f) {
    item += kPanel;
    for (std::size_t u = 0; u < kTile; ++u)
      for (std::size_t b = 0; b < kWide; ++b)
        sum[u][b] += load<Vector>(item + b * size) * tile.user[u][f];
  }
  for (std::size_t u = 0; u < kTile; ++u)
    for (std::size_t b = 0; b < kWide; ++b)
      __builtin_memcpy(scores + u * kPanel + b * size, &sum[u][b], sizeof(Vector));
}

template <typename Vector, std::size_t kWide>
PALATE_INLINE void score_panel(const float* panel, std::size_t factors, const Tile& tile,
                               float* scores) {
  constexpr std::size_t size = kWide * sizeof(Vector) / sizeof(float);
  for (std::size_t i = 0; i < kPanel; i += size)
    score_part<Vector, kWide>(panel + i, factors, tile, scores + i);
}

PALATE_INLINE bool any_above(const float* scores, float bar) {
  int any = 0;
  for (std::size_t i = 0; i < kPanel; ++i) any |= scores[i] > bar;
  return any != 0;
}

// Scores a tile on a panel, and returns the set of users with a score above their bar.
PALATE_INLINE unsigned score_tile_body(std::size_t width, const float* panel, std::size_t factors,
                                       const Tile& tile, float* scores) {
  if (width == 16)
    score_panel<Lanes, 4>(panel, factors, tile, scores);
  else if (width == 8)
    score_panel<Eight, 2>(panel, factors, tile, scores);
  else
    score_panel<Four, 2>(panel, factors, tile, scores);
  unsigned hits = 0;
  for (std::size_t u = 0; u < kTile; ++u)
    hits |= static_cast<unsigned>(any_above(scores + u * kPanel, tile.bar[u])) << u;
  return hits;
}
constexpr Dispatched<score_tile_body> score_tile;

// The allowed items in panels: the biases of a panel's items, then their first factors, and so on.
class Panels {
 public:
  Panels(std::span<const float> items, std::size_t columns, std::span<const std::uint8_t> allowed)
      : items_(items), columns_(columns) {
    for (std::size_t i = 0; i < allowed.size(); ++i)
      if (allowed[i]) rows_.push_back(static_cast<std::int32_t>(i));
    data_.resize(count() * columns_ * kPanel / kLanes);
  }

  void pack(std::size_t p);

  std::size_t items() const { return rows_.size(); }
  std::size_t count() const { return (rows_.size() + kPanel - 1) / kPanel; }
  const float* panel(std::size_t p) const {
    return reinterpret_cast<const float*>(data_.data()) + p * columns_ * kPanel;
  }
  // The rows of a panel's items: fewer than kPanel in the last panel, which is filled with zeros.
  std::span<const std::int32_t> rows(std::size_t p) const {
    return std::span(rows_).subspan(p * kPanel, std::min(kPanel, rows_.size() - p * kPanel));
  }

 private:
  std::span<const float> items_;
  std::size_t columns_;
  std::vector<std::int32_t> rows_;
  LanesVector data_;
};

void Panels::pack(std::size_t p) {
  float* target = reinterpret_cast<float*>(data_.data()) + p * columns_ * kPanel;
  for (const std::int32_t row : rows(p)) {
    const float* source = &items_[static_cast<std::size_t>(row) * columns_];
    target[0] = source[columns_ - 1];
    for (std::size_t f = 0; f + 1 < columns_; ++f) target[(f + 1) * kPanel] = source[f];
    ++target;
  }
}

void offer_panel(Best& best, std::span<const std::int32_t> rows, const float* scores) {
  for (std::size_t i = 0; i < rows.size(); ++i) best.offer(rows[i], scores[i]);
}

// Finds the best items of one block of users after another, in buffers of its own.
class Searcher {
 public:
  Searcher(std::span<const float> users, std::size_t columns, const Seen& seen,
           const Panels& panels, std::size_t n)
      : users_(users),
        columns_(columns),
        seen_(seen),
        panels_(panels),
        n_(std::min(n, panels.items())),
        scores_(kTile * kPanel / kLanes) {}

  // Finds the best items of the users first .. last - 1, at most kMaxUsers of them.
  void search(std::size_t first, std::size_t last);
  Best& best(std::size_t i) { return best_[i]; }

 private:
  void offer(std::size_t p, std::size_t first, std::size_t last, std::size_t from);

  std::span<const float> users_;
  std::size_t columns_;
  Seen seen_;
  const Panels& panels_;
  std::size_t n_;
  const std::size_t width_ = register_floats();
  std::array<Best, kMaxUsers> best_;
  LanesVector scores_;
};

void Searcher::search(std::size_t first, std::size_t last) {
  for (std::size_t u = first; u < last; ++u) {
    const auto start = static_cast<std::size_t>(seen_.starts[u]);
    const auto size = static_cast<std::size_t>(seen_.starts[u + 1]) - start;
    best_[u - first].start(n_, seen_.items.subspan(start, size));
  }
  for (std::size_t p = 0; p < panels_.count(); ++p)
    for (std::size_t from = first; from < last; from += kTile) offer(p, first, last, from);
}

// Offers a panel's items to the tile of users that begins at `from`.
void Searcher::offer(std::size_t p, std::size_t first, std::size_t last, std::size_t from) {
  Tile tile;
  for (std::size_t i = 0; i < kTile; ++i) {
    // A tile is always full, so that every score is computed by the same instructions: missing
    // users are replaced by the last one, with a bar that no score exceeds.
    const std::size_t u = std::min(from + i, last - 1);
    tile.user[i] = &users_[u * columns_];
    tile.bar[i] = from + i < last ? best_[u - first].bar() : -kLowest;
  }
  float* scores = reinterpret_cast<float*>(scores_.data());
  const unsigned hits = score_tile(width_, panels_.panel(p), columns_ - 1, tile, scores);
  if (hits == 0) return;
  for (std::size_t i = 0; i < kTile; ++i)
    if (hits >> i & 1) offer_panel(best_[from - first + i], panels_.rows(p), scores + i * kPanel);
}

// The number of users that a thread takes at a time: fewer if there is too little work for all.
std::size_t users_at_a_time(std::size_t n_users, int threads) {
  const std::size_t share = n_users / (4 * static_cast<std::size_t>(threads));
  return std::clamp(share / kTile * kTile, kTile, kMaxUsers);
}

}  // namespace

void top_n(std::span<const float> users, std::span<const float> items, std::size_t columns,
           const Seen& seen, std::span<const std::uint8_t> allowed, std::size_t n, int threads,
           std::span<std::int32_t> rows, std::span<float> scores) {
  Panels panels(items, columns, allowed);
  TaskQueue packing(panels.count(), kPanelsAtATime);
  run_team(packing.members(threads), [&](int, Barrier&) {
    while (const auto tasks = packing.next())
      for (std::size_t p = tasks.first; p < tasks.last; ++p) panels.pack(p);
  });
  const std::size_t n_users = users.size() / columns;
  TaskQueue searching(n_users, users_at_a_time(n_users, threads));
  run_team(searching.members(threads), [&](int, Barrier&) {
    Searcher searcher(users, columns, seen, panels, n);
    while (const auto tasks = searching.next()) {
      searcher.search(tasks.first, tasks.last);
      for (std::size_t u = tasks.first; u < tasks.last; ++u)
        searcher.best(u - tasks.first).write(rows.subspan(u * n, n), scores.subspan(u * n, n));
    }
  });
}

}  // namespace palate

#include "palate/sparse_products.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include "palate/lanes.hpp"
#include "palate/team.hpp"

namespace palate {

namespace {

// The columns of a panel: what the sums of one row are kept in registers for.
constexpr std::size_t kPanel = 4 * kLanes;
// The rows of a piece of a panel: 512 kB, which stay in the second-level cache.
constexpr std::size_t kPieceRows = 2048;
// The panels that a thread reads from a sparse right side at a time: each row then gives it dozens
// of entries, which lie together in memory.
constexpr std::size_t kPanelsAtATime = 8;
// Pieces pay off if every row of the right side is used about this number of times, and if it is
// that dense and that wide.
constexpr std::size_t kMinUses = 8, kMaxSparsity = 32, kMinWidth = 16 * kPanel;
// The cells of a panel are counted in 32 bits.
constexpr std::size_t kMaxRows = (std::size_t{1} << 32) / kPanel;

PALATE_INLINE void add_scaled_body(float factor, const float* from, std::size_t n, float* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] += factor * from[i];
}
constexpr Dispatched<add_scaled_body> add_scaled;

std::out_of_range outside() {
  return std::out_of_range("right_columns: a column is outside the table");
}

// An entry of the left side: a row of a piece of the right side, and the factor.
struct Term {
  std::uint32_t row;
  float factor;
};

// The terms of the left side by piece, and for each piece by row, in the order of the entries.
class Terms {
 public:
  Terms(const Sparse& left, std::size_t right_rows);

  std::size_t pieces() const { return pieces_; }
  const Term* terms() const { return terms_.data(); }
  // Where the terms of each row of the left side start, and at last where they end.
  const std::size_t* starts(std::size_t piece) const { return &starts_[piece * rows_]; }

 private:
  std::size_t rows_, pieces_;
  std::vector<std::size_t> starts_;
  std::vector<Term> terms_;
};

Terms::Terms(const Sparse& left, std::size_t right_rows)
    : rows_(left.rows()),
      pieces_((right_rows + kPieceRows - 1) / kPieceRows),
      starts_(pieces_ * rows_ + 1),
      terms_(left.columns.size()) {
  const auto cell = [&](std::size_t row, std::int64_t n) {
    return static_cast<std::size_t>(left.columns[n]) / kPieceRows * rows_ + row;
  };
  for (std::size_t r = 0; r < rows_; ++r)
    for (auto n = left.starts[r]; n < left.starts[r + 1]; ++n) ++starts_[cell(r, n) + 1];
  for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
  std::vector<std::size_t> next(starts_.begin(), starts_.end() - 1);
  for (std::size_t r = 0; r < rows_; ++r)
    for (auto n = left.starts[r]; n < left.starts[r + 1]; ++n)
      terms_[next[cell(r, n)]++] = {static_cast<std::uint32_t>(left.columns[n] % kPieceRows),
                                    left.values[n]};
}

// Adds the terms of all rows to their sums in kWide vectors of a panel, from a piece of it.
template <typename Vector, std::size_t kWide>
PALATE_INLINE void add_part(const float* piece, const Term* terms, const std::size_t* starts,
                            std::size_t rows, float* sums) {
  constexpr std::size_t size = sizeof(Vector) / sizeof(float);
  for (std::size_t r = 0; r < rows; ++r, sums += kPanel) {
    if (starts[r] == starts[r + 1]) continue;
    Vector sum[kWide];
    for (std::size_t b = 0; b < kWide; ++b) sum[b] = load<Vector>(sums + b * size);
    for (std::size_t n = starts[r]; n < starts[r + 1]; ++n) {
      const float* from = piece + terms[n].row * kPanel;
      for (std::size_t b = 0; b < kWide; ++b)
        sum[b] += load<Vector>(from + b * size) * terms[n].factor;
    }
    for (std::size_t b = 0; b < kWide; ++b)
      __builtin_memcpy(sums + b * size, &sum[b], sizeof(Vector));
  }
}

PALATE_INLINE void add_terms_body(std::size_t width, const float* piece, const Term* terms,
                                  const std::size_t* starts, std::size_t rows, float* sums) {
  if (width == 16)
    add_part<Lanes, 4>(piece, terms, starts, rows, sums);
  else if (width == 8)
    add_part<Eight, 8>(piece, terms, starts, rows, sums);
  else
    for (std::size_t i = 0; i < kPanel; i += 32)
      add_part<Four, 8>(piece + i, terms, starts, rows, sums + i);
}
constexpr Dispatched<add_terms_body> add_terms;

// The panels of a dense right side.
class DensePanels {
 public:
  DensePanels(std::span<const float> table, std::size_t width) : table_(table), width_(width) {}

  void read(std::size_t, std::size_t) {}
  // Copies the rows first .. last - 1 of a panel.
  void fill(std::size_t panel, std::size_t first, std::size_t last, float* piece) const;

 private:
  std::span<const float> table_;
  std::size_t width_;
};

void DensePanels::fill(std::size_t panel, std::size_t first, std::size_t last, float* piece) const {
  constexpr std::size_t kAhead = 8;
  const std::size_t column = panel * kPanel, n = std::min(kPanel, width_ - column);
  for (std::size_t r = first; r < last; ++r, piece += kPanel) {
    const float* from = &table_[r * width_ + column];
    if (r + kAhead < last)
      for (std::size_t i = 0; i < n; i += kLanes) __builtin_prefetch(from + kAhead * width_ + i);
    std::copy_n(from, n, piece);
  }
}

// The panels of a sparse right side with ascending columns.
class SparsePanels {
 public:
  // `cuts` has for each row where each kPanelsAtATime panels begin, and where the last ones end.
  SparsePanels(const Sparse& table, const std::vector<std::int64_t>& cuts)
      : table_(table), cuts_(cuts) {}

  // Prepares the panels first .. last - 1 to be filled, each piece after piece.
  void read(std::size_t first, std::size_t last);
  void fill(std::size_t panel, std::size_t first, std::size_t last, float* piece);

 private:
  struct Entry {
    std::uint32_t cell;  // in the panel, by row
    float value;
  };

  const Sparse& table_;
  const std::vector<std::int64_t>& cuts_;
  std::size_t first_ = 0;
  std::vector<Entry> entries_[kPanelsAtATime];
  std::size_t next_[kPanelsAtATime]{};
};

void SparsePanels::read(std::size_t first, std::size_t) {
  constexpr std::size_t kAhead = 8;
  const std::size_t rows = table_.rows(), cut = first / kPanelsAtATime;
  const std::size_t cuts = cuts_.size() / rows;
  first_ = first;
  for (std::size_t p = 0; p < kPanelsAtATime; ++p) entries_[p].clear(), next_[p] = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    if (r + kAhead < rows) {
      const std::int64_t* ahead = &cuts_[(r + kAhead) * cuts + cut];
      for (auto n = ahead[0]; n < ahead[1]; n += kLanes) {
        __builtin_prefetch(table_.columns.data() + n);
        __builtin_prefetch(table_.values.data() + n);
      }
    }
    for (auto n = cuts_[r * cuts + cut]; n < cuts_[r * cuts + cut + 1]; ++n) {
      const auto column = static_cast<std::size_t>(table_.columns[n]);
      entries_[column / kPanel - first].push_back(
          {static_cast<std::uint32_t>(r * kPanel + column % kPanel), table_.values[n]});
    }
  }
}

void SparsePanels::fill(std::size_t panel, std::size_t first, std::size_t last, float* piece) {
  const std::vector<Entry>& entries = entries_[panel - first_];
  std::size_t& next = next_[panel - first_];
  std::fill_n(piece, (last - first) * kPanel, 0.0f);
  for (; next < entries.size() && entries[next].cell < last * kPanel; ++next)
    piece[entries[next].cell - first * kPanel] = entries[next].value;
}

// Multiplies by one panel after another, in buffers of its own.
template <typename Panels>
class Multiplier {
 public:
  Multiplier(const Terms& terms, std::size_t rows, std::size_t right_rows, std::size_t width,
             Panels panels)
      : terms_(terms),
        rows_(rows),
        right_rows_(right_rows),
        width_(width),
        panels_(std::move(panels)),
        piece_(kPieceRows * kPanel / kLanes),
        sums_(rows * kPanel / kLanes) {}

  // Computes the columns of the panels first .. last - 1.
  void compute(std::size_t first, std::size_t last, float* out) {
    panels_.read(first, last);
    for (std::size_t panel = first; panel < last; ++panel) compute(panel, out);
  }

 private:
  void compute(std::size_t panel, float* out) {
    float *piece = reinterpret_cast<float*>(piece_.data()),
          *sums = reinterpret_cast<float*>(sums_.data());
    std::fill_n(sums, rows_ * kPanel, 0.0f);
    for (std::size_t p = 0; p < terms_.pieces(); ++p) {
      const std::size_t first = p * kPieceRows, last = std::min(first + kPieceRows, right_rows_);
      panels_.fill(panel, first, last, piece);
      add_terms(register_floats(), piece, terms_.terms(), terms_.starts(p), rows_, sums);
    }
    const std::size_t column = panel * kPanel, n = std::min(kPanel, width_ - column);
    for (std::size_t r = 0; r < rows_; ++r)
      std::copy_n(sums + r * kPanel, n, out + r * width_ + column);
  }

  const Terms& terms_;
  const std::size_t rows_, right_rows_, width_;
  Panels panels_;
  LanesVector piece_, sums_;
};

template <typename Panels>
void multiply_by_panels(const Sparse& left, std::size_t right_rows, std::size_t width,
                        const Panels& panels, int threads, float* out, const CancelToken* cancel) {
  const Terms terms(left, right_rows);
  const std::size_t count = (width + kPanel - 1) / kPanel;
  TaskQueue queue(count, kPanelsAtATime, cancel);
  run_team(queue.members(threads), [&](int, Barrier&) {
    Multiplier<Panels> multiplier(terms, left.rows(), right_rows, width, panels);
    while (const auto tasks = queue.next()) multiplier.compute(tasks.first, tasks.last, out);
  });
}

// Where each kPanelsAtATime panels begin in each row; nothing if columns are not ascending.
std::vector<std::int64_t> cuts_of(const Sparse& table, std::size_t width, int threads) {
  constexpr std::size_t columns = kPanelsAtATime * kPanel;
  const std::size_t cuts = (width + columns - 1) / columns + 1;
  std::vector<std::int64_t> found(table.rows() * cuts);
  std::atomic<bool> ascending = true;
  for_each_row(table.rows(), threads, nullptr, [&] {
    return [&](std::size_t r) {
      std::int64_t n = table.starts[r], last = -1;
      for (std::size_t cut = 0; cut < cuts; ++cut) {
        found[r * cuts + cut] = n;
        for (const std::size_t end = (cut + 1) * columns; n < table.starts[r + 1]; ++n) {
          const std::int64_t column = table.columns[n];
          if (column < 0 || static_cast<std::size_t>(column) >= width) throw outside();
          if (static_cast<std::size_t>(column) >= end) break;
          if (column <= last) ascending = false;
          last = column;
        }
      }
    };
  });
  if (!ascending) found.clear();
  return found;
}

bool pays(const Sparse& left, std::size_t right_rows, std::size_t width) {
  return width >= kMinWidth && left.columns.size() >= kMinUses * right_rows;
}

void multiply_by_rows(const Sparse& sparse, std::span<const float> dense, std::size_t width,
                      int threads, std::span<float> out, const CancelToken* cancel) {
  for_each_row(sparse.rows(), threads, cancel, [&] {
    return [&](std::size_t r) {
      float* to = out.data() + r * width;
      std::fill_n(to, width, 0.0f);
      for (auto n = sparse.starts[r]; n < sparse.starts[r + 1]; ++n)
        add_scaled(sparse.values[n],
                   dense.data() + static_cast<std::size_t>(sparse.columns[n]) * width, width, to);
    };
  });
}

void multiply_by_rows(const Sparse& left, const Sparse& right, std::size_t width, int threads,
                      std::span<float> out, const CancelToken* cancel) {
  for_each_row(left.rows(), threads, cancel, [&] {
    return [&](std::size_t r) {
      float* to = out.data() + r * width;
      std::fill_n(to, width, 0.0f);
      for (auto n = left.starts[r]; n < left.starts[r + 1]; ++n) {
        const auto row = static_cast<std::size_t>(left.columns[n]);
        for (auto m = right.starts[row]; m < right.starts[row + 1]; ++m) {
          const auto column = static_cast<std::size_t>(right.columns[m]);
          if (column >= width) throw outside();
          to[column] += left.values[n] * right.values[m];
        }
      }
    };
  });
}

void multiply_by_pieces(const Sparse& sparse, std::span<const float> dense, std::size_t width,
                        int threads, std::span<float> out, const CancelToken* cancel) {
  const std::size_t right_rows = width ? dense.size() / width : 0;
  multiply_by_panels(sparse, right_rows, width, DensePanels(dense, width), threads, out.data(),
                     cancel);
}

// Returns false, without any output, if the columns of the right side are not in ascending order.
bool multiply_by_pieces(const Sparse& left, const Sparse& right, std::size_t width, int threads,
                        std::span<float> out, const CancelToken* cancel) {
  const std::vector<std::int64_t> cuts = cuts_of(right, width, threads);
  if (cuts.empty()) return false;
  multiply_by_panels(left, right.rows(), width, SparsePanels(right, cuts), threads, out.data(),
                     cancel);
  return true;
}

}  // namespace

void multiply(const Sparse& sparse, std::span<const float> dense, std::size_t width, int threads,
              std::span<float> out, const CancelToken* cancel) {
  if (pays(sparse, width ? dense.size() / width : 0, width))
    multiply_by_pieces(sparse, dense, width, threads, out, cancel);
  else
    multiply_by_rows(sparse, dense, width, threads, out, cancel);
}

void multiply(const Sparse& left, const Sparse& right, std::size_t width, int threads,
              std::span<float> out, const CancelToken* cancel) {
  const bool dense =
      right.values.size() >= right.rows() * width / kMaxSparsity && right.rows() <= kMaxRows;
  if (dense && pays(left, right.rows(), width) &&
      multiply_by_pieces(left, right, width, threads, out, cancel))
    return;
  multiply_by_rows(left, right, width, threads, out, cancel);
}

}  // namespace palate

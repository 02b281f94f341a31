#include "palate/best_of_row.hpp"

#include <algorithm>

namespace palate {

void Best::start(std::size_t n, std::span<const std::int32_t> seen) {
  n_ = n;
  bar_ = kLowest;
  heap_.clear();
  seen_.assign(seen.begin(), seen.end());
  if (!std::is_sorted(seen_.begin(), seen_.end())) std::sort(seen_.begin(), seen_.end());
  next_seen_ = 0;
}

bool Best::is_seen(std::int32_t row) {
  while (next_seen_ < seen_.size() && seen_[next_seen_] < row) ++next_seen_;
  return next_seen_ < seen_.size() && seen_[next_seen_] == row;
}

void Best::push(Found found) {
  if (heap_.size() == n_) {
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.back() = found;
  } else {
    heap_.push_back(found);
  }
  std::push_heap(heap_.begin(), heap_.end());
  if (heap_.size() == n_) bar_ = heap_.front().score;
}

void Best::write(std::span<std::int32_t> rows, std::span<float> scores) {
  std::sort_heap(heap_.begin(), heap_.end());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool found = i < heap_.size();
    rows[i] = found ? heap_[i].row : -1;
    scores[i] = found ? heap_[i].score : kLowest;
  }
}

}  // namespace palate

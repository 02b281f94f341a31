// The best items of one user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace palate {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// The best items of one user so far. Items are offered in ascending order of rows.
class Best {
 public:
  void start(std::size_t n, std::span<const std::int32_t> seen);
  // A score must exceed the bar to enter the list: of equal scores the lower row stays.
  float bar() const { return bar_; }
  void offer(std::int32_t row, float score) {
    if (score > bar_ && !is_seen(row)) push({score, row});
  }
  void write(std::span<std::int32_t> rows, std::span<float> scores);

 private:
  struct Found {
    float score;
    std::int32_t row;

    bool operator<(const Found& other) const {
      return score > other.score || (score == other.score && row < other.row);
    }
  };

  bool is_seen(std::int32_t row);
  void push(Found found);

  std::size_t n_ = 0;
  float bar_ = kLowest;
  std::vector<Found> heap_;  // the worst item on top
  std::vector<std::int32_t> seen_;
  std::size_t next_seen_ = 0;
};

}  // namespace palate

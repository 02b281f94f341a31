#include "palate/philox.hpp"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace palate {

namespace {

std::uint64_t join(std::uint32_t high, std::uint32_t low) {
  return (std::uint64_t{high} << 32) | low;
}

// A uniform number in (0, 1), never 0 or 1: the midpoint of one of 2^53 equal steps.
double unit(std::uint32_t high, std::uint32_t low) {
  return (static_cast<double>(join(high, low) >> 11) + 0.5) * 0x1p-53;
}

// An integer in 0 .. n - 1 from 64 random bits: the high word of a 128-bit product (Lemire 2019),
// whose bias, n / 2^64, is far below what any use here could see.
std::uint64_t below(std::uint64_t n, std::uint64_t bits) {
  const std::uint64_t n_high = n >> 32, n_low = n & 0xffffffffu;
  const std::uint64_t b_high = bits >> 32, b_low = bits & 0xffffffffu;
  const std::uint64_t middle = n_high * b_low + ((n_low * b_low) >> 32);
  const std::uint64_t carry = n_low * b_high + (middle & 0xffffffffu);
  return n_high * b_high + (middle >> 32) + (carry >> 32);
}

}  // namespace

Words philox(Words c, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return c;
}

Philox::Philox(std::uint64_t seed, std::uint64_t stream)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      stream_(stream) {}

Words Philox::block(std::uint64_t index) const {
  return philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                 static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                key_);
}

void normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out) {
  const Philox random(seed, stream);
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const Words w = random.block((first + i) / 2);
    const double radius = std::sqrt(-2.0 * std::log(unit(w[0], w[1])));
    const double angle = 2.0 * std::numbers::pi * unit(w[2], w[3]);
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

void permutation(std::uint64_t seed, std::uint64_t stream, std::span<std::int64_t> out) {
  const Philox random(seed, stream);
  std::iota(out.begin(), out.end(), std::int64_t{0});
  for (std::size_t i = out.size(); i > 1; --i) {
    const Words w = random.block(i);
    std::swap(out[i - 1], out[below(i, join(w[0], w[1]))]);
  }
}

}  // namespace palate

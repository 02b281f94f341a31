#include "palate/philox.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "palate/dispatch.hpp"

namespace palate {

namespace {

std::uint64_t join(std::uint32_t high, std::uint32_t low) {
  return (std::uint64_t{high} << 32) | low;
}

// The number of blocks that normal numbers are made from at a time.
constexpr std::size_t kBlocks = 8;
using Doubles = double __attribute__((vector_size(kBlocks * sizeof(double))));
using Bits = std::uint64_t __attribute__((vector_size(kBlocks * sizeof(std::uint64_t))));

// The polynomial with these coefficients, the constant term first.
template <std::size_t kTerms>
PALATE_INLINE Doubles polynomial(const double (&coefficients)[kTerms], const Doubles& x) {
  Doubles y = x * 0 + coefficients[kTerms - 1];
  for (std::size_t i = kTerms - 1; i-- > 0;) y = y * x + coefficients[i];
  return y;
}

// log(x) for 0 < x < 1. With x = 2^e sqrt(2) m, m within sqrt(2) of 1, and s = (m - 1) / (m + 1),
// log(m) = 2 s (1 + s^2 / 3 + s^4 / 5 + ...); the terms left out are below 1e-13.
PALATE_INLINE Doubles log(const Doubles& x) {
  constexpr double kSeries[] = {1.0,     1.0 / 3,  1.0 / 5,  1.0 / 7,
                                1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15};
  const Bits bits = std::bit_cast<Bits>(x);
  const Doubles exponent = __builtin_convertvector(bits >> 52, Doubles) - 1022.5;
  const Bits one_to_two = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
  const Doubles m = std::bit_cast<Doubles>(one_to_two) * (std::numbers::sqrt2 / 2);
  const Doubles s = (m - 1) / (m + 1);
  return exponent * std::numbers::ln2 + 2 * s * polynomial(kSeries, s * s);
}

// cos and sin of 2 pi x for 0 < x < 1: a number of quarter turns, and the power series of an angle
// up to pi / 4, whose terms left out are below 1e-12.
PALATE_INLINE void turn(const Doubles& x, Doubles* cosine, Doubles* sine) {
  constexpr double kCosine[] = {1.0,         -1.0 / 2,       1.0 / 24,         -1.0 / 720,
                                1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600.0};
  constexpr double kSine[] = {1.0,          -1.0 / 6,        1.0 / 120,         -1.0 / 5040,
                              1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800.0};
  const Bits quarters = __builtin_convertvector(x * 4 + 0.5, Bits);
  const Doubles angle =
      2 * std::numbers::pi * (x - __builtin_convertvector(quarters, Doubles) * 0.25);
  const Doubles c = polynomial(kCosine, angle * angle);
  const Doubles s = angle * polynomial(kSine, angle * angle);
  const auto swapped = (quarters & 1) != 0;
  *cosine = swapped ? s : c;
  *sine = swapped ? c : s;
  *cosine = ((quarters + 1) & 2) != 0 ? -*cosine : *cosine;
  *sine = (quarters & 2) != 0 ? -*sine : *sine;
}

// Ten rounds of Philox on kBlocks counters at once; every lane holds 32 bits.
PALATE_INLINE void philox(Bits (&c)[4], std::uint64_t seed) {
  std::uint32_t key[2] = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const Bits p0 = c[0] * 0xD2511F53u, p1 = c[2] * 0xCD9E8D57u;
    c[0] = (p1 >> 32) ^ c[1] ^ std::uint64_t{key[0]};
    c[1] = p1 & 0xffffffffu;
    c[2] = (p0 >> 32) ^ c[3] ^ std::uint64_t{key[1]};
    c[3] = p0 & 0xffffffffu;
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
}

// Uniform numbers in (0, 1), never 0 or 1: the midpoint of one of 2^53 equal steps.
PALATE_INLINE Doubles units(const Bits& high, const Bits& low) {
  return (__builtin_convertvector((high << 32 | low) >> 11, Doubles) + 0.5) * 0x1p-53;
}

// The normal numbers of kBlocks blocks, starting with block `first`.
PALATE_INLINE void normal_blocks_body(std::uint64_t seed, std::uint64_t stream, std::uint64_t first,
                                      float* out) {
  Bits index;
  for (std::size_t i = 0; i < kBlocks; ++i) index[i] = first + i;
  Bits w[4] = {index & 0xffffffffu, index >> 32, index * 0 + (stream & 0xffffffffu),
               index * 0 + (stream >> 32)};
  philox(w, seed);
  const Doubles squared = -2 * log(units(w[0], w[1]));
  Doubles cosine, sine;
  turn(units(w[2], w[3]), &cosine, &sine);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const double radius = std::sqrt(std::max(squared[i], 0.0));
    out[2 * i] = static_cast<float>(radius * cosine[i]);
    out[2 * i + 1] = static_cast<float>(radius * sine[i]);
  }
}
constexpr Dispatched<normal_blocks_body> normal_blocks;

// An integer in 0 .. n - 1 from 64 random bits: the high word of a 128-bit product (Lemire 2019),
// whose bias, n / 2^64, is far too small to matter here.
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
  std::array<float, 2 * kBlocks> numbers;
  for (std::size_t i = 0; i < out.size(); i += numbers.size()) {
    normal_blocks(seed, stream, (first + i) / 2, numbers.data());
    std::copy_n(numbers.data(), std::min(numbers.size(), out.size() - i), &out[i]);
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

// Elementary functions of vectors of floats, by polynomials: the relative error is below 3e-7.
#pragma once

#include <cstdint>

#include "palate/lanes.hpp"

namespace palate {

using Integers = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

PALATE_INLINE Lanes at_least(const Lanes& x, float limit) {
  return x > limit ? x : Lanes{} + limit;
}
PALATE_INLINE Lanes at_most(const Lanes& x, float limit) { return x < limit ? x : Lanes{} + limit; }

// e^x; beyond the range of normal floats, the lowest or the highest of them. With x = k ln 2 + r it
// is 2^k e^r, by the Taylor series of e^r for |r| <= ln 2 / 2.
PALATE_INLINE Lanes exp(Lanes x) {
  x = at_most(at_least(x, -87.33f), 88.37f);
  const Lanes shifted = x * 1.44269504f + 0x1.8p23f;  // rounds to an integer
  const Lanes k = shifted - 0x1.8p23f;
  const Lanes r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
  Lanes sum = r * (1.0f / 5040) + 1.0f / 720;
  for (const float coefficient : {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    sum = sum * r + coefficient;
  return (Lanes)((Integers)sum + (__builtin_convertvector(k, Integers) << 23));
}

// The natural logarithm of positive normal numbers. With x = 2^k m, 1 / sqrt 2 <= m < sqrt 2, and
// s = (m - 1) / (m + 1) it is k ln 2 + 2 artanh(s).
PALATE_INLINE Lanes log(const Lanes& x) {
  const Integers bits = (Integers)x, k = (bits - 0x3f3504f3) >> 23;
  const Lanes m = (Lanes)(bits - (k << 23));
  const Lanes s = (m - 1) / (m + 1), squared = s * s;
  Lanes series = squared * (1.0f / 9) + 1.0f / 7;
  for (const float coefficient : {1.0f / 5, 1.0f / 3}) series = series * squared + coefficient;
  return __builtin_convertvector(k, Lanes) * 0.693147181f + 2 * s * (series * squared + 1);
}

}  // namespace palate

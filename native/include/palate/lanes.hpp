// Vectors of sixteen floats: the unit in which rows are stored and computed.
//
// A vector type of GCC and Clang: one AVX-512 register, two AVX2 or four SSE/NEON registers. Sums
// over a row are taken lane by lane, so their order never depends on the instruction set.
#pragma once

#include <cmath>
#include <cstddef>
#include <new>
#include <vector>

#include "palate/dispatch.hpp"

namespace palate {

constexpr std::size_t kLanes = 16;

using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

// One AVX2 register, and one of SSE or NEON: for kernels that keep sums in registers.
using Eight = float __attribute__((vector_size(8 * sizeof(float))));
using Four = float __attribute__((vector_size(4 * sizeof(float))));

// The baseline compiler aligns a vector type to 16 bytes only; AVX-512 loads need all 64.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{kLanes * sizeof(float)};

  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, kAlignment); }
  bool operator==(const AlignedAllocator&) const { return true; }
};

using LanesVector = std::vector<Lanes, AlignedAllocator<Lanes>>;

// The number of floats that a row of `n` coordinates takes: the next multiple of the lane count.
constexpr std::size_t padded(std::size_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// Loads a vector from an address of any alignment: a copy, which compiles to one instruction.
template <typename Vector>
PALATE_INLINE Vector load(const float* from) {
  Vector value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

PALATE_INLINE Lanes sqrt(const Lanes& x) {
  Lanes y;
  for (std::size_t i = 0; i < kLanes; ++i) y[i] = std::sqrt(x[i]);
  return y;
}

// The sum of the lanes, by halving.
PALATE_INLINE float sum(Lanes x) {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) x[i] += x[i + half];
  return x[0];
}

// The dot product of two rows of `blocks` lanes.
PALATE_INLINE float dot(const Lanes* a, const Lanes* b, std::size_t blocks) {
  Lanes s = a[0] * b[0];
  for (std::size_t i = 1; i < blocks; ++i) s += a[i] * b[i];
  return sum(s);
}

}  // namespace palate

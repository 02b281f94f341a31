// Counter-based random numbers: Philox-4x32-10.
//
// Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011),
// section 3.3. A number is a function of (seed, stream, index) alone, so that any thread can draw
// any number and results never depend on how the work is divided.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace palate {

using Words = std::array<std::uint32_t, 4>;

// Ten rounds of Philox on one counter.
Words philox(Words counter, std::array<std::uint32_t, 2> key);

// A stream of numbers: `seed` is the key; `stream` and the index of the block make the counter.
class Philox {
 public:
  Philox(std::uint64_t seed, std::uint64_t stream);

  Words block(std::uint64_t index) const;

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint64_t stream_;
};

// Standard normal numbers (Box and Muller 1958), starting at position `first` of the stream, which
// must be even: block b of the stream gives the numbers 2b and 2b + 1, from two uniform numbers of
// 53 bits each.
void normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out);

// A random permutation of 0 .. out.size() - 1 (Fisher and Yates): step i draws from block i.
void permutation(std::uint64_t seed, std::uint64_t stream, std::span<std::int64_t> out);

}  // namespace palate

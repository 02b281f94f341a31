// Kernels compiled once for each instruction set level, and the choice between them at run time.
//
// The body of a kernel is written once, as a function that is always inlined. `Dispatched` makes a
// copy of it for each level and calls the copy for the level in use:
//
//     PALATE_INLINE void scale_body(Lanes* row, std::size_t blocks, float factor) { ... }
//     constexpr Dispatched<scale_body> scale;
//
// So shipped wheels need no -march flag. The level is the best one that the processor supports, or
// the one named by the environment variable PALATE_SIMD (baseline, avx2 or avx512). Elsewhere than
// on x86-64 with GCC 12 or Clang 18 (Arm, Apple's Clang, Windows) there is only the baseline.
//
// At one level results are the same bits at any number of threads. Integer results (Philox words,
// permutations, groupings) and `score_pairs`, which is not dispatched, are the same bits at all
// levels. Everything else agrees to rounding between the baseline and the others, since
// multiplication and addition are fused from AVX2 on. AVX2 and AVX-512 have given the same bits so
// far, because sums are taken lane by lane; nothing relies on it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <vector>

#if defined(__x86_64__) && !defined(_MSC_VER) && !defined(__APPLE__) && \
    (defined(__clang__) ? __clang_major__ >= 18 : __GNUC__ >= 12)
#define PALATE_DISPATCHES 1
#else
#define PALATE_DISPATCHES 0
#endif

#define PALATE_INLINE inline __attribute__((always_inline))

namespace palate {

enum class Simd { kBaseline, kAvx2, kAvx512 };

// The names of the levels that this processor supports, the lowest first.
std::vector<std::string_view> simd_levels();
std::string_view name(Simd level);

// The level called `name`, or the best one where it is null or empty. Throws std::invalid_argument
// for an unknown name and for a level that this processor does not support.
Simd select_simd(const char* name);

// The level in use: read from PALATE_SIMD once, and the same for the rest of the process.
inline Simd simd_level() {
  static const Simd level = select_simd(std::getenv("PALATE_SIMD"));
  return level;
}

// The number of floats in a vector register at the level in use. Only kernels that keep their sums
// in registers need it: a vector type wider than a register is spilled to the stack.
inline std::size_t register_floats() {
#if defined(__AVX512F__)
  constexpr std::size_t baseline = 16;
#elif defined(__AVX__)
  constexpr std::size_t baseline = 8;
#else
  constexpr std::size_t baseline = 4;
#endif
  const Simd level = simd_level();
  return level == Simd::kAvx512 ? 16 : level == Simd::kAvx2 ? 8 : baseline;
}

template <auto kBody>
struct Dispatched;

template <typename Result, typename... Args, Result (*kBody)(Args...)>
struct Dispatched<kBody> {
  PALATE_INLINE Result operator()(Args... args) const {
#if PALATE_DISPATCHES
    const Simd level = simd_level();
    if (level == Simd::kAvx512) return avx512(args...);
    if (level == Simd::kAvx2) return avx2(args...);
#endif
    return baseline(args...);
  }

 private:
  // Not inlined, so that a call site holds only the choice.
  __attribute__((noinline)) static Result baseline(Args... args) { return kBody(args...); }
#if PALATE_DISPATCHES
  __attribute__((target("arch=x86-64-v4"))) static Result avx512(Args... args) {
    return kBody(args...);
  }
  __attribute__((target("arch=x86-64-v3"))) static Result avx2(Args... args) {
    return kBody(args...);
  }
#endif
};

}  // namespace palate

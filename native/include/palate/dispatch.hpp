// Compile a function once for each level of the instruction set and choose at load time.
//
// The loader resolves the choice (GNU ifunc), so shipped wheels need no -march flag. Elsewhere
// (Clang, GCC before 12, Arm, macOS, Windows, musl) the compiler's baseline is used.
#pragma once

#include <cstddef>  // says whether this is glibc

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define PALATE_DISPATCHES 1
#define PALATE_DISPATCH \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PALATE_DISPATCHES 0
#define PALATE_DISPATCH
#endif

#define PALATE_INLINE inline __attribute__((always_inline))

namespace palate {

// How many floats a register holds at the level that is chosen. Only a kernel that counts its
// registers needs to ask: a vector type wider than one costs trips to the stack.
inline std::size_t register_floats() {
#if PALATE_DISPATCHES
  return __builtin_cpu_supports("x86-64-v4") ? 16 : __builtin_cpu_supports("x86-64-v3") ? 8 : 4;
#elif defined(__AVX512F__)
  return 16;
#elif defined(__AVX__)
  return 8;
#else
  return 4;
#endif
}

}  // namespace palate

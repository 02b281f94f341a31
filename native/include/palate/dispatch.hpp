// Compile a function once for each level of the instruction set and choose at load time.
//
// The loader resolves the choice (GNU ifunc), so shipped wheels need no -march flag. Elsewhere
// (Clang, GCC before 12, Arm, macOS, Windows, musl) the compiler's baseline is used.
#pragma once

#include <cstddef>  // says whether this is glibc

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define PALATE_DISPATCH \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PALATE_DISPATCH
#endif

#define PALATE_INLINE inline __attribute__((always_inline))

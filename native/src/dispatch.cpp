#include "palate/dispatch.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace palate {

namespace {

constexpr std::array<std::string_view, 3> kNames = {"baseline", "avx2", "avx512"};

Simd best_level() {
#if PALATE_DISPATCHES
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return Simd::kAvx512;
  if (__builtin_cpu_supports("x86-64-v3")) return Simd::kAvx2;
#endif
  return Simd::kBaseline;
}

std::string join(const std::vector<std::string_view>& names) {
  std::string list;
  for (const std::string_view name : names) (list += list.empty() ? "" : ", ") += name;
  return list;
}

}  // namespace

std::vector<std::string_view> simd_levels() {
  return {kNames.begin(), kNames.begin() + static_cast<int>(best_level()) + 1};
}

std::string_view name(Simd level) { return kNames[static_cast<std::size_t>(level)]; }

Simd select_simd(const char* name) {
  if (name == nullptr || *name == '\0') return best_level();
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  const auto level = static_cast<Simd>(found - kNames.begin());
  if (found != kNames.end() && level <= best_level()) return level;
  throw std::invalid_argument("PALATE_SIMD=" + std::string(name) + " is not a level that this " +
                              "processor supports; choose one of: " + join(simd_levels()));
}

}  // namespace palate

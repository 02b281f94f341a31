// Arrays from and to Python, and the checks of arguments that all bindings share.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "palate/sparse_products.hpp"

namespace nb = nanobind;
using namespace nb::literals;

template <typename T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <typename T>
using NewVector = nb::ndarray<nb::numpy, T, nb::ndim<1>, nb::c_contig>;
// Also a matrix to write to.
template <typename T>
using NewMatrix = nb::ndarray<nb::numpy, T, nb::ndim<2>, nb::c_contig>;

template <typename Array>
auto view(const Array& array) {
  return std::span(array.data(), array.size());
}

template <typename T>
NewVector<T> new_vector(std::size_t n) {
  T* data = new T[n];
  return NewVector<T>(data, {n},
                      nb::capsule(data, [](void* p) noexcept { delete[] static_cast<T*>(p); }));
}

// The memory of a large table is on large pages, where the system has them: to get small ones takes
// as long as to fill them.
constexpr std::align_val_t kLargePage{std::size_t{1} << 21};

inline void prefer_large_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#ifdef __linux__
  madvise(data, bytes, MADV_HUGEPAGE);
#endif
}

template <typename T>
NewMatrix<T> new_matrix(std::size_t rows, std::size_t columns) {
  const std::size_t bytes = rows * columns * sizeof(T);
  if (bytes < 4 * static_cast<std::size_t>(kLargePage)) {
    T* data = new T[rows * columns];
    return NewMatrix<T>(data, {rows, columns},
                        nb::capsule(data, [](void* p) noexcept { delete[] static_cast<T*>(p); }));
  }
  void* data = ::operator new(bytes, kLargePage);
  prefer_large_pages(data, bytes);
  return NewMatrix<T>(data, {rows, columns}, nb::capsule(data, [](void* p) noexcept {
                        ::operator delete(p, kLargePage);
                      }));
}

inline void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

inline void require_threads(const char* function, int threads) {
  if (threads < 1)
    throw std::invalid_argument(std::string(function) + ": threads must be at least 1, got " +
                                std::to_string(threads));
}

template <typename T>
void require_rows(const Vector<T>& rows, std::size_t limit, const char* what) {
  // All rows are usually valid: a first pass without branches checks that.
  using Unsigned = std::make_unsigned_t<T>;
  Unsigned highest = 0;
  for (const T row : view(rows)) highest = std::max(highest, static_cast<Unsigned>(row));
  if (rows.size() == 0 || highest < limit) return;
  for (const T row : view(rows))
    if (row < 0 || static_cast<std::size_t>(row) >= limit)
      throw std::out_of_range(std::string(what) + ": row " + std::to_string(row) + " of " +
                              std::to_string(limit));
}

// A vector of flags, as NumPy's bool or as bytes.
using Flags = nb::ndarray<nb::ro, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

inline void require_flags(const char* what, const Flags& given, std::size_t size) {
  if (given.dtype() != nb::dtype<bool>() && given.dtype() != nb::dtype<std::uint8_t>())
    throw nb::type_error((std::string(what) + " must be bool or uint8").c_str());
  if (given.size() != size)
    throw std::invalid_argument(std::string(what) + " must have " + std::to_string(size) +
                                " flags, got " + std::to_string(given.size()));
}

inline std::span<const std::uint8_t> flags(const Flags& given) {
  return {static_cast<const std::uint8_t*>(given.data()), given.size()};
}

// Checks that `starts` divides `size` entries among `rows` rows.
inline void require_starts(const char* what, const Vector<std::int64_t>& starts, std::size_t rows,
                           std::size_t size) {
  bool valid = starts.size() == rows + 1 && starts(0) == 0 &&
               starts(rows) == static_cast<std::int64_t>(size);
  for (std::size_t r = 0; valid && r < rows; ++r) valid = starts(r) <= starts(r + 1);
  if (!valid)
    throw std::invalid_argument(std::string(what) + " must rise from 0 to " + std::to_string(size) +
                                " in " + std::to_string(rows) + " steps");
}

inline palate::Sparse sparse(const Vector<std::int64_t>& starts,
                             const Vector<std::int32_t>& columns, const Vector<float>& values) {
  require(starts.size() > 0, "starts must have at least one entry");
  require_starts("starts", starts, starts.size() - 1, columns.size());
  require(columns.size() == values.size(), "columns and values must have the same length");
  return {view(starts), view(columns), view(values)};
}

// The bindings of the choice model; in choice_bindings.cpp.
void define_choice(nb::module_& m);
// The bindings of products and of lists; in list_bindings.cpp.
void define_lists(nb::module_& m);

// The bindings of products of histories with weights, and of the steps from scores to lists.
#include <limits>
#include <vector>

#include "arrays.hpp"
#include "palate/lists.hpp"
#include "palate/sparse_products.hpp"

namespace {

// The given table, after a check of its shape, or a new one.
NewMatrix<float> output(const NewMatrix<float>& given, std::size_t rows, std::size_t columns) {
  if (!given.is_valid()) return new_matrix<float>(rows, columns);
  require(given.shape(0) == rows && given.shape(1) == columns,
          "out must have the shape of the product");
  return given;
}

std::span<float> view_of(const NewMatrix<float>& table) { return {table.data(), table.size()}; }

NewMatrix<float> multiply(Vector<std::int64_t> starts, Vector<std::int32_t> columns,
                          Vector<float> values, Matrix<float> dense, int threads,
                          const palate::CancelToken* cancel, NewMatrix<float> given) {
  require_threads("multiply", threads);
  const palate::Sparse left = sparse(starts, columns, values);
  require_rows(columns, dense.shape(0), "columns");
  auto out = output(given, left.rows(), dense.shape(1));
  nb::gil_scoped_release release;
  palate::multiply(left, view(dense), dense.shape(1), threads, view_of(out), cancel);
  return out;
}

NewMatrix<float> multiply_sparse(Vector<std::int64_t> starts, Vector<std::int32_t> columns,
                                 Vector<float> values, Vector<std::int64_t> right_starts,
                                 Vector<std::int32_t> right_columns, Vector<float> right_values,
                                 std::size_t width, int threads, const palate::CancelToken* cancel,
                                 NewMatrix<float> given) {
  require_threads("multiply_sparse", threads);
  const palate::Sparse left = sparse(starts, columns, values);
  const palate::Sparse right = sparse(right_starts, right_columns, right_values);
  require_rows(columns, right.rows(), "columns");
  auto out = output(given, left.rows(), width);
  nb::gil_scoped_release release;
  palate::multiply(left, right, width, threads, view_of(out), cancel);
  return out;
}

nb::tuple best_items(Matrix<float> scores, Vector<std::int64_t> seen_starts,
                     Vector<std::int32_t> seen_items, Flags allowed, std::size_t n, int threads) {
  const std::size_t users = scores.shape(0), items = scores.shape(1);
  require_threads("best_items", threads);
  require_flags("best_items: allowed", allowed, items);
  require(n > 0 && n <= std::numeric_limits<std::int32_t>::max(),
          "best_items: n must be at least 1");
  require_starts("best_items: seen_starts", seen_starts, users, seen_items.size());
  require_rows(seen_items, items, "seen_items");
  auto rows = new_matrix<std::int32_t>(users, n);
  auto best = new_matrix<float>(users, n);
  {
    nb::gil_scoped_release release;
    palate::best_items(view(scores), {view(seen_starts), view(seen_items)}, flags(allowed), n,
                       threads, view(rows), view(best));
  }
  return nb::make_tuple(rows, best);
}

void weigh_by_logistic(Matrix<float> scores, NewMatrix<float> ratings, float slope, float shift,
                       float power, int threads) {
  require_threads("weigh_by_logistic", threads);
  require(scores.shape(0) == ratings.shape(0) && scores.shape(1) == ratings.shape(1),
          "weigh_by_logistic: scores and ratings must have the same shape");
  nb::gil_scoped_release release;
  palate::weigh_by_logistic(view(scores), slope, shift, power, threads, view_of(ratings));
}

NewMatrix<float> logit_totals(Matrix<float> scores, Vector<std::int64_t> seen_starts,
                              Vector<std::int32_t> seen_items, Flags ranked, float slope,
                              float offset, int threads) {
  const std::size_t users = scores.shape(0), items = scores.shape(1);
  require_threads("logit_totals", threads);
  require_flags("logit_totals: ranked", ranked, items);
  require_starts("logit_totals: seen_starts", seen_starts, users, seen_items.size());
  require_rows(seen_items, items, "seen_items");
  auto out = new_matrix<float>(users, 3);
  std::vector<palate::LogitTotals> totals(users);
  {
    nb::gil_scoped_release release;
    palate::logit_totals(view(scores), {view(seen_starts), view(seen_items)}, flags(ranked), slope,
                         offset, threads, totals);
  }
  for (std::size_t u = 0; u < users; ++u) {
    out(u, 0) = totals[u].scale;
    out(u, 1) = totals[u].highest;
    out(u, 2) = totals[u].total;
  }
  return out;
}

}  // namespace

void define_lists(nb::module_& m) {
  m.def("multiply", &multiply, "starts"_a.noconvert(), "columns"_a.noconvert(),
        "values"_a.noconvert(), "dense"_a.noconvert(), "threads"_a, "cancel"_a = nb::none(),
        "out"_a.noconvert().none() = nb::none(),
        nb::sig("def multiply(starts: NDArray[numpy.int64], columns: NDArray[numpy.int32], "
                "values: NDArray[numpy.float32], dense: NDArray[numpy.float32], threads: int, "
                "cancel: CancelToken | None = None, out: NDArray[numpy.float32] | None = None) -> "
                "NDArray[numpy.float32]"));
  m.def("multiply_sparse", &multiply_sparse, "starts"_a.noconvert(), "columns"_a.noconvert(),
        "values"_a.noconvert(), "right_starts"_a.noconvert(), "right_columns"_a.noconvert(),
        "right_values"_a.noconvert(), "width"_a, "threads"_a, "cancel"_a = nb::none(),
        "out"_a.noconvert().none() = nb::none(),
        nb::sig("def multiply_sparse(starts: NDArray[numpy.int64], columns: NDArray[numpy.int32], "
                "values: NDArray[numpy.float32], right_starts: NDArray[numpy.int64], "
                "right_columns: NDArray[numpy.int32], right_values: NDArray[numpy.float32], "
                "width: int, threads: int, cancel: CancelToken | None = None, "
                "out: NDArray[numpy.float32] | None = None) -> "
                "NDArray[numpy.float32]"));
  m.def("best_items", &best_items, "scores"_a.noconvert(), "seen_starts"_a.noconvert(),
        "seen_items"_a.noconvert(), "allowed"_a.noconvert(), "n"_a, "threads"_a,
        nb::sig("def best_items(scores: NDArray[numpy.float32], seen_starts: NDArray[numpy.int64], "
                "seen_items: NDArray[numpy.int32], allowed: NDArray[numpy.bool_] | "
                "NDArray[numpy.uint8], n: int, threads: int) -> "
                "tuple[NDArray[numpy.int32], NDArray[numpy.float32]]"));
  m.def("weigh_by_logistic", &weigh_by_logistic, "scores"_a.noconvert(), "ratings"_a.noconvert(),
        "slope"_a, "shift"_a, "power"_a, "threads"_a,
        nb::sig("def weigh_by_logistic(scores: NDArray[numpy.float32], "
                "ratings: NDArray[numpy.float32], slope: float, shift: float, power: float, "
                "threads: int) -> None"));
  m.def("logit_totals", &logit_totals, "scores"_a.noconvert(), "seen_starts"_a.noconvert(),
        "seen_items"_a.noconvert(), "ranked"_a.noconvert(), "slope"_a, "offset"_a, "threads"_a,
        nb::sig("def logit_totals(scores: NDArray[numpy.float32], "
                "seen_starts: NDArray[numpy.int64], seen_items: NDArray[numpy.int32], "
                "ranked: NDArray[numpy.bool_] | NDArray[numpy.uint8], slope: float, offset: float, "
                "threads: int) -> NDArray[numpy.float32]"));
}

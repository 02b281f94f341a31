// The bindings of the choice model.
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "palate/choice.hpp"

namespace {

// The histories by item and by user, and the weight of each user.
struct Histories {
  Vector<std::int64_t> item_starts;
  Vector<std::int32_t> users;
  Vector<float> item_values;
  Vector<std::int64_t> user_starts;
  Vector<std::int32_t> items;
  Vector<float> user_values;
  Vector<float> weight;

  palate::Sparse by_item() const { return sparse(item_starts, users, item_values); }
  palate::Sparse by_user() const { return sparse(user_starts, items, user_values); }
  void require_valid(std::size_t n_items) const {
    require(by_user().rows() == weight.size(), "there must be a weight for each user");
    require_rows(users, weight.size(), "user");
    require_rows(items, n_items, "item");
  }
};

NewMatrix<float> co_occurrences(Vector<std::int64_t> item_starts, Vector<std::int32_t> users,
                                Vector<float> item_values, Vector<std::int64_t> user_starts,
                                Vector<std::int32_t> items, Vector<float> user_values,
                                Vector<float> weight, int threads,
                                const palate::CancelToken* cancel, std::size_t width) {
  require_threads("co_occurrences", threads);
  const Histories histories{item_starts, users,       item_values, user_starts,
                            items,       user_values, weight};
  const std::size_t rows = histories.by_item().rows(), n = width ? width : rows;
  histories.require_valid(n);
  auto out = new_matrix<float>(rows, n);
  nb::gil_scoped_release release;
  palate::co_occurrences(histories.by_item(), histories.by_user(), view(weight), threads, view(out),
                         cancel);
  return out;
}

nb::tuple largest_co_occurrences(Vector<std::int64_t> item_starts, Vector<std::int32_t> users,
                                 Vector<float> item_values, Vector<std::int64_t> user_starts,
                                 Vector<std::int32_t> items, Vector<float> user_values,
                                 Vector<float> weight, Vector<float> scale, std::size_t most,
                                 int threads, const palate::CancelToken* cancel,
                                 std::size_t first) {
  require_threads("largest_co_occurrences", threads);
  const Histories histories{item_starts, users,       item_values, user_starts,
                            items,       user_values, weight};
  const std::size_t n = histories.by_item().rows();
  require(first <= scale.size() && n <= scale.size() - first,
          "largest_co_occurrences: there must be a scale for each item");
  histories.require_valid(scale.size());
  require(most > 0, "largest_co_occurrences: most must be at least 1");
  auto others = new_matrix<std::int32_t>(n, most);
  auto values = new_matrix<float>(n, most);
  auto counts = new_vector<std::int64_t>(n);
  {
    nb::gil_scoped_release release;
    palate::largest_co_occurrences(histories.by_item(), histories.by_user(), view(weight),
                                   view(scale), first, most, threads, view(others), view(values),
                                   view(counts), cancel);
  }
  return nb::make_tuple(others, values, counts);
}

// Histories with entries held out, and what a model gives for them.
struct HoldOut {
  Vector<std::int64_t> starts;
  Vector<std::int32_t> items;
  Vector<float> values, kept, weight, kept_weight;
  Matrix<float> full_product, kept_product;
  Vector<float> diagonal, popularity;

  std::size_t users() const { return weight.size(); }
  std::size_t n_items() const { return diagonal.size(); }
  void require_valid() const {
    require(sparse(starts, items, values).rows() == users() && kept_weight.size() == users(),
            "hold-out: there must be two weights for each user");
    require(kept.size() == values.size(), "hold-out: kept and values must have one length");
    for (const Matrix<float>* product : {&full_product, &kept_product})
      require(product->shape(0) == users() && product->shape(1) == n_items(),
              "hold-out: products must be users x items");
    require(popularity.size() == n_items(), "hold-out: items need a popularity each");
    require_rows(items, n_items(), "items");
  }
  palate::HeldOut held_out(std::span<const std::uint8_t> relevant) const {
    return {sparse(starts, items, values), view(kept), relevant, view(weight), view(kept_weight)};
  }
};

NewMatrix<double> held_out_ndcg(Vector<std::int64_t> starts, Vector<std::int32_t> items,
                                Vector<float> values, Vector<float> kept, Flags relevant,
                                Vector<float> weight, Vector<float> kept_weight,
                                Matrix<float> full_product, Matrix<float> kept_product,
                                Vector<float> diagonal, Vector<float> popularity,
                                Vector<float> exponents, Matrix<float> factor, std::size_t n,
                                int threads) {
  require_threads("held_out_ndcg", threads);
  const HoldOut given{starts,      items,        values,       kept,     weight,
                      kept_weight, full_product, kept_product, diagonal, popularity};
  given.require_valid();
  const std::size_t users = given.users();
  require_flags("held_out_ndcg: relevant", relevant, values.size());
  require(factor.size() == 0 || (factor.shape(0) == users && factor.shape(1) == given.n_items()),
          "held_out_ndcg: factor must be users x items, or empty");
  require(n > 0, "held_out_ndcg: n must be at least 1");
  auto out = new_matrix<double>(users, exponents.size());
  nb::gil_scoped_release release;
  palate::held_out_ndcg(given.held_out(flags(relevant)),
                        {view(full_product), view(kept_product), view(diagonal), view(factor)},
                        {view(popularity), view(exponents)}, n, threads, view(out));
  return out;
}

NewMatrix<float> held_out_scores(Vector<std::int64_t> starts, Vector<std::int32_t> items,
                                 Vector<float> values, Vector<float> kept, Vector<float> weight,
                                 Vector<float> kept_weight, Matrix<float> full_product,
                                 Matrix<float> kept_product, Vector<float> diagonal,
                                 Vector<float> popularity, float exponent, int threads) {
  require_threads("held_out_scores", threads);
  const HoldOut given{starts,      items,        values,       kept,     weight,
                      kept_weight, full_product, kept_product, diagonal, popularity};
  given.require_valid();
  auto out = new_matrix<float>(given.users(), given.n_items());
  nb::gil_scoped_release release;
  palate::held_out_scores(given.held_out({}),
                          {view(full_product), view(kept_product), view(diagonal)},
                          {view(popularity), {&exponent, 1}}, threads, view(out));
  return out;
}

void define_hold_out(nb::module_& m) {
  m.def("held_out_ndcg", &held_out_ndcg, "starts"_a.noconvert(), "items"_a.noconvert(),
        "values"_a.noconvert(), "kept"_a.noconvert(), "relevant"_a.noconvert(),
        "weight"_a.noconvert(), "kept_weight"_a.noconvert(), "full_product"_a.noconvert(),
        "kept_product"_a.noconvert(), "diagonal"_a.noconvert(), "popularity"_a.noconvert(),
        "exponents"_a.noconvert(), "factor"_a.noconvert(), "n"_a, "threads"_a,
        nb::sig("def held_out_ndcg(starts: NDArray[numpy.int64], items: NDArray[numpy.int32], "
                "values: NDArray[numpy.float32], kept: NDArray[numpy.float32], "
                "relevant: NDArray[numpy.bool_] | NDArray[numpy.uint8], "
                "weight: NDArray[numpy.float32], kept_weight: NDArray[numpy.float32], "
                "full_product: NDArray[numpy.float32], kept_product: NDArray[numpy.float32], "
                "diagonal: NDArray[numpy.float32], popularity: NDArray[numpy.float32], "
                "exponents: NDArray[numpy.float32], factor: NDArray[numpy.float32], n: int, "
                "threads: int) -> NDArray[numpy.float64]"));
  m.def("held_out_scores", &held_out_scores, "starts"_a.noconvert(), "items"_a.noconvert(),
        "values"_a.noconvert(), "kept"_a.noconvert(), "weight"_a.noconvert(),
        "kept_weight"_a.noconvert(), "full_product"_a.noconvert(), "kept_product"_a.noconvert(),
        "diagonal"_a.noconvert(), "popularity"_a.noconvert(), "exponent"_a, "threads"_a,
        nb::sig("def held_out_scores(starts: NDArray[numpy.int64], items: NDArray[numpy.int32], "
                "values: NDArray[numpy.float32], kept: NDArray[numpy.float32], "
                "weight: NDArray[numpy.float32], kept_weight: NDArray[numpy.float32], "
                "full_product: NDArray[numpy.float32], kept_product: NDArray[numpy.float32], "
                "diagonal: NDArray[numpy.float32], popularity: NDArray[numpy.float32], "
                "exponent: float, threads: int) -> NDArray[numpy.float32]"));
}

}  // namespace

void define_choice(nb::module_& m) {
  const char* histories =
      "item_starts: NDArray[numpy.int64], users: NDArray[numpy.int32], "
      "item_values: NDArray[numpy.float32], user_starts: NDArray[numpy.int64], "
      "items: NDArray[numpy.int32], user_values: NDArray[numpy.float32], "
      "weight: NDArray[numpy.float32], ";
  const std::string given = histories;
  m.def("co_occurrences", &co_occurrences, "item_starts"_a.noconvert(), "users"_a.noconvert(),
        "item_values"_a.noconvert(), "user_starts"_a.noconvert(), "items"_a.noconvert(),
        "user_values"_a.noconvert(), "weight"_a.noconvert(), "threads"_a, "cancel"_a = nb::none(),
        "width"_a = 0,
        nb::sig(("def co_occurrences(" + given +
                 "threads: int, cancel: CancelToken | None = None, width: int = 0) "
                 "-> NDArray[numpy.float32]")
                    .c_str()));
  m.def("largest_co_occurrences", &largest_co_occurrences, "item_starts"_a.noconvert(),
        "users"_a.noconvert(), "item_values"_a.noconvert(), "user_starts"_a.noconvert(),
        "items"_a.noconvert(), "user_values"_a.noconvert(), "weight"_a.noconvert(),
        "scale"_a.noconvert(), "most"_a, "threads"_a, "cancel"_a = nb::none(), "first"_a = 0,
        nb::sig(("def largest_co_occurrences(" + given +
                 "scale: NDArray[numpy.float32], most: int, threads: int, "
                 "cancel: CancelToken | None = None, first: int = 0) -> "
                 "tuple[NDArray[numpy.int32], NDArray[numpy.float32], NDArray[numpy.int64]]")
                    .c_str()));
  define_hold_out(m);
}

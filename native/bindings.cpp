// palate._native: the kernels for Python. Checks the arguments and releases the GIL; no arithmetic.
#include <nanobind/stl/array.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "arrays.hpp"
#include "palate/cancel.hpp"
#include "palate/csr.hpp"
#include "palate/dispatch.hpp"
#include "palate/gibbs.hpp"
#include "palate/one_cycle.hpp"
#include "palate/philox.hpp"
#include "palate/score.hpp"
#include "palate/side_posterior.hpp"
#include "palate/team.hpp"
#include "palate/top_n.hpp"

namespace {

NewVector<float> normals(std::uint64_t seed, std::uint64_t stream, std::size_t n,
                         std::uint64_t first) {
  require(first % 2 == 0, "normals: first must be even");
  auto out = new_vector<float>(n);
  nb::gil_scoped_release release;
  palate::normals(seed, stream, first, view(out));
  return out;
}

NewVector<std::int64_t> permutation(std::uint64_t seed, std::uint64_t stream, std::size_t n) {
  auto out = new_vector<std::int64_t>(n);
  nb::gil_scoped_release release;
  palate::permutation(seed, stream, view(out));
  return out;
}

nb::tuple group_by_row(Vector<std::int32_t> rows, std::size_t n_rows) {
  require_rows(rows, n_rows, "group_by_row");
  auto starts = new_vector<std::int64_t>(n_rows + 1);
  auto order = new_vector<std::int64_t>(rows.size());
  {
    nb::gil_scoped_release release;
    palate::group_by_row(view(rows), view(starts), view(order));
  }
  return nb::make_tuple(starts, order);
}

nb::tuple count_and_sum(Vector<std::int32_t> rows, Vector<float> values, std::size_t n_rows) {
  require(rows.size() == values.size(), "count_and_sum: rows and values must have one length");
  require_rows(rows, n_rows, "count_and_sum");
  auto counts = new_vector<std::int64_t>(n_rows);
  auto sums = new_vector<double>(n_rows);
  {
    nb::gil_scoped_release release;
    palate::count_and_sum(view(rows), view(values), view(counts), view(sums));
  }
  return nb::make_tuple(counts, sums);
}

NewVector<float> score_pairs(Matrix<float> users, Matrix<float> items, Vector<std::int32_t> user,
                             Vector<std::int32_t> item) {
  require(users.shape(1) == items.shape(1) && users.shape(1) > 0,
          "score_pairs: both tables must have the same number of columns");
  require(user.size() == item.size(), "score_pairs: user and item must have the same length");
  require_rows(user, users.shape(0), "user");
  require_rows(item, items.shape(0), "item");
  auto out = new_vector<float>(user.size());
  nb::gil_scoped_release release;
  palate::score_pairs(view(users), view(items), users.shape(1) - 1, view(user), view(item),
                      view(out));
  return out;
}

// Checks the arguments that sample_rows and infer_rows have in common.
void require_side(const char* function, const Vector<std::int64_t>& starts,
                  const Vector<std::int32_t>& partner, const Vector<float>& rating,
                  const Matrix<float>& partners, const Matrix<double>& precision,
                  const Matrix<float>& shift, const Vector<float>& weight) {
  const auto check = [&](bool condition, const char* message) {
    require(condition, (std::string(function) + message).c_str());
  };
  const std::size_t columns = partners.shape(1);
  check(columns > 1 && precision.shape(0) == columns && precision.shape(1) == columns &&
            shift.shape(1) == columns,
        ": precision and shift must have as many coordinates as partners has columns");
  check(shift.shape(0) == 1 || shift.shape(0) + 1 == starts.size(),
        ": shift must have one row, or one for each of the rows");
  check(weight.size() == 0 || weight.size() == rating.size(),
        ": weight must be empty or have an entry for each rating");
  check(starts.size() > 0 && starts(0) == 0 &&
            starts(starts.size() - 1) == static_cast<std::int64_t>(partner.size()) &&
            partner.size() == rating.size(),
        ": the lengths of starts, partner and rating do not match");
  require_rows(partner, partners.shape(0), "partner");
  for (std::size_t r = 0; r + 1 < starts.size(); ++r)
    check(starts(r) <= starts(r + 1), ": starts must not decrease");
}

nb::tuple sample_rows(Vector<std::int64_t> starts, Vector<std::int32_t> partner,
                      Vector<float> rating, Vector<float> weight, Vector<std::int32_t> order,
                      Matrix<float> partners, Matrix<double> precision, Matrix<float> shift,
                      Vector<float> spread, double alpha, double mu, std::uint64_t seed,
                      std::uint64_t stream, int threads, bool want_squares,
                      const palate::CancelToken* cancel, std::uint64_t first_row) {
  require_threads("sample_rows", threads);
  require_side("sample_rows", starts, partner, rating, partners, precision, shift, weight);
  const std::size_t columns = partners.shape(1), n_rows = order.size();
  require(starts.size() == n_rows + 1, "sample_rows: order must list every row once");
  require_rows(order, n_rows, "order");
  require(spread.size() == 0 || spread.size() == n_rows,
          "sample_rows: spread must be empty or have an entry for each row");
  auto rows = new_matrix<float>(n_rows, columns);
  auto squares = new_vector<double>(want_squares ? n_rows : 0);
  {
    nb::gil_scoped_release release;
    palate::sample_rows({view(starts), view(partner), view(rating), view(weight)},
                        {view(partners), columns}, {view(precision), view(shift)}, {alpha, mu},
                        view(spread), seed, stream, first_row, view(order), threads, view(rows),
                        view(squares), cancel);
  }
  return nb::make_tuple(rows, squares);
}

nb::tuple top_n(Matrix<float> users, Matrix<float> items, Vector<std::int64_t> seen_starts,
                Vector<std::int32_t> seen_items, Flags allowed, std::size_t n, int threads) {
  const std::size_t n_users = users.shape(0), n_items = items.shape(0);
  require_threads("top_n", threads);
  require(users.shape(1) == items.shape(1) && users.shape(1) > 0,
          "top_n: both tables must have the same number of columns");
  require_flags("top_n: allowed", allowed, n_items);
  require(n > 0 && n <= std::numeric_limits<std::int32_t>::max(), "top_n: n must be at least 1");
  require_starts("top_n: seen_starts", seen_starts, n_users, seen_items.size());
  require_rows(seen_items, n_items, "seen_items");
  auto rows = new_matrix<std::int32_t>(n_users, n);
  auto scores = new_matrix<float>(n_users, n);
  {
    nb::gil_scoped_release release;
    palate::top_n(view(users), view(items), users.shape(1), {view(seen_starts), view(seen_items)},
                  flags(allowed), n, threads, view(rows), view(scores));
  }
  return nb::make_tuple(rows, scores);
}

nb::tuple infer_rows(Vector<std::int64_t> starts, Vector<std::int32_t> partner,
                     Vector<float> rating, Vector<float> weight, Matrix<float> partners,
                     Matrix<float> covariance, Matrix<double> precision, Matrix<float> shift,
                     double alpha, double mu, int threads, bool want_covariances, bool want_squares,
                     const palate::CancelToken* cancel) {
  require_threads("infer_rows", threads);
  require_side("infer_rows", starts, partner, rating, partners, precision, shift, weight);
  const std::size_t columns = partners.shape(1), factors = columns - 1, n_rows = starts.size() - 1;
  const std::size_t width = covariance.shape(1);
  require(
      covariance.size() == 0 || (covariance.shape(0) == partners.shape(0) &&
                                 (width == factors || width == factors * factors)),
      "infer_rows: covariance must hold factors x factors or factors numbers a row, or be empty");
  auto means = new_matrix<float>(n_rows, columns);
  auto covariances = new_matrix<float>(want_covariances ? n_rows : 0, columns * columns);
  auto squares = new_matrix<double>(want_squares ? n_rows : 0, 2);
  {
    nb::gil_scoped_release release;
    palate::infer_rows({view(starts), view(partner), view(rating), view(weight)},
                       {view(partners), columns, view(covariance)}, {view(precision), view(shift)},
                       {alpha, mu}, threads, view(means), view(covariances), view(squares), cancel);
  }
  return nb::make_tuple(means, covariances, squares);
}

// For one caller at a time: a fit is a sequence of runs. Keeps the ratings alive.
class OneCycle {
 public:
  OneCycle(Vector<std::int32_t> user, Vector<std::int32_t> item, Vector<float> rating,
           Matrix<float> users, Matrix<float> items, Vector<double> lr, Vector<double> beta,
           double wd, double low, double high)
      : user_(user),
        item_(item),
        rating_(rating),
        columns_(users.shape(1)),
        solver_(make(user, item, rating, users, items, lr, beta, wd, low, high)) {}

  NewVector<double> run(Vector<std::int64_t> order, std::size_t batch, int threads) {
    require_threads("OneCycle.run", threads);
    require(batch > 0, "OneCycle.run: batch must be at least 1");
    const std::size_t steps = order.size() / batch;
    require(solver_.step() + static_cast<std::int64_t>(steps) <= solver_.steps(),
            "OneCycle.run: the schedule has no steps left");
    require_rows(order, rating_.size(), "order");
    auto losses = new_vector<double>(steps);
    nb::gil_scoped_release release;
    solver_.run(view(order), batch, threads, view(losses));
    return losses;
  }

  nb::tuple tables() const {
    auto users = new_matrix<float>(solver_.n_users(), columns_);
    auto items = new_matrix<float>(solver_.n_items(), columns_);
    {
      nb::gil_scoped_release release;
      solver_.write(view(users), view(items));
    }
    return nb::make_tuple(users, items);
  }

 private:
  static palate::OneCycle make(const Vector<std::int32_t>& user, const Vector<std::int32_t>& item,
                               const Vector<float>& rating, const Matrix<float>& users,
                               const Matrix<float>& items, const Vector<double>& lr,
                               const Vector<double>& beta, double wd, double low, double high) {
    require(user.size() == item.size() && user.size() == rating.size(),
            "OneCycle: user, item and rating must have the same length");
    require(users.shape(1) == items.shape(1) && users.shape(1) > 1,
            "OneCycle: both tables must have the same number of columns, at least 2");
    require_rows(user, users.shape(0), "user");
    require_rows(item, items.shape(0), "item");
    require(lr.size() == beta.size(), "OneCycle: lr and beta must have the same length");
    for (const double b : view(beta))
      require(b > 0 && b <= palate::kMaxBeta, "OneCycle: betas must be above 0 and at most 0.95");
    require(low < high, "OneCycle: low must be below high");
    return {{view(user), view(item), view(rating)},
            view(users),
            view(items),
            users.shape(1) - 1,
            view(lr),
            view(beta),
            wd,
            low,
            high};
  }

  Vector<std::int32_t> user_, item_;
  Vector<float> rating_;
  std::size_t columns_;
  palate::OneCycle solver_;
};

// For the tests: a team in which one member fails before a barrier, as a kernel does when memory
// runs out.
void throw_in_team(int members, int thrower) {
  nb::gil_scoped_release release;
  palate::run_team(members, [&](int member, palate::Barrier& barrier) {
    barrier.wait();
    if (member == thrower) throw std::runtime_error("member " + std::to_string(member));
    barrier.wait();
  });
}

void define_random_numbers(nb::module_& m) {
  m.def("philox", &palate::philox, "counter"_a, "key"_a);
  m.def("normals", &normals, "seed"_a, "stream"_a, "n"_a, "first"_a = 0);
  m.def("permutation", &permutation, "seed"_a, "stream"_a, "n"_a);
}

void define_scores(nb::module_& m) {
  m.def("score_pairs", &score_pairs, "users"_a.noconvert(), "items"_a.noconvert(),
        "user"_a.noconvert(), "item"_a.noconvert());
  m.def("top_n", &top_n, "users"_a.noconvert(), "items"_a.noconvert(), "seen_starts"_a.noconvert(),
        "seen_items"_a.noconvert(), "allowed"_a.noconvert(), "n"_a, "threads"_a,
        nb::sig("def top_n(users: NDArray[numpy.float32], items: NDArray[numpy.float32], "
                "seen_starts: NDArray[numpy.int64], seen_items: NDArray[numpy.int32], "
                "allowed: NDArray[numpy.bool_] | NDArray[numpy.uint8], n: int, "
                "threads: int) -> tuple[NDArray[numpy.int32], NDArray[numpy.float32]]"));
}

void define_posteriors(nb::module_& m) {
  m.def("group_by_row", &group_by_row, "rows"_a.noconvert(), "n_rows"_a,
        nb::sig("def group_by_row(rows: NDArray[numpy.int32], n_rows: int) -> "
                "tuple[NDArray[numpy.int64], NDArray[numpy.int64]]"));
  m.def("count_and_sum", &count_and_sum, "rows"_a.noconvert(), "values"_a.noconvert(), "n_rows"_a,
        nb::sig("def count_and_sum(rows: NDArray[numpy.int32], values: NDArray[numpy.float32], "
                "n_rows: int) -> tuple[NDArray[numpy.int64], NDArray[numpy.float64]]"));
  m.def("sample_rows", &sample_rows, "starts"_a.noconvert(), "partner"_a.noconvert(),
        "rating"_a.noconvert(), "weight"_a.noconvert(), "order"_a.noconvert(),
        "partners"_a.noconvert(), "precision"_a.noconvert(), "shift"_a.noconvert(),
        "spread"_a.noconvert(), "alpha"_a, "mu"_a, "seed"_a, "stream"_a, "threads"_a,
        "want_squares"_a = true, "cancel"_a = nb::none(), "first_row"_a = 0,
        nb::sig("def sample_rows(starts: NDArray[numpy.int64], partner: NDArray[numpy.int32], "
                "rating: NDArray[numpy.float32], weight: NDArray[numpy.float32], "
                "order: NDArray[numpy.int32], "
                "partners: NDArray[numpy.float32], precision: NDArray[numpy.float64], "
                "shift: NDArray[numpy.float32], spread: NDArray[numpy.float32], alpha: float, "
                "mu: float, seed: int, "
                "stream: int, threads: int, want_squares: bool = True, "
                "cancel: CancelToken | None = None, first_row: int = 0) -> "
                "tuple[NDArray[numpy.float32], NDArray[numpy.float64]]"));
  m.def("infer_rows", &infer_rows, "starts"_a.noconvert(), "partner"_a.noconvert(),
        "rating"_a.noconvert(), "weight"_a.noconvert(), "partners"_a.noconvert(),
        "covariance"_a.noconvert(), "precision"_a.noconvert(), "shift"_a.noconvert(), "alpha"_a,
        "mu"_a, "threads"_a, "want_covariances"_a, "want_squares"_a, "cancel"_a = nb::none(),
        nb::sig("def infer_rows(starts: NDArray[numpy.int64], partner: NDArray[numpy.int32], "
                "rating: NDArray[numpy.float32], weight: NDArray[numpy.float32], "
                "partners: NDArray[numpy.float32], covariance: NDArray[numpy.float32], "
                "precision: NDArray[numpy.float64], shift: NDArray[numpy.float32], "
                "alpha: float, mu: float, threads: int, want_covariances: bool, "
                "want_squares: bool, cancel: CancelToken | None = None) -> "
                "tuple[NDArray[numpy.float32], NDArray[numpy.float32], NDArray[numpy.float64]]"));
}

// A watch that ends with a `with` block.
class InterruptWatch {
 public:
  InterruptWatch& enter() {
    watch_.emplace();
    return *this;
  }
  void exit() { watch_.reset(); }

 private:
  std::optional<palate::InterruptWatch> watch_;
};

void define_cancellation(nb::module_& m) {
  nb::exception<palate::Cancelled>(m, "Cancelled");
  nb::class_<palate::CancelToken>(m, "CancelToken")
      .def(nb::init<>())
      .def("cancel", &palate::CancelToken::cancel)
      .def_prop_ro("cancelled", &palate::CancelToken::cancelled);
  nb::class_<InterruptWatch>(m, "InterruptWatch")
      .def(nb::init<>())
      .def("__enter__", &InterruptWatch::enter, nb::rv_policy::reference)
      .def(
          "__exit__", [](InterruptWatch& watch, nb::args) { watch.exit(); },
          nb::sig("def __exit__(self, *exception: object) -> None"));
}

void define_one_cycle(nb::module_& m) {
  nb::class_<OneCycle>(m, "OneCycle")
      .def(nb::init<Vector<std::int32_t>, Vector<std::int32_t>, Vector<float>, Matrix<float>,
                    Matrix<float>, Vector<double>, Vector<double>, double, double, double>(),
           "user"_a.noconvert(), "item"_a.noconvert(), "rating"_a.noconvert(),
           "users"_a.noconvert(), "items"_a.noconvert(), "lr"_a.noconvert(), "beta"_a.noconvert(),
           "wd"_a, "low"_a, "high"_a)
      .def("run", &OneCycle::run, "order"_a.noconvert(), "batch"_a, "threads"_a)
      .def("tables", &OneCycle::tables,
           nb::sig("def tables(self) -> tuple[NDArray[numpy.float32], NDArray[numpy.float32]]"));
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "Palate's kernels; see native/include/palate for what they compute.";
  // An invalid PALATE_SIMD is reported here, as an ImportError.
  const palate::Simd level = palate::simd_level();
  m.def("simd_level", [level] { return palate::name(level); });
  m.def("simd_levels", &palate::simd_levels);
  m.def("_throw_in_team", &throw_in_team, "members"_a, "thrower"_a);
  define_random_numbers(m);
  define_scores(m);
  define_cancellation(m);
  define_posteriors(m);
  define_one_cycle(m);
  define_choice(m);
  define_lists(m);
}

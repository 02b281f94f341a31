// The choice model: co-occurrences of items in histories, and the virtual hold-out. See
// solvers/choice for the model.
//
// All results are the same bits at any number of threads: every row of an output is computed by one
// thread, in the order of its entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "palate/cancel.hpp"
#include "palate/sparse_products.hpp"

namespace palate {

// The co-occurrences G = X' W X, where X has a row for each user and W is diagonal: by_item is X',
// by_user is X and `weight` the diagonal of W. `out` is row-major, items x items. Sums are taken in
// double precision. Of only some items in by_item, the same rows of G are computed.
void co_occurrences(const Sparse& by_item, const Sparse& by_user, std::span<const float> weight,
                    int threads, std::span<float> out, const CancelToken* cancel = nullptr);

// The largest co-occurrences of each item with others. Row i lists at most `most` other items, in
// ascending order, with the largest scale_i G_ij scale_j (of equal ones the lower items), from
// items[i * most], and counts[i] their number. by_item may have only some of the items, from number
// `first` on; `scale` is that of all.
void largest_co_occurrences(const Sparse& by_item, const Sparse& by_user,
                            std::span<const float> weight, std::span<const float> scale,
                            std::size_t first, std::size_t most, int threads,
                            std::span<std::int32_t> items, std::span<float> values,
                            std::span<std::int64_t> counts, const CancelToken* cancel = nullptr);

// Histories of users with some entries held out.
struct HeldOut {
  // X with all entries, and, for each of them, its value once the held-out ones are gone (0 for
  // these).
  Sparse full;
  std::span<const float> kept;
  // Whether an entry is held out and relevant.
  std::span<const std::uint8_t> relevant;
  // The users' weights, with all entries and with the kept ones only.
  std::span<const float> weight, kept_weight;
};

// What a model with P = (X'WX + ridge)^-1 gives for these users.
struct Precision {
  std::span<const float> full;         // X P, users x items
  std::span<const float> kept;         // the same of the kept values
  std::span<const float> diagonal;     // of P
  std::span<const float> factor = {};  // of each score, users x items; all 1 if empty
};

// The discounts of popular items to try: an item's score is multiplied by popularity^-exponent.
struct Discounts {
  std::span<const float> popularity;  // the diagonal of X'WX
  std::span<const float> exponents;
};

// The nDCG at n of each user's held-out relevant entries, for each exponent, in the model that was
// fitted without the held-out entries of this user (but with the same ridge): exponents.size()
// numbers for each user.
//
// With row x of weight w replaced by y of weight v, P is replaced by P - A M A', where A = [Px, Py]
// and M = (diag(-1/w, 1/v) + [x, y]' A)^-1 (the Woodbury identity: Golub and Van Loan, "Matrix
// computations", 2013, section 2.1.4). All items are ranked except for the kept ones and those that
// nobody else has.
void held_out_ndcg(const HeldOut& users, const Precision& precision, const Discounts& discounts,
                   std::size_t n, int threads, std::span<double> out);

// The scores behind held_out_ndcg with the first of the discounts, users x items; minus infinity
// for items that are not ranked.
void held_out_scores(const HeldOut& users, const Precision& precision, const Discounts& discounts,
                     int threads, std::span<float> out);

}  // namespace palate

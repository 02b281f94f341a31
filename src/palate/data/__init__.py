"""Sources of ratings, the `Ratings` they become, and splits of them."""

from palate.data import splits as splits

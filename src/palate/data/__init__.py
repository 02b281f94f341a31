"""Floor 1: where ratings come from, what they are, and how to split them."""

from palate.data import splits as splits

"""Sentences that several sections begin with when a model lacks something."""

NO_USERS = "This model was saved without its users and their ratings"
PICKS_ONLY = (
    "This model knows what people pick, not how they like it: this page has no expected ratings, "
    "biases, axes of taste or map, and does not compare how often items are picked with how they "
    "are liked. All of this needs a table of ratings."
)
NO_ITEM_COLUMNS = "Only the ids and titles of the items are known"

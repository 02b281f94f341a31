"""Sentences that several sections begin with when a model lacks something."""

NO_USERS = "This model was saved without its users and their ratings"
NO_ITEM_COLUMNS = "Only the ids and titles of the items are known"

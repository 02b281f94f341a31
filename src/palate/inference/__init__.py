"""Floor 2: what follows for a person from the items that were learned, and how surely."""

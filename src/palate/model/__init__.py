"""Floor 2: what a fit leaves behind: the model, its users, and their form on disk."""

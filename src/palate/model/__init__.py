"""The public facades: `Model`, `Profile` and `Profiles`, which delegate to the floors below."""

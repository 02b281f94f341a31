"""Floor 2: what a model says, in words of the people who rate; `Model` and `Profile` offer it."""

"""The readings of a model: biases, axes, neighbours, explanations, portraits, questions, lists."""

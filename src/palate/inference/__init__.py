"""Inference: the posteriors of users given their ratings, and the variance of predictions."""

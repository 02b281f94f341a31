"""Inference of users: from ratings and items to posteriors, and the variance of predictions."""

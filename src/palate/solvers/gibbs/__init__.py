"""The Bayesian solver: block Gibbs sampling."""

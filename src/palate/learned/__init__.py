"""What a fit leaves: parameters, likelihoods, the tables behind a model, and its file format."""

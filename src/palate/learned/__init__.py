"""What a fit leaves: the parameters, the data behind a model, id look-up and the file format."""

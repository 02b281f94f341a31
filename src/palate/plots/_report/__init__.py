"""The report: all that a model has learned, on one HTML page (`page.*` are its template)."""

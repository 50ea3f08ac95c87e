"""Training data: one module per data set, and what they share."""

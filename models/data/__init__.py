"""Where training data comes from: one module for each data set, and what they share."""

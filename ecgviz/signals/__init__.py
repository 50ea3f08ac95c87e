"""Signal processing: R peaks, RR intervals, ectopic families, quality, intervals, display filters."""

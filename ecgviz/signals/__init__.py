"""From samples to beats and rates: R peaks, RR intervals, rhythm families, quality, display filters."""

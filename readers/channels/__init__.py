"""Channel selection after reading: which channels are an ECG, their names, units and time."""

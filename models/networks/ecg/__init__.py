"""Networks for ECG signals, one module for each family."""

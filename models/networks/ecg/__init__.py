"""ECG networks, one module per family."""

"""Image networks, one module per family."""

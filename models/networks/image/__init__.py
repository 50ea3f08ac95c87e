"""Networks for pictures, one module a family."""

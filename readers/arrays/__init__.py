"""Builds a Recording from arrays, for the formats that hold little more: NumPy, MATLAB, JSON, tables."""

"""From arrays to a Recording, shared by the formats that hold little more than numbers: NumPy, MATLAB, JSON, tables."""

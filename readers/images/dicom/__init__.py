"""DICOM pictures: single slices, series in the order in which they lie in the object, and their codecs."""

"""DICOM pictures: single slices, series in spatial order, and their codecs."""

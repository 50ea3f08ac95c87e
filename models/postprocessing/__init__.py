"""Postprocessing of beat probabilities over a whole recording: shapes and prior, rhythm episodes, reviewed beats."""

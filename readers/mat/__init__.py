"""MATLAB files: of the CinC challenges, LabChart, AcqKnowledge, and others with named arrays."""

"""MATLAB files: those of the CinC challenges, of LabChart and AcqKnowledge, and any other with named arrays."""

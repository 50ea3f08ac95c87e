"""Volumes: planes, slabs and measures, the winding unrolled (unroll.py), and verdicts over them (overlay.py)."""

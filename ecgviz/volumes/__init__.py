"""Volumes: planes, slabs and measures, the unrolled winding (unroll.py), and verdicts as overlays (overlay.py)."""

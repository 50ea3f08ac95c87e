"""Simulated CT of battery cells with and without defects: see `docs/battery_ct_sim.md`.

No open labelled set of battery CT exists. So cells are drawn (`anatomy`, `cells`, `materials`) or taken from real
healthy slices (`backgrounds`), damaged (`defects`, `deformation`), scanned (`scanner`) and written (`generate`).
What comes out is called simulated everywhere.
"""

from models.data.battery_ct_sim.defects import DEFECTS
from models.data.battery_ct_sim.generate import generate, generate_set, make_picture, simulated_stack

__all__ = ["DEFECTS", "generate", "generate_set", "make_picture", "simulated_stack"]

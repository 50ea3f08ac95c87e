"""Parameter ranges of the simulator: one set for training and validation, another for the test.

The test's ranges differ on purpose: other sizes of defects, other scanners, other windings. A network that learned the
simulator's habits instead of defects loses there. Lengths are in the unit that each name ends in; `_pitch` counts
windings, `_core` radii of the core, `_px` pixels of a picture 384 wide, `_deg` degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """Uniform ranges; a pair of pairs is a union of two ranges of equal weight."""

    # Anatomy of drawn cells
    core_share: Range = (0.14, 0.30)
    pitch_share: Range = (0.024, 0.07)
    wall_share: Range = (0.018, 0.042)
    stack_sheets: Range = (9, 22)
    # Harmless differences, put into good and bad cells
    crescent_pitch: Range = (0.3, 0.9)
    crescent_half_deg: Range = (45, 110)
    bow_pitch: Range = (0.0, 0.45)
    # Defects; what is smaller than the least number of pixels is enlarged to it, so that it can be seen
    gap_pitch: Range = (1.9, 3.2)
    gap_half_deg: Range = (26, 60)
    fold_core: Range = (0.38, 0.8)
    fold_half_deg: Range = (17, 36)
    fold_windings: Range = (2.0, 7.0)
    particle_px: Range = (6.0, 13.0)
    void_px: Range = (8.0, 18.0)
    dent_share: Range = (0.05, 0.13)
    dent_half_deg: Range = (11, 26)
    overhang_factor: Range = (1.9, 3.4)
    # Scanner
    photons: Range = (4e4, 3e5)
    hardening: Range = (0.004, 0.022)
    ring: Range = (0.0004, 0.0035)
    blur_px: Range = (0.45, 0.95)
    grain: Range = (0.002, 0.010)
    gamma: Range = (0.85, 1.2)


TRAIN = Ranges()
TEST = Ranges(
    core_share=(0.16, 0.34),
    pitch_share=(0.03, 0.085),
    wall_share=(0.022, 0.05),
    stack_sheets=(12, 26),
    crescent_pitch=(0.3, 0.95),
    crescent_half_deg=(60, 120),
    bow_pitch=(0.1, 0.55),
    gap_pitch=(2.1, 4.0),
    gap_half_deg=(36, 75),
    fold_core=(0.45, 0.9),
    fold_half_deg=(22, 44),
    fold_windings=(3.0, 9.0),
    particle_px=(7.0, 16.0),
    void_px=(10.0, 22.0),
    dent_share=(0.06, 0.16),
    dent_half_deg=(14, 32),
    overhang_factor=(2.2, 4.0),
    photons=(3e4, 4e5),
    hardening=(0.008, 0.028),
    ring=(0.0002, 0.0045),
    blur_px=(0.4, 1.1),
    grain=(0.0015, 0.012),
    gamma=(0.8, 1.25),
)
PARTS = {"train": TRAIN, "validation": TRAIN, "test": TEST}

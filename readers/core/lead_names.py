"""Lead names of resting ECGs in the order of files, networks and sheets."""

from __future__ import annotations

TWELVE_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The standard ECG: six limb leads, then six chest leads."""
EIGHT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""Those that are measured; the other four limb leads follow from I and II."""

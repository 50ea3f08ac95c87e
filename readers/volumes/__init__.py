"""Volumes of CT: voxels on three axes, a module a format; open_volume is in opening.py."""

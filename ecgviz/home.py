"""The writable folder of the app, from :mod:`models.core.home`."""

from __future__ import annotations

from models.core.home import home_folder

__all__ = ["home_folder"]

"""The one folder that the app writes to; it lives in :mod:`models.core.home`, because jobs write there too."""

from __future__ import annotations

from models.core.home import home_folder

__all__ = ["home_folder"]

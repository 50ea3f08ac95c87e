"""The writable folder of the app: uploads, downloads, cached results, jobs and their runs.

It holds personal data. So it has one place, which a person can move, look into and delete.
"""

from __future__ import annotations

import os
from pathlib import Path


def home_folder() -> Path:
    """The folder in ``ECGVIZ_HOME``, by default ``.ecgviz`` in the user's home.

    It is not created here; who writes into it creates it with mode 0700.
    """
    return Path(os.environ.get("ECGVIZ_HOME") or Path.home() / ".ecgviz").expanduser().absolute()

"""``python -m ecgviz app``: starts the dashboard, from a checkout or an installed wheel."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from ecgviz.errors import ConfigError


def app_script() -> Path:
    """Path of ``app.py``: inside the package of a wheel, beside it in a checkout.

    Its settings (``.streamlit/config.toml``: local host only, no statistics) lie in the same folder, where Streamlit
    reads them last and so from any current folder.

    Raises:
        ConfigError: it is in neither place.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_app", package.parent):
        if (folder / "app.py").is_file():
            return folder / "app.py"
    raise ConfigError("app", "app.py is missing; install the package again, or start from a complete checkout")


def start_app(options: argparse.Namespace) -> int:
    """Run the Streamlit server until it ends, with ``options.streamlit`` for ``streamlit run``; returns its status."""
    command = [sys.executable, "-m", "streamlit", "run", str(app_script()), *options.streamlit]
    return subprocess.run(command, check=False).returncode

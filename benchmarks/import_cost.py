"""What the public names of `models` and `import ecgviz` cost beside what no page can do without.

    python -m benchmarks.import_cost [--repeats N]

Each import is made in an interpreter of its own, in turns with `import torch, streamlit, plotly`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.timing import ratio

ROOT = Path(__file__).resolve().parent.parent
PEER = "import torch, streamlit, plotly"


def run(code: str) -> None:
    """Run ``code`` in a fresh interpreter at the repository root."""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def main() -> None:
    """Print one ratio for each package of the project; `import models` alone loads next to nothing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="turns to time (default 7)")
    repeats = parser.parse_args().repeats
    for code in ("from models import *", "import ecgviz"):
        print(f"{code} / {PEER}: {ratio(lambda code=code: run(code), lambda: run(PEER), repeats)}")


if __name__ == "__main__":
    main()

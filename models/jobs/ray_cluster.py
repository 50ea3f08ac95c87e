"""Connection to a Ray cluster: token, runtime environment, error messages."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_SENT = {"readers", "models", "ecgviz"}
_NOT_SENT = ("/models/_checkpoints", "/ecgviz/_app")  # of an installed wheel: what is needed of them goes with the work
logger = logging.getLogger(__name__)


def use_token() -> None:
    """Make Ray send its token; call before Ray is imported.

    With the mode unset, a cluster that wants a token looks as if it had crashed. Ray writes the file readable for all;
    it is as good as a password.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        if path.is_file() and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        logger.warning("%s cannot be made private: %s", path, error.strerror)


def authentication_fault(error: Exception) -> str:
    """Remedy for an authentication error of Ray; empty for other errors."""
    if "uthenticat" not in f"{type(error).__name__} {error}":
        return ""
    first = next(iter(str(error).splitlines()), type(error).__name__).partition(". ")[0].strip()
    return (
        f"authentication with the Ray cluster failed ({first}); put its token into the file that RAY_AUTH_TOKEN_PATH "
        "names (by default ~/.ray/auth_token), or set RAY_AUTH_MODE=disabled for a cluster without tokens"
    )


def program() -> dict[str, Any]:
    """Runtime environment with the program's packages only, without data beside them."""
    return {
        "working_dir": str(_ROOT),
        "excludes": [*_NOT_SENT, *(f"/{path.name}" for path in _ROOT.iterdir() if path.name not in _SENT)],
    }

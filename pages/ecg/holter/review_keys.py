"""Edit keys sent by the paper: none is lost however fast they are pressed, and none edits a beat that was not shown.

The paper (`pages/ecg/holter/canvas`) handles the keys, shows their effect at once, and sends every press that the
server has not acknowledged, so a press during a rerun comes with the next one. Each press carries its target (the beats
chosen on the paper, a family, or a position) and the revision of the review on the screen. After a click or key that
moves the view by the server, a press has no target: it applies to wherever the move leads. The page therefore handles
presses after all other callbacks.
"""

from __future__ import annotations

from dataclasses import dataclass

from pages.ecg.holter.canvas.component import state_of
from pages.ecg.holter.keys import scope
from pages.ecg.holter.review_memory import memory

LETTERS = ("n", "s", "v", "f", "q")
KEYS = (*LETTERS, "x", "d", "y", "a", "w", "g", "escape", "undo", "redo")
PAPER = scope("paper")


@dataclass(frozen=True)
class Press:
    """One press.

    Attributes:
        number: grows from press to press.
        key: one of ``KEYS``.
        seen: its target, "beats 77 370", "family 77" or "at 1200" (a sample); None after a move not yet completed.
        revision: revision of the review on the screen; None if the browser does not report it.
    """

    number: float
    key: str
    seen: str | None
    revision: int | None = None


def new_presses() -> list[Press]:
    """The presses that were sent and not yet handled, in order."""
    done, sent = memory().done, state_of(PAPER, "pressed")
    found = [
        Press(one["n"], one["key"], _text(one.get("seen")), _revision(one.get("revision")))
        for one in (sent if isinstance(sent, list) else [])
        if isinstance(one, dict) and isinstance(one.get("n"), int | float) and one.get("key") in KEYS
    ]
    return sorted((one for one in found if one.number > done), key=lambda press: press.number)


def _text(seen: object) -> str | None:
    return seen if isinstance(seen, str) else None


def _revision(told: object) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) else None

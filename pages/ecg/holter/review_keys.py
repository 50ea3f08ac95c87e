"""Keys that edit, as the paper sends them: none is lost however quickly they follow each other, and none hits a beat
that was not seen.

The paper (`pages/ecg/holter/canvas`) takes the keys, shows at once what they do, and sends all that the server has not
told it to have heard of, so that a press during a rerun comes with the next one. With each goes what it is for: the
beats that were chosen on the paper, a family, or a place; and the revision of the review that was on the screen. After
a click or a key that moves the view by the server there is none: such a press is for whatever that leads to, so the
page acts on presses after the callbacks of all else.
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
        seen: what it is for, "beats 77 370", "family 77" or "at 1200" (a sample); None after a move that is on its way.
        revision: of the review that was on the screen, None where the browser does not say.
    """

    number: float
    key: str
    seen: str | None
    revision: int | None = None


def new_presses() -> list[Press]:
    """The presses that were sent and not yet acted on, in their order."""
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

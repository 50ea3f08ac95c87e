"""State of a review in a session, one object changed in place.

Streamlit may end a run of the page at any access to ``st.session_state`` when a rerun is requested. Between writing a
decision and recording that it was written there must be no such access: a key would be lost, or entered twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from ecgviz.review import ReviewKey
from pages.ecg.holter.keys import scope

_MEMORY = scope("review_memory")


@dataclass
class ReviewMemory:
    """Of one session.

    Attributes:
        key, revision: the review last seen by this session, and its revision.
        done: number of the last key press that was handled.
        acting: number of the press being handled, 0 for none.
        visited: beats that the queue has shown, by review.
        own: revisions that this session wrote, by review.
    """

    key: ReviewKey | None = None
    revision: int = 0
    done: float = 0.0
    acting: float = 0.0
    visited: dict[ReviewKey, list[int]] = field(default_factory=dict)
    own: dict[ReviewKey, set[int]] = field(default_factory=dict)

    def written(self, key: ReviewKey, revision: int) -> None:
        """A decision of this session is in the log."""
        self.key, self.revision = key, revision
        self.own.setdefault(key, set()).add(revision)
        self.acted()

    def wrote_all(self, key: ReviewKey, seen: int, now: int) -> bool:
        """Whether this session wrote all revisions after ``seen`` up to ``now``."""
        return set(range(seen + 1, now + 1)) <= self.own.get(key, set())

    def acted(self) -> None:
        """Mark the current press as handled."""
        self.done = max(self.done, self.acting)


def memory() -> ReviewMemory:
    """The one of the session that runs."""
    found: ReviewMemory = st.session_state.setdefault(_MEMORY, ReviewMemory())
    return found

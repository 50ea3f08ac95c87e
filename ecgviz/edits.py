"""What people decided of each beat, beside the arrays of :class:`ecgviz.results.Beats`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np


class How(IntEnum):
    """Who says what a beat is; the words of the export."""

    NETWORK = 0
    ACCEPTED = 1
    CONFIRMED = 2
    RELABELLED = 3
    ADDED = 4
    DELETED = 5
    REJECTED = 6
    ADAPTED = 7


@dataclass(frozen=True)
class Edits:
    """One value a beat, and what is there no more.

    Attributes:
        number: what a decision calls the beat: the sample at which the network found it, or minus the revision that
            added it; int64 (n,).
        letter: column of the class that a person gave or confirmed, or that the network says after it was adapted,
            int8 (n,); -1 where its own answer holds.
        how: :class:`How` it came about, int8 (n,).
        before: column of the class that the network says, in the rhythms that it says, int8 (n,); -1 of added beats.
        moved: whether its R peak was moved, bool (n,).
        together: whether it was decided as one of several, bool (n,): a family at once, not the beat by itself.
        adapted_prob: probability of an adapted label, float32 (n,), NaN of all others; None without any.
        gone_s: where beats were deleted or rejected, seconds from the start, float64 (k,), ascending.
        gone_how: which of the two, int8 (k,).
    """

    number: np.ndarray
    letter: np.ndarray
    how: np.ndarray
    before: np.ndarray
    moved: np.ndarray
    together: np.ndarray
    adapted_prob: np.ndarray | None = None
    gone_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    gone_how: np.ndarray = field(default_factory=lambda: np.empty(0, np.int8))

    def take(self, index: slice | np.ndarray) -> Edits:
        """Those of some beats, and all that are gone."""
        prob = None if self.adapted_prob is None else self.adapted_prob[index]
        arrays = (self.number, self.letter, self.how, self.before, self.moved, self.together)
        return Edits(*(one[index] for one in arrays), prob, self.gone_s, self.gone_how)

    @property
    def added(self) -> np.ndarray:
        """Beats that the network did not find, bool (n,)."""
        return self.number < 0

    @property
    def decided(self) -> np.ndarray:
        """Beats whose class a person gave, confirmed or accepted, bool (n,)."""
        return self.given & (self.how != How.ADAPTED)

    @property
    def given(self) -> np.ndarray:
        """Beats whose class is ``letter``, by a person or by what the network learnt from one, bool (n,)."""
        return self.letter >= 0

    @property
    def singly(self) -> np.ndarray:
        """Beats that a person decided by themselves, bool (n,)."""
        return self.decided & ~self.together

    @property
    def changed(self) -> np.ndarray:
        """Beats that are other than the network says, or elsewhere, bool (n,): drawn with a ring."""
        return (self.how == How.RELABELLED) | (self.how == How.ADAPTED) | self.added | self.moved

    @property
    def words(self) -> np.ndarray:
        """Nothing where nobody decided, else accepted, confirmed, relabelled, added or adapted, "moved" behind it where
        it was; str (n,)."""
        names = np.array(["", *(how.name.lower() for how in How if how)])
        decided = np.where(self.added, How.ADDED.name.lower(), names[self.how])
        return np.where(self.moved, np.char.strip(np.char.add(decided, " moved")), decided)

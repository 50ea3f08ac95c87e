"""Ectopic beats in a row and in turn: couplets, triplets, runs, tachycardias, bigeminy and trigeminy.

Definitions are those of reports of ambulatory monitoring (ISHNE-HRS: Steinberg JS et al. Heart Rhythm 14:e55-e96
(2017); ANSI/AAMI EC38:2007): two in a row are a couplet, three or more a run, and a run of 100/min or more is a
tachycardia (VT of V, SVT of S). A run of three is also told as a triplet. A gap ends everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecgviz.results import Beats
from ecgviz.signals.rr import Family, ectopic_families

TACHYCARDIA_RATE = 100.0
"""1/min; slower ventricular runs are idioventricular rhythms."""
KINDS = ("couplet", "triplet", "run", "tachycardia", "bigeminy", "trigeminy")


@dataclass(frozen=True)
class Ectopy:
    """The ectopic beats of one class.

    Attributes:
        label: "S" or "V".
        count: beats.
        isolated: beats with no other of the class beside them.
        couplets: two in a row.
        triplets: the runs of three.
        runs: three and more in a row.
        tachycardias: the runs of 100/min and more.
        bigeminy, trigeminy: every second, every third beat is one, three times at least.
    """

    label: str
    count: int
    isolated: int
    couplets: tuple[Family, ...]
    triplets: tuple[Family, ...]
    runs: tuple[Family, ...]
    tachycardias: tuple[Family, ...]
    bigeminy: tuple[Family, ...]
    trigeminy: tuple[Family, ...]

    @property
    def fastest(self) -> Family | None:
        """The fastest run."""
        return max(self.runs, key=lambda one: one.rate, default=None)

    @property
    def longest(self) -> Family | None:
        """The run of most beats, the first of them."""
        return max(self.runs, key=lambda one: one.n_beats, default=None)

    def of_kind(self, kind: str) -> tuple[Family, ...]:
        """Those of a kind by its name, see ``KINDS``."""
        return {
            "couplet": self.couplets,
            "triplet": self.triplets,
            "run": self.runs,
            "tachycardia": self.tachycardias,
            "bigeminy": self.bigeminy,
            "trigeminy": self.trigeminy,
        }[kind]


def is_assessed(beats: Beats, name: str) -> bool:
    """Whether a count of this class means something: the network learnt it, or a person gave it."""
    return name in beats.classes and (name not in beats.unlearnt or bool((beats.label == name).any()))


def ectopy_of(beats: Beats, labels: Sequence[str] = ("V", "S")) -> dict[str, Ectopy]:
    """The ectopic beats of each class that the beats' ``classes`` have; a class that they lack, or that the network was
    trained without (unless a person found some), was not assessed."""
    label = beats.label
    known = [name for name in labels if name in beats.classes and is_assessed(beats, name)]
    families = ectopic_families(beats.time_s, label, known, gaps=beats.gaps)
    found = {}
    for name in known:
        own = [one for one in families if one.label == name]
        couplets, runs, bigeminy, trigeminy = (
            tuple(one for one in own if one.kind == kind) for kind in ("couplet", "run", "bigeminy", "trigeminy")
        )
        count = int((label == name).sum())
        found[name] = Ectopy(
            label=name,
            count=count,
            isolated=count - sum(one.n_beats for one in (*couplets, *runs)),
            couplets=couplets,
            triplets=tuple(one for one in runs if one.n_beats == 3),
            runs=runs,
            tachycardias=tuple(one for one in runs if one.rate >= TACHYCARDIA_RATE),
            bigeminy=bigeminy,
            trigeminy=trigeminy,
        )
    return found

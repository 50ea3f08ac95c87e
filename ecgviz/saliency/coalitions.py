"""What reasons by parts have in common: the values of coalitions of parts, and what follows from them."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from scipy.special import expit

from ecgviz.saliency.shapley import Kept


class Contributing(Protocol):
    """A part with its name and its contribution in log odds."""

    @property
    def name(self) -> str: ...

    @property
    def contribution(self) -> float: ...


PartT = TypeVar("PartT", bound=Contributing)


class CoalitionReasons(Generic[PartT]):
    """Base of the frozen results; ``log_odds`` is the sum of all contributions, ``context`` and ``base``.

    Attributes:
        parts: with their contributions.
        base: log odds of the target for what takes the place of the parts, alone.
        coalition_values: log odds of the target for sets of parts that are the input's own.
    """

    parts: tuple[PartT, ...]
    base: float
    coalition_values: dict[Kept, float]

    @property
    def log_odds(self) -> float:
        """Of the target, with all parts as they are."""
        return self.coalition_values[self.kept_without()]

    @property
    def prob(self) -> float:
        """The same as a probability."""
        return float(expit(self.log_odds))

    @property
    def context(self) -> float:
        """Log odds that are left where all parts are exchanged, above the base."""
        return self.coalition_values[(False,) * len(self.parts)] - self.base

    @property
    def strongest(self) -> tuple[PartT, ...]:
        """Parts by what they bring, the most first."""
        return tuple(sorted(self.parts, key=lambda part: -part.contribution))

    @property
    def replaced_prob(self) -> float:
        """Probability of the target with all parts exchanged."""
        return float(expit(self.coalition_values[(False,) * len(self.parts)]))

    @property
    def top_two_replaced_prob(self) -> float:
        """Probability of the target with the two strongest parts exchanged."""
        return self.prob_without(*(part.name for part in self.strongest[:2]))

    def prob_without(self, *names: str) -> float:
        """Probability of the target with some parts exchanged, of a set that was asked for."""
        return float(expit(self.without(*names)))

    def without(self, *names: str) -> float:
        """Log odds of the target with some parts exchanged, of a set that was asked for."""
        return self.coalition_values[self.kept_without(*names)]

    def kept_without(self, *names: str) -> Kept:
        """The set of all parts but those named."""
        return tuple(part.name not in names for part in self.parts)

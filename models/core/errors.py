"""The exception hierarchy of the project.

    EcgvizError
     +- ReadError(file, fault)        a file that cannot be read, or reads as nonsense
     +- CheckpointError(name, fault)  a checkpoint that is missing, damaged or of another kind
     +- ConfigError(field, why)       a setting that cannot work
     +- TrainingError                 a training that cannot go on, such as one whose loss is no number any more
     +- StoppedError                  a training that ended because it was asked to
     +- JobError                      a training job that cannot do what was asked
     +- ReviewError                   a decision about a beat that cannot be made, or a log that cannot be kept
         +- StaleReviewError          a decision made on a view that somebody else has changed meanwhile

Each message is one sentence or two for the person in front of the screen: it names the file or the
field, says what is wrong and what to do about it. A page shows it as it stands, the command line
prints it on stderr and ends with status 2.
"""

from __future__ import annotations

from readers.core.errors import EcgvizError, ReadError

__all__ = [
    "CheckpointError",
    "ConfigError",
    "EcgvizError",
    "JobError",
    "ReadError",
    "ReviewError",
    "StaleReviewError",
    "StoppedError",
    "TrainingError",
]


class CheckpointError(EcgvizError):
    """A checkpoint is missing, damaged, or unsuitable for the task."""

    def __init__(self, name: str, fault: str):
        self.name = name
        self.fault = fault
        super().__init__(f"Checkpoint {name}: {fault}")


class ConfigError(EcgvizError):
    """An invalid setting.

    Attributes:
        field: dotted name of the setting, such as ``task.segment_seconds``.
        why: what is wrong with its value and which values would do.
    """

    def __init__(self, field: str, why: str):
        self.field = field
        self.why = why
        super().__init__(f"{field}: {why}")


class TrainingError(EcgvizError):
    """A training cannot continue; the message says what to change."""


class StoppedError(EcgvizError):
    """A training was stopped on request; it can be resumed from its last full checkpoint."""


class JobError(EcgvizError):
    """A training job cannot do what was requested."""


class ReviewError(EcgvizError):
    """A decision about a beat or a rhythm that cannot be made, or a log of them that cannot be read or written."""


class StaleReviewError(ReviewError):
    """A decision made on a view that somebody else, or another tab, has changed meanwhile; nothing was written.

    Attributes:
        seen: revision that the person saw.
        now: revision of the log.
    """

    def __init__(self, seen: int, now: int):
        self.seen = seen
        self.now = now
        super().__init__(
            f"the review has changed meanwhile (revision {now}, you saw {seen}); "
            "look at it as it is now and decide again"
        )

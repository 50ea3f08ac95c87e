"""A task that leaves out what every task must say cannot be made."""

from __future__ import annotations

import pytest

from models.tasks.base import Task
from models.tasks.beat import BeatTaskBase


@pytest.mark.parametrize(("base", "missing"), [(Task, "classes|describe|in_channel"), (BeatTaskBase, "batches|length")])
def test_a_task_says_all_that_every_task_must(base: type[Task], missing: str) -> None:
    class Half(base):  # type: ignore[misc, valid-type]
        pass

    with pytest.raises(TypeError, match=missing):
        Half()

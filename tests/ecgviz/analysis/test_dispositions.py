"""What counts for a slice, a part and a batch: one function of the network's verdict and the log."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.analysis.dispositions import (
    VERDICTS,
    Decisions,
    Override,
    final_batch,
    final_slice,
    final_verdict,
    final_verdicts,
    slice_verdict,
    worst,
)
from ecgviz.analysis.inspect import StackRule
from ecgviz.analysis.overrides import override, override_all, read_overrides, standing, undo
from ecgviz.errors import ConfigError
from ecgviz.results import Verdict
from models.evaluation.operating_point import OperatingPoint

words = st.sampled_from(VERDICTS)
scores = st.floats(0, 1, width=32)


def part(number: int = 0, slices: tuple[float, ...] = (0.1, 0.9, 0.2), **changes) -> Verdict:
    """A stack that the network judged by its highest slice at 0.5, with a grey zone below."""
    point = OperatingPoint(threshold=0.5, grey_zone=(0.3, 0.5))
    score = max(slices)
    found = Verdict(
        file=f"/data/part_{number}.tif", slice_index=slices.index(score), sha256=f"{number}".zfill(64),
        verdict=point.decide(score, changes.get("in_distribution")), score=score, threshold=0.5, grey_zone=(0.3, 0.5),
        operating_point_version="1", checkpoint="ct", checkpoint_sha256="b" * 64, distance=None, in_distribution=None,
        seconds=0.0, slice_scores=slices,
    )  # fmt: skip
    return replace(found, **changes)


def line(verdict: Verdict, new: str, scope: str = "part", *, undone: bool = False, who: str = "Ana") -> Override:
    return Override(
        time="2026-01-01", file=verdict.file, file_sha256=verdict.sha256, slice_index=verdict.slice_index,
        checkpoint=verdict.checkpoint, checkpoint_sha256=verdict.checkpoint_sha256, operating_point_version="1",
        threshold=0.5, score=None, old="", new=new, reason="seen", who=who, scope=scope, undone=undone,
    )  # fmt: skip


@given(st.lists(scores, min_size=1, max_size=5), st.lists(st.one_of(words, st.none()), max_size=8))
def test_the_last_decision_that_was_not_undone_counts_and_none_is_the_networks(slices, entered):
    verdict, log, stack = part(slices=tuple(slices)), [], []
    for new in entered:  # None undoes
        log.append(line(verdict, new or "normal", undone=new is None))
        stack = stack[:-1] if new is None else [*stack, new]
    final = final_verdict(verdict, Decisions(log))
    assert final.verdict == (stack[-1] if stack else verdict.verdict)
    assert final.network == verdict, "the network's verdict is never changed"
    assert final.decided == bool(stack)


@given(st.lists(scores, min_size=1, max_size=5), st.data())
def test_slices_that_people_decided_count_as_they_said_and_the_others_as_the_network(slices, data):
    verdict = part(slices=tuple(slices))
    decided = data.draw(st.dictionaries(st.integers(0, len(slices) - 1), words))
    log = Decisions([line(slice_verdict(verdict, index), new, "slice") for index, new in decided.items()])
    single = [final_slice(verdict, index, log).verdict for index in range(len(slices))]
    assert [single[index] for index in decided] == list(decided.values())
    assert final_verdict(verdict, log).verdict == worst(single), "the part is as grave as its gravest slice"


def test_a_slice_decision_leaves_what_nobody_can_vouch_for_to_review():
    strange = part(in_distribution=False)
    log = Decisions([line(slice_verdict(strange, 1), "normal", "slice")])
    assert final_verdict(strange, log).verdict == "review"
    every = Decisions([line(slice_verdict(strange, index), "normal", "slice") for index in range(3)])
    assert final_verdict(strange, every).verdict == "normal", "each of its slices was seen by a person"
    partly = part(slices=(0.1, 0.9, 0.2), error="1 of 4 slices could not be read")
    assert final_verdict(partly, Decisions([line(slice_verdict(partly, 1), "normal", "slice")])).verdict == "review"


def test_the_rule_of_the_stack_holds_for_the_slices_that_are_left():
    verdict = part(slices=(0.9, 0.6, 0.1))
    log = [line(slice_verdict(verdict, 0), "normal", "slice")]
    assert final_verdict(verdict, Decisions(log, StackRule(1))).verdict == "defect"
    assert final_verdict(verdict, Decisions(log, StackRule(2))).verdict == "review", "the mean of 0.6 and 0.1"


def test_slice_part_and_batch_are_decided_apart():
    verdicts = [part(0), part(1, (0.1, 0.2))]
    none = Decisions()
    batch = final_batch("lot", final_verdicts(verdicts, none), none)
    assert (batch.verdict, batch.decided) == ("defect", False)
    log = [line(slice_verdict(verdicts[0], 1), "defect", "slice"), line(verdicts[0], "normal"),
           line(batch.network, "review", "batch")]  # fmt: skip
    decisions = Decisions(log)
    finals = final_verdicts(verdicts, decisions)
    assert [one.verdict for one in finals] == ["normal", "normal"], "the part's own decision, over its slice's"
    assert final_slice(verdicts[0], 1, decisions).decision is not None
    assert final_batch("lot", finals, decisions).verdict == "review"
    assert final_batch("lot", finals, Decisions(log[:2])).verdict == "normal", "else as grave as its parts"
    assert final_batch("other name", finals[::-1], decisions).decided, "the same files are the same batch"
    assert not final_batch("lot", finals[:1], decisions).decided, "other files are another batch"


def test_a_decision_about_one_network_binds_no_other():
    verdict = part()
    other = replace(verdict, checkpoint_sha256="c" * 64)
    assert not final_verdict(other, Decisions([line(verdict, "normal")])).decided


def test_what_could_not_be_read_is_said_until_somebody_decides():
    unread = part(score=math.nan, verdict="review", error="damaged")
    assert final_verdict(unread, Decisions()).kind == "not read"
    assert final_verdict(unread, Decisions([line(unread, "defect")])).kind == "defect"


def test_the_log_takes_slices_batches_confirmations_and_undoing(tmp_path):
    log, verdict = tmp_path / "log.jsonl", part()
    override(slice_verdict(verdict, 1), "normal", reason="lid", who="A", scope="slice", path=log)
    assert final_verdict(verdict, standing(log)).verdict == "normal"
    second = override(verdict, "normal", reason="looked", who="B", confirm=True, path=log)
    assert second.old == second.new == "normal", "what held was the slices' word"
    both = override_all([verdict, part(1)], "review", reason="again", who="C", path=log)
    assert [one.old for one in both] == ["normal", "defect"]
    undo(verdict, who="C", path=log)
    assert final_verdict(verdict, standing(log)).decided_by == "B"
    with pytest.raises(ConfigError, match="nothing to undo"):
        undo(part(7), who="C", path=log)
    with pytest.raises(ConfigError):
        override_all([part(2), part(3, sha256="")], "normal", reason="again", who="C", path=log)
    assert len(read_overrides(log)) == 5, "all or none"


def test_lines_of_earlier_versions_are_about_parts(tmp_path):
    log, verdict = tmp_path / "log.jsonl", part()
    old = asdict(line(verdict, "normal"))
    log.write_text(json.dumps({name: value for name, value in old.items() if name not in {"scope", "undone"}}) + "\n")
    assert final_verdict(verdict, standing(log)).verdict == "normal"


def test_a_word_that_is_no_verdict_goes_to_review():
    verdict = part()
    assert final_verdict(verdict, Decisions([line(verdict, "passed")])).verdict == "review"

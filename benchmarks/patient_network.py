"""The network adapted to each recording by some of its beats: before and after, on the beats that nobody decided.

    python -m benchmarks.patient_network --data FOLDER/mitdb

A person who knows the truth decides beats of each record, as events of a review: they confirm what is right, relabel
what is wrong, and delete what is no beat. Which beats, in two ways:

first   all of the first five minutes, as ANSI/AAMI EC57 allows it; the rest of the record is scored
queue   200 beats, twenty at a time, each time those whose class would teach most; all others are scored

The adapted answers count where the review applies them: where they are better on held-out decided beats. ``always``
would apply them each time. ``labelled`` is the whole record with the person's labels and the network's answer for all
other beats, ``whole`` the same with the adapted answer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgviz.analysis import analyse_beats
from ecgviz.results import Beats
from ecgviz.review import ReviewState, editing, review_state
from ecgviz.review.events import Event, stamped
from ecgviz.review.patient import adapt_event, adapt_to_decided, view_of
from ecgviz.review.state import places_of
from ecgviz.review.waves import beat_waves
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from models.core.errors import ReviewError
from models.data import mitdb
from models.data.mitdb import BeatRecord
from models.evaluation.beats import LEFT_OUT, choose_records
from models.metrics.beats import confusion, match_beats, scores, summarise
from models.metrics.resampling import metric_text
from models.postprocessing.patient_beats import Adaptation, BeatView, ask_next, learn

FIRST_S, AT_ONCE = 300.0, 20
EXTRA = MISSED = -1
STAGES = ("before", "after", "always", "labelled", "whole")
SHOWN = ("S_se", "S_ppv", "V_se", "V_ppv", "macro_f1")


@dataclass(frozen=True)
class Case:
    """A record with the network's answer.

    Attributes:
        record: with the reference. beats: the network's answer. view: what the adaptation sees.
        truth: class index of each of ``beats``, EXTRA where there is no beat, int64 (n,).
        missed: reference beats that were not found, their indices.
    """

    record: BeatRecord
    beats: Beats
    view: BeatView
    truth: np.ndarray
    missed: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """Confusions of one record, by stage; what was decided, how the check came out, and how long adapting took."""

    counts: dict[str, np.ndarray]
    decided: int
    adaptation: Adaptation | None
    seconds: float


def case_of(data: Path, name: str, checkpoint, positions: str) -> Case:
    """A record of the folder, analysed."""
    record, recording = mitdb.load_record(data, name), mitdb.open_record(data, name)
    beats = analyse_beats(recording, checkpoint, positions=positions)
    to_beat, to_reference = match_beats(record.sample / record.fs, beats.time_s)
    truth = np.where(to_reference >= 0, record.label[to_reference], EXTRA)
    return Case(record, beats, view_of(beats, beat_waves(recording, beats)), truth, np.flatnonzero(to_beat < 0))


def decided_first(case: Case) -> np.ndarray:
    """All beats of the first five minutes, indices."""
    return np.flatnonzero(case.beats.time_s < FIRST_S)


def decided_by_queue(case: Case, count: int) -> np.ndarray:
    """So many beats, asked for a few at a time after what the ones before have taught, indices ascending."""
    asked, prob = np.zeros(len(case.beats), bool), np.exp(case.view.log_prob)
    while asked.sum() < min(count, len(asked)):
        asked[ask_next(case.view, prob, asked, min(AT_ONCE, count - int(asked.sum())))] = True
        known = np.flatnonzero(asked & (case.truth != EXTRA))
        prob = learn(case.view, known, case.truth[known])
    return np.flatnonzero(asked)


def decisions(case: Case, chosen: np.ndarray) -> list[Event]:
    """What a person who knows the truth does with the chosen beats, as events of a log."""
    events: list[Event] = []
    predicted = case.beats.class_index

    def enter(indices: np.ndarray, make) -> None:
        if len(indices):
            state = review_state(case.beats, events)
            places = places_of(state.beats.edits.number, case.beats.sample[indices])
            events.append(stamped(make(state, places), len(events) + 1, "reader", "", ""))

    right = case.truth[chosen] == predicted[chosen]
    enter(chosen[right], editing.confirm)
    for truth in np.unique(case.truth[chosen[~right]]).tolist():
        some = chosen[~right & (case.truth[chosen] == truth)]
        letter = case.beats.classes[truth] if truth != EXTRA else ""
        enter(
            some,
            editing.delete if truth == EXTRA else lambda state, places, to=letter: editing.relabel(state, places, to),
        )
    return events


def outcome(case: Case, chosen: np.ndarray, from_s: float) -> Outcome:
    """Adapt a record by the chosen beats and count on the others, those from ``from_s`` on."""
    events = decisions(case, chosen)
    state, started = review_state(case.beats, events), time.perf_counter()
    before = case.beats.class_index
    after = always = before
    found = None
    with contextlib.suppress(ReviewError):  # too few beats: the network's answer holds
        found = adapt_to_decided(state, case.beats, case.view)
    seconds = time.perf_counter() - started
    if found is not None:
        own = case.view.log_prob.argmax(axis=1)
        adapted = found.prob.argmax(axis=1)
        always = np.where(adapted != own, adapted, before)
        event = adapt_event(state, case.beats, case.view, found)
        if event is not None:
            events.append(stamped(event, len(events) + 1, "reader", "", ""))
            after = predicted_of(review_state(case.beats, events), case, before)
    rest = np.setdiff1d(np.flatnonzero(case.beats.time_s >= from_s), chosen)
    all_but_deleted = np.setdiff1d(np.arange(len(before)), chosen[case.truth[chosen] == EXTRA])
    counts = {
        "before": counted(case, before, rest, from_s),
        "after": counted(case, after, rest, from_s),
        "always": counted(case, always, rest, from_s),
        "labelled": counted(case, corrected(case, before, chosen), all_but_deleted, 0.0),
        "whole": counted(case, corrected(case, after, chosen), all_but_deleted, 0.0),
    }
    return Outcome(counts, len(chosen), found, seconds)


def corrected(case: Case, predicted: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The predicted classes with those of the chosen beats put right."""
    found = predicted.copy()
    found[chosen] = case.truth[chosen]
    return found


def predicted_of(state: ReviewState, case: Case, before: np.ndarray) -> np.ndarray:
    """Class index of each of the network's beats in a review; of deleted ones, as before."""
    place = places_of(state.beats.edits.number, case.beats.sample)
    return np.where(place >= 0, state.beats.class_index[place], before)


def counted(case: Case, predicted: np.ndarray, rows: np.ndarray, from_s: float) -> np.ndarray:
    """Confusion of some of the network's beats, and of the reference's that were not found from ``from_s`` on."""
    n = len(case.beats.classes)
    missed = case.missed[case.record.sample[case.missed] / case.record.fs >= from_s]
    return confusion(case.truth[rows], predicted[rows], n) + confusion(
        case.record.label[missed], np.full(len(missed), MISSED), n
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of annotated WFDB records")
    parser.add_argument("--split", default="test", help="all, train, validation, ds1 or test (DS2)")
    parser.add_argument("--records", nargs="*", default=(), help="these records instead of a split")
    parser.add_argument("--checkpoint", default=DEFAULT_BEAT_CHECKPOINT)
    parser.add_argument("--positions", default="reference", choices=("reference", "detected"))
    parser.add_argument("--labels", type=int, default=200, help="beats that the queue asks for in each record")
    parser.add_argument("--json", type=Path, help="write all of it here")
    options = parser.parse_args(arguments)
    checkpoint = load_checkpoint(options.checkpoint)
    names = choose_records(options.data, options.split, options.records)
    ways: dict[str, dict[str, Outcome]] = {"first": {}, "queue": {}}
    for name in names:
        case = case_of(options.data, name, checkpoint, options.positions)
        ways["first"][name] = outcome(case, decided_first(case), FIRST_S)
        ways["queue"][name] = outcome(case, decided_by_queue(case, options.labels), 0.0)
        for way, found in ways.items():
            say(way, name, found[name])
    classes = checkpoint.card.classes
    document = {way: {stage: pools(found, stage, classes) for stage in STAGES} for way, found in ways.items()}
    for way, stages in document.items():
        for stage, pooled in stages.items():
            for title, pool in pooled.items():
                metrics = "  ".join(f"{metric} {metric_text(pool['scores'][metric])}" for metric in SHOWN)
                sys.stdout.write(f"{way} {stage}, {title}: {metrics}\n")
        low, high = gain(ways[way], classes)
        slowest = max(found.seconds for found in ways[way].values())
        sys.stdout.write(f"{way}: macro-F1 after less before, 95% {low:+.3f} to {high:+.3f}; slowest {slowest:.2f} s\n")
    if options.json is not None:
        options.json.write_text(json.dumps(document) + "\n", encoding="utf-8")
    return 0


def say(way: str, name: str, found: Outcome) -> None:
    """One record as a line."""
    wrong = {stage: int(counts.sum() - np.trace(counts[:-1, :-1])) for stage, counts in found.counts.items()}
    made = found.adaptation
    check = "too few" if made is None else f"righted {made.righted}, spoilt {made.spoilt}"
    applied = "applied" if made is not None and made.better else "not applied"
    sys.stdout.write(
        f"{way} {name}: decided {found.decided}, {check}, {applied}; wrong of the others {wrong['before']} -> "
        f"{wrong['after']} (always {wrong['always']}), {found.seconds:.2f} s\n"
    )
    sys.stdout.flush()


def pools(found: dict[str, Outcome], stage: str, classes: tuple[str, ...]) -> dict[str, dict]:
    """Pooled scores of a stage, of all records and without those that weigh too much."""
    counts = {name: one.counts[stage] for name, one in found.items()}
    result = {"all": summarise(counts, classes)}
    for left_out in LEFT_OUT:
        rest = {name: one for name, one in counts.items() if name not in left_out}
        if rest and len(rest) < len(counts):
            result[f"without {' '.join(left_out)}"] = summarise(rest, classes)
    return result


def gain(found: dict[str, Outcome], classes: tuple[str, ...], draws: int = 1000) -> tuple[float, float]:
    """95% interval of macro-F1 after less before, from drawing records again, the same ones for both."""
    stacked = {stage: np.stack([one.counts[stage] for one in found.values()]) for stage in ("before", "after")}
    generator, n, differences = np.random.default_rng(0), len(found), []
    for _ in range(draws):
        drawn = generator.integers(0, n, n)
        after, before = (
            scores(stacked[stage][drawn].sum(axis=0), classes)["macro_f1"] for stage in ("after", "before")
        )
        differences.append(after - before)
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    sys.exit(main())

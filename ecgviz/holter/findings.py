"""What a Holter report tells first, and which strips it shows, by stated rules.

The rules are those for which laboratories call the physician at once (ISHNE-HRS: Steinberg JS et al. Heart Rhythm
14:e55-e96 (2017), table on urgent notification; limits of rate and length differ between laboratories). They select,
they do not diagnose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecgviz.holter.numbers import HolterNumbers
from ecgviz.results import Beats
from ecgviz.signals.rr import Family
from models.core.words import counted
from models.postprocessing.rhythm_episodes import AF_CLASSES

PAUSE_S = 3.0
SLOWEST, FASTEST_SVT = 40.0, 150.0
"""1/min: mean over eight beats below, and a supraventricular tachycardia above, are urgent."""
LONG_S = 30.0
"""A tachycardia of this length is sustained; AF of this length is clinical AF (Hindricks G et al. Eur Heart J
42:373-498 (2021))."""
V_SHARE = 0.10
"""From a tenth of all beats on, ventricular ectopy may weaken the heart (Baman TS et al. Heart Rhythm 7:865-869
(2010))."""


@dataclass(frozen=True)
class Finding:
    """Something to be told first.

    Attributes:
        kind: "vt", "pause", "af", "bradycardia", "svt" or "v_share".
        words: one sentence.
        time_s: where to look; NaN where it is about the whole recording.
        beat: number of the beat there, -1 likewise.
    """

    kind: str
    words: str
    time_s: float
    beat: int


@dataclass(frozen=True)
class ChosenStrip:
    """A strip of a report.

    Attributes:
        title: what it shows.
        start_s, end_s: what must be seen of it, seconds from the start of the recording.
        beat: number of its first beat, -1 where it is about none.
        by_hand: chosen by a person.
    """

    title: str
    start_s: float
    end_s: float
    beat: int
    by_hand: bool = False


def urgent_findings(numbers: HolterNumbers, beats: Beats) -> tuple[Finding, ...]:
    """What a report tells first, the gravest first; empty where no rule applies."""
    found = []
    for letter, name, tachycardias in (
        ("V", "ventricular tachycardia", _tachycardias(numbers, "V")),
        ("S", "supraventricular tachycardia", _urgent_svt(numbers)),
    ):
        if tachycardias:
            fastest = max(tachycardias, key=lambda one: one.rate)
            longest_run = max(tachycardias, key=lambda one: one.end_s - one.start_s)
            sustained = " (sustained)" if longest_run.end_s - longest_run.start_s >= LONG_S else ""
            found.append(
                Finding(
                    "vt" if letter == "V" else "svt",
                    f"{_capital(name)}{sustained}: {counted(len(tachycardias), 'run')}; fastest {fastest.rate:.0f}/min "
                    f"({counted(fastest.n_beats, 'beat')}), longest {counted(longest_run.n_beats, 'beat')} in "
                    f"{longest_run.end_s - longest_run.start_s:.1f} s.",
                    fastest.start_s,
                    fastest.first,
                )
            )
    pauses = [one for one in numbers.pauses if one.rr_s >= PAUSE_S - 1e-6 and not one.doubt]
    if pauses:
        longest_pause = max(pauses, key=lambda one: one.rr_s)
        words = f"{counted(len(pauses), 'pause')} of {PAUSE_S:g} s or more; longest {longest_pause.rr_s:.2f} s."
        found.append(Finding("pause", _capital(words), longest_pause.time_s, longest_pause.beat))
    slowest = numbers.rates.minimum
    if slowest.value < SLOWEST:
        words = f"Slow heart rate: {slowest.value:.0f}/min at the lowest (mean over eight beats)."
        found.append(Finding("bradycardia", words, slowest.time_s, slowest.beat))
    if numbers.af is not None and numbers.af.clinical:
        longest = max((one for one in beats.rhythms if one.label in AF_CLASSES), key=lambda one: one.duration_s)
        words = (
            f"Atrial fibrillation or flutter: {numbers.af.burden:.1%} of the time, "
            f"{counted(numbers.af.episodes, 'episode')}, the longest {numbers.af.longest_s / 60:.0f} min."
        )
        found.append(Finding("af", words, longest.start_s, int(np.searchsorted(beats.time_s, longest.start_s))))
    if numbers.share("V") >= V_SHARE:
        words = f"Frequent ventricular ectopic beats: {numbers.counts['V']:,}, {numbers.share('V'):.1%} of all beats."
        found.append(Finding("v_share", words, float("nan"), -1))
    order = ("vt", "pause", "bradycardia", "svt", "af", "v_share")
    return tuple(sorted(found, key=lambda one: order.index(one.kind)))


def choose_strips(numbers: HolterNumbers, beats: Beats, by_hand_s: Sequence[float] = ()) -> tuple[ChosenStrip, ...]:
    """The strips of a report: chosen ones, then by rule, each stretch once with all that it shows in its title.

    Args:
        numbers: of the recording.
        beats: what they were made of.
        by_hand_s: times that a person chose.
    """
    wanted = [
        ChosenStrip("Chosen by hand", time_s, time_s, int(np.searchsorted(beats.time_s, time_s)), by_hand=True)
        for time_s in sorted(by_hand_s)
    ]
    for letter, name, short in (("V", "ventricular", "VT"), ("S", "supraventricular", "SVT")):
        ectopy = numbers.ectopy.get(letter)
        if ectopy is None:
            continue
        for word, run in (("Fastest", ectopy.fastest), ("Longest", ectopy.longest)):
            if run is not None:
                kind = short if run in ectopy.tachycardias else f"{name} run"
                sure = float(beats.confidence[run.first : run.last + 1].mean())
                words = (
                    f"{word} {kind}: {counted(run.n_beats, 'beat')}, {run.rate:.0f}/min (mean probability {sure:.2f})"
                )
                wanted.append(_of_run(words, run))
    pauses = [one for one in numbers.pauses if not one.doubt]
    if pauses:
        longest = max(pauses, key=lambda one: one.rr_s)
        title = f"Longest pause: {longest.rr_s:.2f} s"
        wanted.append(ChosenStrip(title, longest.time_s, longest.time_s + longest.rr_s, longest.beat))
    wanted += _of_rhythms(beats)
    for word, moment in (("Slowest", numbers.rates.minimum), ("Fastest", numbers.rates.maximum)):
        if moment.beat >= 0:
            title = f"{word} heart rate: {moment.value:.0f}/min"
            wanted.append(ChosenStrip(title, moment.time_s - 2, moment.time_s + 2, moment.beat))
    for letter, name in (("V", "ventricular"), ("S", "supraventricular")):
        ectopy = numbers.ectopy.get(letter)
        if ectopy is not None and ectopy.couplets:
            wanted.append(_of_run(f"{_capital(name)} couplet", ectopy.couplets[0]))
        if ectopy is not None and ectopy.bigeminy:
            first = ectopy.bigeminy[0]
            wanted.append(
                _of_run(f"{_capital(name)} bigeminy", replace(first, end_s=min(first.end_s, first.start_s + 5)))
            )
        wanted += _most_certain(beats, letter, f"Most certain {name} ectopic beat")
    wanted += _most_certain(beats, "N", "Most certain normal beat")
    return _once(wanted)


def _tachycardias(numbers: HolterNumbers, letter: str) -> tuple[Family, ...]:
    ectopy = numbers.ectopy.get(letter)
    return ectopy.tachycardias if ectopy is not None else ()


def _urgent_svt(numbers: HolterNumbers) -> tuple[Family, ...]:
    every = _tachycardias(numbers, "S")
    return tuple(one for one in every if one.rate >= FASTEST_SVT or one.end_s - one.start_s >= LONG_S)


def _of_run(title: str, run: Family) -> ChosenStrip:
    return ChosenStrip(title, run.start_s, run.end_s, run.first)


def _of_rhythms(beats: Beats) -> list[ChosenStrip]:
    """Where atrial fibrillation or flutter begins for the first time, or that the recording begins in it."""
    first = next((one for one in beats.rhythms if one.label in AF_CLASSES), None)
    if first is None:
        return []
    beat = int(np.searchsorted(beats.time_s, first.start_s))
    word = "atrial fibrillation" if first.label == "AFIB" else "atrial flutter"
    return [ChosenStrip(f"First {word}", first.start_s - 1.5, first.start_s + 3.5, beat)]


def _most_certain(beats: Beats, letter: str, title: str) -> list[ChosenStrip]:
    found = np.flatnonzero(beats.label == letter)
    if not len(found):
        return []
    confidence = beats.confidence[found]
    beat = int(found[confidence.argmax()])
    at = float(beats.time_s[beat])
    return [ChosenStrip(f"{title}: {confidence.max():.2f}", at, at, beat)]


def _once(wanted: Sequence[ChosenStrip]) -> tuple[ChosenStrip, ...]:
    """Strips about the same stretch as one, with both titles."""
    kept: list[ChosenStrip] = []
    for one in wanted:
        same = next(
            (i for i, other in enumerate(kept) if other.start_s == one.start_s and other.end_s >= one.end_s), None
        )
        if same is None:
            kept.append(one)
        else:
            kept[same] = replace(kept[same], title=f"{kept[same].title}; {one.title[:1].lower()}{one.title[1:]}")
    return tuple(kept)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]

"""Common last step of all readers: selects the ECG leads, their units, and writes warnings.

A reader lists the channels of its file and builds a recording of any of them; what is time is no channel any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from readers.channels.kinds import DOUBTFUL, ECG, OTHER, ChannelKind, fits, judge, likely_units
from readers.channels.leads import distinct, millivolts_per, name_speaks, unit_speaks, unit_warnings
from readers.channels.missing_values import WithoutMissing, find_missing
from readers.channels.signal import NO_SIGNAL, SignalEvidence, signal_evidence
from readers.recording import Recording
from readers.request import NeedsDetails, Request

Build = Callable[[Sequence[int], Sequence[str | None]], Recording]
"""From columns of a file and a unit for each to the recording of them, in mV where the unit is one of voltage."""
_TOGETHER = 16
"""Channels that are looked at together, so that memory has a bound."""
_MOST_NAMED = 12
SLOWEST_FS = 10.0


def settle(
    request: Request,
    names: Sequence[str],
    units: Sequence[str | None],
    rates: Sequence[float],
    build: Build,
    *,
    ask_unit: bool = False,
    in_memory: bool = False,
) -> Recording:
    """The recording of a file's ECG leads; the other channels are available by ``with_channel``.

    Where nothing is an ECG, the recording holds all channels, each of kind "other", and says so.

    Args:
        names, units, rates: of each channel: name and unit as the file states them, sampling frequency in Hz.
        build: makes the recording of some channels; its leads' names and units are set here.
        ask_unit: whether a unit that is nowhere stated is asked for; otherwise it is unknown.
        in_memory: whether to read all samples costs little, so that missing ones are looked for in each.

    Raises:
        NeedsDetails: the unit, where it is asked for.
        ReadError: what ``build`` raises.
    """
    shown = ("ECG",) if list(names) == [""] else distinct(names)  # so it is called, and judged by its signal alone
    build, missing_notes = _without_missing(build, rates, shown, in_memory=in_memory)
    if request.lead_names is not None and len(request.lead_names) == len(names):
        verdicts = (ChannelKind(ECG),) * len(names)  # the person says that these are the leads
        evidence = (NO_SIGNAL,) * len(names)
    else:
        evidence = _evidence(rates, build)
        verdicts = judge(names, units, evidence)
    found = [i for i, verdict in enumerate(verdicts) if verdict.kind != OTHER]
    kept = found or list(range(len(names)))
    used, unit_notes = _units(request, shown, units, evidence, kept)
    if ask_unit and any(used[i] is None for i in kept):
        raise NeedsDetails(request.path, ("unit",))

    recording = _labelled(build(kept, [used[i] for i in kept]), kept, shown, used, verdicts)
    others = tuple(shown[i] for i in range(len(names)) if i not in kept)
    return replace(
        recording,
        others=others,
        widen=partial(_widened, build, kept, shown, used, verdicts) if others else None,
        warnings=(
            *(() if not found else unit_warnings(recording.leads, recording.units)),
            *recording.warnings,
            *missing_notes,
            *unit_notes,
            *_kind_notes(request, shown, verdicts, kept, found),
            *request.note_unused_fs(recording.fs),
        ),
    )


def offer(recording: Recording, other: Recording, label: str, offset_s: float) -> Recording:
    """The recording with all channels of ``other``, which begins ``offset_s`` later, as further choices."""
    channels = {f"{name} ({label})": name for name in (*other.leads, *other.others)}
    names = tuple(name for name in channels if name not in (*recording.leads, *recording.others))
    return replace(
        recording,
        others=(*recording.others, *names),
        widen=_Offered(recording, other, channels, offset_s),
    )


class _Offered:
    """``Recording.widen`` with channels of another recording of the same file, resampled by sample and hold."""

    def __init__(self, recording: Recording, other: Recording, channels: dict[str, str], offset_s: float):
        self._recording, self._other, self._channels, self._offset_s = recording, other, channels, offset_s

    def __call__(self, name: str) -> Recording:
        """This recording with that channel after its leads."""
        base = self._recording
        if name not in self._channels:
            wide = base.with_channel(name)
        else:
            other = self._other.with_channel(self._channels[name])
            column = other.lead_index(self._channels[name])
            wide = replace(
                base,
                leads=(*base.leads, name),
                units=(*base.units, other.units[column]),
                kinds=(*base.kinds, other.kinds[column]),
                source=_Beside(base, other, column, self._offset_s),
            )
        return replace(wide, widen=_Offered(wide, self._other, self._channels, self._offset_s))


class _Beside:
    """Samples of a recording and of one lead of another, resampled by sample and hold; NaN outside of the latter."""

    def __init__(self, base: Recording, other: Recording, column: int, offset_s: float):
        self._base, self._other, self._column, self._offset_s = base, other, column, offset_s

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples as float32 (stop - start, n_leads)."""
        own = self._base.source.read(start, stop)
        at = np.floor((np.arange(start, stop) / self._base.fs - self._offset_s) * self._other.fs + 1e-6).astype(
            np.int64
        )
        inside = (at >= 0) & (at < self._other.n_samples)
        held = np.full((len(at), 1), np.nan, np.float32)
        if inside.any():
            first = int(at[inside][0])
            part = self._other.source.read(first, int(at[inside][-1]) + 1)[:, self._column]
            held[inside, 0] = part[at[inside] - first]
        return np.concatenate([own, held], axis=1)


def _without_missing(
    build: Build, rates: Sequence[float], shown: Sequence[str], *, in_memory: bool
) -> tuple[Build, list[str]]:
    """The recording with NaN for missing-value codes, and a warning about them."""
    found: list[list[float]] = [[] for _ in rates]
    for rate in dict.fromkeys(rate for rate in rates if rate >= SLOWEST_FS):
        alike = [i for i, own in enumerate(rates) if own == rate]
        for first in range(0, len(alike), _TOGETHER):
            some = alike[first : first + _TOGETHER]
            part = build(some, [None] * len(some))
            values = find_missing(part.source.read, part.fs, part.n_samples, in_memory=in_memory)
            for i, own in zip(some, values, strict=True):
                found[i] = own
    if not any(found):
        return build, []

    def built(columns: Sequence[int], units: Sequence[str | None]) -> Recording:
        most = max(len(found[i]) for i in columns)
        values = np.full((len(columns), most), np.nan, np.float32)
        for row, i, unit in zip(values, columns, units, strict=True):
            row[: len(found[i])] = np.multiply(found[i], millivolts_per(unit) or 1.0)
        recording = build(columns, units)
        return replace(recording, source=WithoutMissing(recording.source, values)) if most else recording

    codes = dict.fromkeys(value for own in found for value in own)
    which = _some(shown, [i for i, own in enumerate(found) if own])
    listed = " and ".join(f"{code:.7g}" for code in list(codes)[:4])
    return built, [f"The value {listed} in {which} lies far from all others and is taken for missing samples."]


def _evidence(rates: Sequence[float], build: Build) -> tuple[SignalEvidence, ...]:
    """Signal evidence of each channel; channels of one sampling frequency are read together."""
    evidence = [NO_SIGNAL] * len(rates)
    for rate in dict.fromkeys(rates):
        alike = [i for i, own in enumerate(rates) if own == rate]
        for first in range(0, len(alike), _TOGETHER):
            some = alike[first : first + _TOGETHER]
            if rate < SLOWEST_FS:  # hardly a value a beat, and slower than the readers take for an ECG
                found: Sequence[SignalEvidence] = [SignalEvidence("slow", float("nan"), certain=True)] * len(some)
            else:
                part = build(some, [None] * len(some))
                found = signal_evidence(part.signal_mV, part.fs, part.n_samples, len(some))
            for i, signal in zip(some, found, strict=True):
                evidence[i] = signal
    return tuple(evidence)


def _units(
    request: Request,
    shown: Sequence[str],
    stated: Sequence[str | None],
    evidence: Sequence[SignalEvidence],
    kept: Sequence[int],
) -> tuple[list[str | None], list[str]]:
    """Unit of each channel, and warnings about given and implausible units."""
    used = list(stated)
    refused: list[int] = []
    replaced: list[int] = []
    for i in kept:
        speaks, own = unit_speaks(stated[i]), (stated[i] or "").strip()[:20]
        used[i] = own or None
        if request.unit is None or speaks == "other":
            continue
        if speaks == "voltage" and millivolts_per(request.unit) == millivolts_per(own):
            continue
        if speaks == "voltage" and _fits(evidence[i], own):
            refused.append(i)
            continue
        used[i] = request.unit
        if speaks == "voltage":
            replaced.append(i)
    notes = _unit_notes(request, shown, stated, replaced, refused)
    return used, [*notes, *_unfit(shown, used, evidence, kept)]


def _fits(signal: SignalEvidence, unit: str | None) -> bool:
    return signal.kind not in {"ecg", "unclear"} or fits(signal.swing, unit)


def _unit_notes(
    request: Request,
    shown: Sequence[str],
    stated: Sequence[str | None],
    replaced: Sequence[int],
    refused: Sequence[int],
) -> list[str]:
    """Warnings about the given unit where the file states one."""
    notes = []
    for columns, words in (
        (replaced, f"which does not fit its values; {request.unit} is used."),
        (refused, f"which is used; the given {request.unit} is not."),
    ):
        if columns:
            units = ", ".join(dict.fromkeys((stated[i] or "").strip()[:20] for i in columns))
            notes.append(f"{request.path.name} states {units} for {_some(shown, columns)}, {words}")
    return notes


def _unfit(
    shown: Sequence[str], units: Sequence[str | None], evidence: Sequence[SignalEvidence], kept: Sequence[int]
) -> list[str]:
    """A warning for each unit about leads whose complexes are too large or too small for it."""
    notes = []
    for unit in dict.fromkeys(units[i] for i in kept):
        columns = [i for i in kept if units[i] == unit and not _fits(evidence[i], unit)]
        if not columns:
            continue
        swing = float(np.median([evidence[i].swing for i in columns]))
        size = swing * (millivolts_per(unit) or 1.0)
        likely = " or ".join(likely_units(swing))
        remedy = f"They would fit {likely}; give the unit." if likely else "Check the unit and the gain in the file."
        notes.append(
            f"The complexes of {_some(shown, columns)} have "
            f"{f'{size / 1000:.3g} V' if size >= 1000 else f'{size:.3g} mV'} from peak to peak, which is no ECG: the "
            f"unit {unit} does not fit the values. {remedy}"
        )
    return notes


def _some(shown: Sequence[str], columns: Sequence[int]) -> str:
    return f"{', '.join(shown[i] for i in columns[:_MOST_NAMED])}{' ...' if len(columns) > _MOST_NAMED else ''}"


def _labelled(
    recording: Recording,
    columns: Sequence[int],
    shown: Sequence[str],
    units: Sequence[str | None],
    verdicts: Sequence[ChannelKind],
) -> Recording:
    return replace(
        recording,
        leads=tuple(shown[i] for i in columns),
        units=tuple("unknown" if millivolts_per(units[i]) is None else "mV" for i in columns),
        kinds=tuple(verdicts[i].kind for i in columns),
    )


def _widened(
    build: Build,
    kept: Sequence[int],
    shown: Sequence[str],
    units: Sequence[str | None],
    verdicts: Sequence[ChannelKind],
    name: str,
) -> Recording:
    """The recording with one more channel after its leads."""
    columns = [*kept, shown.index(name)]
    wide = _labelled(build(columns, [units[i] for i in columns]), columns, shown, units, verdicts)
    return replace(wide, widen=partial(_widened, build, columns, shown, units, verdicts))


def _kind_notes(
    request: Request,
    shown: Sequence[str],
    verdicts: Sequence[ChannelKind],
    kept: Sequence[int],
    found: Sequence[int],
) -> list[str]:
    def listed(columns: Sequence[int]) -> str:
        some = [f"{shown[i]}{f' ({verdicts[i].reason})' if verdicts[i].reason else ''}" for i in columns[:_MOST_NAMED]]
        return f"{', '.join(some)}{' ...' if len(columns) > _MOST_NAMED else ''}"

    if not found:
        found_words = f"No ECG was found in {request.path.name}, only {listed(kept)}: no beats are looked for"
        return [f"{found_words} unless a lead is chosen (--lead, or the list of leads), which is read as an ECG then."]
    notes = [
        f"{shown[i]} may be no ECG: {verdicts[i].reason}. Take its beats with care."
        for i in kept[:_MOST_NAMED]
        if verdicts[i].kind == DOUBTFUL
    ]
    left_out = [i for i in range(len(shown)) if i not in kept]
    if left_out:
        notes.append(f"Left out because it is no ECG: {listed(left_out)}.")
        if any(name_speaks(shown[i]) == "ecg" for i in left_out):
            notes[-1] += " Choose it as the lead (--lead, or the list of leads) to have it read as an ECG."
    return notes

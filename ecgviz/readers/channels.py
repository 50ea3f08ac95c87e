"""The step after reading that all formats share: which channels become leads, in which unit, and what is said of it.

A reader lists the channels of its file and builds a recording of any of them; what is time is no channel any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ecgviz.readers.channel_kinds import DOUBTFUL, ECG, OTHER, ChannelKind, fits, judge, likely_units
from ecgviz.readers.channel_signal import NO_SIGNAL, SignalEvidence, look_at
from ecgviz.readers.leads import distinct, millivolts_per, unit_speaks, unit_warnings
from ecgviz.readers.request import NeedsDetails, Request
from ecgviz.recording import Recording

Build = Callable[[Sequence[int], Sequence[str | None]], Recording]
"""From columns of a file and a unit for each to the recording of them, in mV where the unit is one of voltage."""
_TOGETHER = 16
"""Channels that are looked at together, so that memory has a bound."""
_MOST_NAMED = 12


def settle(
    request: Request,
    names: Sequence[str],
    units: Sequence[str | None],
    rates: Sequence[float],
    build: Build,
    *,
    ask_unit: bool = False,
) -> Recording:
    """The recording of a file's ECG leads; the other channels can be had by ``with_channel``.

    Where nothing is an ECG, the recording holds all channels, each of kind "other", and says so.

    Args:
        names, units, rates: of each channel: name and unit as the file states them, sampling frequency in Hz.
        build: makes the recording of some channels; its leads' names and units are set here.
        ask_unit: whether a unit that is nowhere stated is asked for; otherwise it is unknown.

    Raises:
        NeedsDetails: the unit, where it is asked for.
        ReadError: what ``build`` raises.
    """
    shown = distinct(names)
    if request.lead_names is not None and len(request.lead_names) == len(names):
        verdicts = (ChannelKind(ECG),) * len(names)  # the person says that these are the leads
        looks = (NO_SIGNAL,) * len(names)
    else:
        looks = _looks(rates, build)
        verdicts = judge(names, units, looks)
    found = [i for i, verdict in enumerate(verdicts) if verdict.kind != OTHER]
    kept = found or list(range(len(names)))
    used, unit_notes = _units(request, shown, units, looks, kept)
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
            *unit_notes,
            *_kind_notes(request, shown, verdicts, kept, found),
            *request.note_unused_fs(recording.fs),
        ),
    )


def offer(recording: Recording, other: Recording, label: str, offset_s: float) -> Recording:
    """The recording with all channels of ``other``, which begins ``offset_s`` later, among those that can be chosen."""
    channels = {f"{name} ({label})": name for name in (*other.leads, *other.others)}
    names = tuple(name for name in channels if name not in (*recording.leads, *recording.others))
    return replace(
        recording,
        others=(*recording.others, *names),
        widen=_Offered(recording, other, channels, offset_s),
    )


class _Offered:
    """``Recording.widen`` over another recording of the same file, whose samples are held to this one's frequency."""

    def __init__(self, recording: Recording, other: Recording, channels: dict[str, str], offset_s: float):
        self._recording, self._other, self._channels, self._offset_s = recording, other, channels, offset_s

    def __call__(self, name: str) -> Recording:
        """This recording with that channel behind its leads."""
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
    """The samples of a recording and, held to its frequency, those of one lead of another; NaN where that has none."""

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


def _looks(rates: Sequence[float], build: Build) -> tuple[SignalEvidence, ...]:
    """What each channel looks like; those of one sampling frequency are read together."""
    looks = [NO_SIGNAL] * len(rates)
    for rate in dict.fromkeys(rates):
        alike = [i for i, own in enumerate(rates) if own == rate]
        for first in range(0, len(alike), _TOGETHER):
            some = alike[first : first + _TOGETHER]
            if rate < 10:  # hardly a value a beat, and slower than the readers take for an ECG
                found: Sequence[SignalEvidence] = [SignalEvidence("slow", float("nan"))] * len(some)
            else:
                part = build(some, [None] * len(some))
                found = look_at(part.signal_mV, part.fs, part.n_samples, len(some))
            for i, look in zip(some, found, strict=True):
                looks[i] = look
    return tuple(looks)


def _units(
    request: Request,
    shown: Sequence[str],
    stated: Sequence[str | None],
    looks: Sequence[SignalEvidence],
    kept: Sequence[int],
) -> tuple[list[str | None], list[str]]:
    """The unit that each channel is read in, and sentences about what was given, and about units that do not fit."""
    used, notes = list(stated), []
    refused: list[str] = []
    for i in kept:
        speaks, swing = unit_speaks(stated[i]), looks[i].swing
        own = (stated[i] or "").strip()[:20]
        if speaks in {"none", "unclear"} and request.unit is not None:
            used[i] = request.unit
        elif speaks == "unclear" or (speaks == "none" and own):
            used[i] = own
        elif speaks == "none":
            used[i] = None
        elif speaks == "voltage" and request.unit is not None and not _same(request.unit, own):
            if looks[i].kind in {"ecg", "unclear"} and not fits(swing, own):
                used[i] = request.unit
                notes.append(
                    f"The file states {own} for {shown[i]}, which does not fit its values; {request.unit} is used."
                )
            else:
                refused.append(shown[i])
        if looks[i].kind in {"ecg", "unclear"} and not fits(swing, used[i]):
            notes.append(_unfit(shown[i], swing, used[i] or ""))
    if refused:
        units = ", ".join(dict.fromkeys((stated[i] or "").strip() for i in kept if shown[i] in refused))
        which = "it" if len(refused) == len(kept) else ", ".join(refused[:_MOST_NAMED])
        notes.append(f"{request.path.name} states {units} for {which}, which is used; the given {request.unit} is not.")
    return used, notes


def _same(given: str, stated: str) -> bool:
    return millivolts_per(given) == millivolts_per(stated)


def _unfit(name: str, swing: float, unit: str) -> str:
    """A sentence about complexes that are too large or too small for the unit."""
    size = swing * (millivolts_per(unit) or 1.0)
    size_words = f"{size / 1000:.3g} V" if size >= 1000 else f"{size:.3g} mV"
    likely = " or ".join(likely_units(swing))
    remedy = f"they would fit {likely}; give the unit." if likely else "check the unit and the gain in the file."
    return (
        f"The complexes of {name} have {size_words} from peak to peak, which is no ECG: the unit {unit} does not fit "
        f"the values. {remedy[0].upper()}{remedy[1:]}"
    )


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
    """The recording with one channel more, behind the leads."""
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
        found_words = f"No ECG was found in {request.path.name}, only {listed(kept)}: no beats are looked for."
        return [f"{found_words} Choose a lead to read it as an ECG all the same."]
    notes = [
        f"{shown[i]} may be no ECG: {verdicts[i].reason}. Take its beats with care."
        for i in kept[:_MOST_NAMED]
        if verdicts[i].kind == DOUBTFUL
    ]
    left_out = [i for i in range(len(shown)) if i not in kept]
    if left_out:
        notes.append(f"Left out because it is no ECG: {listed(left_out)}.")
    return notes

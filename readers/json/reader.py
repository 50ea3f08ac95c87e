"""JSON, one document per file or line: exports of watches and straps, of web services (HL7 FHIR) and of pandas.

No layout is fixed. The document becomes columns (``json.columns``); of its series those are taken that are called an
ECG, or else the longest; their times, sampling frequency and unit stand beside or above them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from readers.arrays.beat_rows import refuse_named_beats
from readers.arrays.named import Table, split_time, timed_recording
from readers.arrays.to_recording import MAX_LEADS
from readers.channels.leads import clean_lead_name, is_clinical
from readers.channels.packets import packet_axis
from readers.channels.time_column import TimeColumn, time_column
from readers.channels.time_names import is_time_name
from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.delimited.rows import are_packets
from readers.json.columns import Leaf, Packets, columns_of, leaves
from readers.json.details import Details, spoken, unit_in
from readers.other_formats import AS_ARRAYS
from readers.recording import Recording
from readers.request import Request

MAX_BYTES = 64 << 20
_DOCUMENT, _LEAST_SAMPLES = re.compile(r"[^\s,]"), 65
_MOST_NAMED = 4


def read_json(request: Request) -> Recording:
    """Open a JSON or JSON Lines file.

    Raises:
        HoldsBeats: each row of a table in it is a single beat.
        NeedsDetails: sampling frequency or unit is nowhere stated.
        ReadError: no JSON, too large, no series of samples, or several recordings.
    """
    path = request.path
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ReadError(
            path, f"it is JSON of {size >> 20} MB, and at most {MAX_BYTES >> 20} MB are read; save the samples as CSV."
        )
    fault = "it is JSON that is cut off, damaged or nested too deeply; export it again."
    with decoding(path, fault):
        documents = list(_documents(path.read_bytes()))
    return recording_of(request, documents[0] if len(documents) == 1 else documents, "JSON")


def _documents(content: bytes) -> Iterator[object]:
    text = content.decode(json.detect_encoding(content)).lstrip("\ufeff")
    decoder, at = json.JSONDecoder(), 0
    while begin := _DOCUMENT.search(text, at):
        document, at = decoder.raw_decode(text, begin.start())
        yield document


def recording_of(request: Request, document: object, format_name: str) -> Recording:
    """The recording in a decoded document.

    Raises:
        HoldsBeats, NeedsDetails, ReadError: as :func:`read_json`.
    """
    found = list(leaves(columns_of(document)))
    details = Details(found)
    candidates = [c for path, members in _groups(found).items() if (c := _candidate(request, path, members, details))]
    best = min(candidates, key=lambda one: (_RANKS[one.speaks], -one.samples.shape[0]), default=None)
    if best is None or best.speaks == "other":
        others = f" (its longest is {'.'.join(best.path)[:80]})" if best else ""
        fault = f"it is {format_name}, and no series of samples of an ECG was found in it{others}; {AS_ARRAYS}"
        raise ReadError(request.path, fault)
    if best.fault:
        raise ReadError(request.path, best.fault)
    return _recording(request, best, details, [one for one in candidates if one is not best], format_name)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Series of one record that may form the recording.

    Attributes:
        path: of that record.
        samples: (n_samples, n_channels).
        names: of the channels, as the fields are called; None for those of a table without names.
        axis: what their times say.
        speaks: what the names say, as :func:`readers.json.details.spoken`.
        fault: why it cannot be read, "" if it can.
        left_out: names of other series of the record.
    """

    path: tuple[str, ...]
    samples: np.ndarray
    names: tuple[str, ...] | None
    axis: TimeColumn | None
    speaks: str
    fault: str = ""
    left_out: tuple[str, ...] = ()


_RANKS = {"ecg": 0, "": 1, "vague": 2, "other": 3}
_SEVERAL = (
    "it holds {n} recordings, or packets whose times do not say how they follow each other; save one recording in a "
    "file."
)


def _groups(found: list[tuple[tuple[str, ...], Leaf]]) -> dict[tuple[str, ...], dict[str, np.ndarray | Packets]]:
    """Series of each record by path."""
    groups: dict[tuple[str, ...], dict[str, np.ndarray | Packets]] = {}
    for path, leaf in found:
        if isinstance(leaf, np.ndarray | Packets):
            groups.setdefault(path[:-1], {})[path[-1] if path else ""] = leaf
    return groups


def _candidate(
    request: Request, path: tuple[str, ...], members: Mapping[str, np.ndarray | Packets], details: Details
) -> _Candidate | None:
    packets = {name: leaf for name, leaf in members.items() if isinstance(leaf, Packets)}
    tables = {name: leaf for name, leaf in members.items() if isinstance(leaf, np.ndarray) and leaf.ndim == 2}
    single = {name: leaf for name, leaf in members.items() if isinstance(leaf, np.ndarray) and leaf.ndim == 1}
    found = [
        *(_of_packets(path, packets, details) if packets else []),
        *(_of_table(request, path, name, table, details) for name, table in tables.items()),
        *(_of_series(path, single, details) if single else []),
    ]
    found = [one for one in found if one.fault or one.samples.shape[0] >= _LEAST_SAMPLES]
    return min(found, key=lambda one: (_RANKS[one.speaks], -one.samples.shape[0]), default=None)


def _of_series(path: tuple[str, ...], series: Mapping[str, np.ndarray], details: Details) -> list[_Candidate]:
    """Series of equal length in one record, without its times."""
    axes = {name: time_column(values, name) for name, values in series.items()}
    signals = {
        name: values for name, values in series.items() if axes[name] is None and not is_time_name(name, sure=True)
    }
    if not signals:
        return []
    speaks = {name: spoken((*path, name)) for name in signals}
    first = min(signals, key=lambda name: (_RANKS[speaks[name]], -len(signals[name])))
    n = len(signals[first])
    alike = [name for name, values in signals.items() if len(values) == n][:MAX_LEADS]
    if n < _LEAST_SAMPLES:
        return []
    axis = _best_axis(details.times(path, n))
    samples = np.column_stack([signals[name] for name in alike])
    left_out = tuple(name for name in signals if name not in alike and len(signals[name]) >= _LEAST_SAMPLES)
    return [_Candidate(path, samples, tuple(alike), axis, speaks[first], left_out=left_out)]


def _best_axis(times: Iterator[tuple[str, np.ndarray]]) -> TimeColumn | None:
    axes = [axis for name, values in times if (axis := time_column(values, name)) is not None]
    return min(axes, key=lambda axis: axis.fs is None, default=None)


def _of_table(request: Request, path: tuple[str, ...], name: str, table: np.ndarray, details: Details) -> _Candidate:
    """A list of lists: samples of several leads, leads of several samples, or consecutive packets."""
    refuse_named_beats(request.path, {name or "rows": table}, "JSON")
    speaks = spoken((*path, name))
    stamps = next(iter(_stamps(path, table.shape[0], [table.shape[1]] * len(table), details)), None)
    names = details.names(path, min(table.shape))
    if names is None and (are_packets(table) or (stamps is not None and stamps.fs is not None)):
        return _Candidate(path, table.reshape(-1, 1), (name,), stamps, speaks)
    samples, axis = split_time(request, table, name)
    names = names if names and len(names) == samples.shape[1] else details.leads(path, samples.shape[1])
    axis = axis or _best_axis(details.times(path, len(samples)))
    return _Candidate(path, samples, names or ((name,) if samples.shape[1] == 1 else None), axis, speaks)


def _stamps(path: tuple[str, ...], n: int, sizes: list[int], details: Details) -> Iterator[TimeColumn]:
    for name, values in details.times(path, n):
        if (axis := packet_axis(values, sizes, name)) is not None:
            yield axis


def _of_packets(path: tuple[str, ...], packets: Mapping[str, Packets], details: Details) -> list[_Candidate]:
    """Series in pieces over the records of a list, or leads with one record each."""
    found = []
    for name, leaf in packets.items():
        if spoken((name,)) not in {"ecg", ""} or is_time_name(name, sure=True):
            continue
        sizes, whole, speaks = leaf.sizes, np.concatenate(leaf.parts), spoken((*path, name))
        leads = details.leads(path, len(sizes))
        if leads is not None and len(set(sizes)) == 1:
            samples = np.column_stack(leaf.parts)
            found.append(_Candidate(path, samples, leads, None, speaks))
            continue
        axis = _axis_of_packets(path, packets, leaf, details)
        if axis is None and not _continuous(leaf):
            fault = _SEVERAL.format(n=sum(map(bool, sizes)))
            found.append(_Candidate(path, whole.reshape(-1, 1), (name,), None, speaks, fault=fault))
            continue
        found.append(_Candidate(path, whole.reshape(-1, 1), (name,), axis, speaks))
    return found


def _axis_of_packets(
    path: tuple[str, ...], packets: Mapping[str, Packets], leaf: Packets, details: Details
) -> TimeColumn | None:
    """Time from stamps of each sample or packet."""
    for name, other in packets.items():
        if other is not leaf and other.sizes == leaf.sizes:
            axis = time_column(np.concatenate(other.parts), name)
            if axis is not None and axis.fs is not None:
                return axis
    return next(_stamps(path, len(leaf.parts), leaf.sizes, details), None)


def _continuous(leaf: Packets) -> bool:
    """Whether each packet continues the one before, where there are no times."""
    usual = max(set(leaf.sizes), key=leaf.sizes.count)
    full = [part for part in leaf.parts if len(part) == usual]
    return len(full) >= len(leaf.parts) - 2 and usual > 1 and are_packets(np.stack(full))


def _recording(
    request: Request, chosen: _Candidate, details: Details, others: list[_Candidate], format_name: str
) -> Recording:
    inside = chosen.path
    names, units = _names(chosen, details)
    samples, scale = chosen.samples, details.millivolts(inside)
    if scale is not None and not any(units) and not (samples % 1)[np.isfinite(samples)].any():
        samples, units = samples * scale, ["mV"] * samples.shape[1]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes a gap
        samples = np.ascontiguousarray(samples, np.float32)
    table = Table(samples, names, chosen.axis)
    recording = timed_recording(request, table, format_name, details.sampling_frequency(inside), units)
    left_out = [*(".".join((*inside, name)) for name in chosen.left_out)]
    left_out += [".".join(one.path) or "a list" for one in others if one.speaks in {"ecg", ""}]
    if not left_out:
        return recording
    listed = ", ".join(left_out[:_MOST_NAMED]) + (" and more" if len(left_out) > _MOST_NAMED else "")
    note = f"{'.'.join(inside) or 'One list'} of {request.path.name} is shown; further series are left out: {listed}."
    return replace(recording, warnings=(*recording.warnings, note[:300]))


def _names(chosen: _Candidate, details: Details) -> tuple[tuple[str, ...] | None, list[str | None]]:
    """Names and units of the channels; a single one is named as the document names its lead."""
    above = next((unit for _, unit in map(unit_in, chosen.path[::-1]) if unit), None)  # {"ECGmV": {"Samples": [...
    stated = above or details.unit(chosen.path)
    if chosen.names is None:
        return None, [stated] * chosen.samples.shape[1]
    split = [unit_in(name) for name in chosen.names]
    units = [unit or stated for _, unit in split]
    names = [name for name, _ in split]
    if len(names) == 1 and not is_clinical(clean_lead_name(names[0])):
        names = [details.lead(chosen.path) or ("ECG" if chosen.speaks == "ecg" else names[0] if chosen.speaks else "")]
    return tuple(names), units

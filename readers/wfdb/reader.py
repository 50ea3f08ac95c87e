"""WFDB records, simple and multi-segment, with their reference annotations.

The samples of all but short records stay in their files; a range is decoded when it is asked for.
Source: WFDB Applications Guide, header(5) for records, layouts, segments and gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from readers.channels.channel_selection import settle
from readers.channels.leads import distinct, millivolts_per
from readers.core.errors import ReadError
from readers.recording import Annotations, Recording
from readers.request import FileSet, Request
from readers.wfdb.annotations import read_annotations
from readers.wfdb.checksums import Part, check_sums
from readers.wfdb.header import DEFAULT_GAIN, Header, read_header
from readers.wfdb.source import Lead, Segment, WfdbSource, attach_files

ANNOTATOR = "atr"
MAX_FRAMES, MAX_SECONDS = 2**34, 45 * 86400.0
"""A header of two lines can claim any length, in gaps at no cost to the file; what it claims is gone through sample
by sample afterwards."""
_MAX_SCAN = 5000


def read_wfdb(request: Request) -> Recording:
    """Open a record by its header, or by one of its signal or annotation files.

    Raises:
        ReadError: a header that makes no sense; a signal file that is missing, elsewhere, damaged or truncated.
    """
    opened = request.path
    path = opened if opened.suffix.lower() == ".hea" else find_header(opened, request.files) or opened
    header = read_header(path, request.fs)
    names, segments, n_frames, parts, notes = (
        _several(header, request.files) if header.segments else _simple(header, request.files)
    )
    _check_length(header, segments, n_frames)
    faults, remarks = check_sums(parts)
    units = [_unit(segments, i) for i in range(len(names))]
    rates = [header.fs * _per_frame(segments, [i]) for i in range(len(names))]

    def build(kept: Sequence[int], kept_units: Sequence[str | None]) -> Recording:
        return _recording(header, _selected(segments, kept, kept_units), n_frames, names=[names[i] for i in kept])

    recording = settle(request, names, units, rates, build)
    annotations: Annotations | None = None
    marks_notes: tuple[str, ...] = ()
    marks_path = _annotation_file(opened, path, request.files)
    if marks_path is not None:
        annotations, marks_notes = read_annotations(marks_path, header.fs, recording.fs, recording.n_samples)
    uncalibrated = _uncalibrated(segments, names, recording.leads)
    return replace(
        recording,
        annotations=annotations,
        warnings=(*uncalibrated, *faults, *notes, *recording.warnings, *marks_notes),
        remarks=tuple(remarks),
    )


def _recording(header: Header, segments: tuple[Segment, ...], n_frames: int, names: Sequence[str]) -> Recording:
    """The recording of some leads, at the sampling frequency of the one with most samples per frame."""
    per_frame = _per_frame(segments, range(len(names)))
    return Recording(
        name=header.path.stem,
        fs=header.fs * per_frame,
        n_samples=n_frames * per_frame,
        leads=(),
        units=(),
        source=WfdbSource(segments, len(names), per_frame),
        format="WFDB",
        start=header.start,
        warnings=tuple(_held(segments, distinct(names), per_frame, header.fs)),
    )


def _per_frame(segments: tuple[Segment, ...], columns: Iterable[int]) -> int:
    leads = [segment.leads[i] for i in columns for segment in segments]
    return max((lead.signal.per_frame for lead in leads if lead is not None), default=1)


def _selected(
    segments: tuple[Segment, ...], columns: Sequence[int], units: Sequence[str | None]
) -> tuple[Segment, ...]:
    """The segments with those leads only, each in its unit; None keeps the file's."""

    def lead(segment: Segment, column: int, unit: str | None) -> Lead | None:
        found = segment.leads[column]
        if found is None or (unit is not None and millivolts_per(found.signal.unit) == millivolts_per(unit)):
            return found
        return replace(found, signal=replace(found.signal, unit=unit or ""))

    pairs = list(zip(columns, units, strict=True))
    return tuple(replace(segment, leads=tuple(lead(segment, i, unit) for i, unit in pairs)) for segment in segments)


def find_header(path: Path, files: FileSet) -> Path | None:
    """Header of a signal or annotation file: of the same name, or the one that names it."""
    if (same := files.find(path.stem + ".hea", path)) is not None:
        return same
    for header in [other for other in files.paths()[:_MAX_SCAN] if other.suffix.lower() == ".hea"]:
        with header.open("rb") as file:
            lines = file.read(100_000).decode("utf-8", errors="replace").splitlines()
        if any(line.split(None, 1)[:1] == [path.name] for line in lines):
            return header
    return None


def segment_names(header: Path) -> set[str]:
    """Record names of a multi-segment header; empty for a simple or damaged one."""
    try:
        return {name for name, _ in read_header(header).segments}
    except (ReadError, OSError):
        return set()


def _check_length(header: Header, segments: tuple[Segment, ...], n_frames: int) -> None:
    if not 0 < n_frames <= MAX_FRAMES:
        raise ReadError(header.path, f"the record holds {n_frames} samples per lead; give one that can be shown.")
    if not any(lead and lead.file for segment in segments for lead in segment.leads):
        raise ReadError(header.path, "none of its leads has a signal file; open the record that it is a part of.")
    days, most = n_frames / header.fs / 86400, MAX_SECONDS / 86400
    if days > most:
        filled = sum(segment.n_frames for segment in segments) / header.fs / 86400
        gaps = f", {days - filled:.0f} of them in gaps" if days - filled > 1 else ""
        raise ReadError(
            header.path,
            f"it claims to last {days:.0f} days{gaps}; up to {most:.0f} are read. Correct the lengths in the header, "
            "or split the record.",
        )


def _simple(header: Header, files: FileSet) -> tuple[list[str], tuple[Segment, ...], int, list[Part], list[str]]:
    """Names, the single segment, its length, its checksum parts, and warnings."""
    leads, n_frames = attach_files(header, files, keep=True)
    names = [signal.name for signal in header.signals]
    notes = _longer(header, leads, n_frames)
    return names, (Segment(0, n_frames, tuple(leads)),), n_frames, [Part(header.path, leads, n_frames)], notes


def _longer(header: Header, leads: Sequence[Lead], n_frames: int) -> list[str]:
    """A warning where every signal file is more than a second longer than the header states."""
    there = min((lead.file.n_frames() - lead.signal.skew for lead in leads if lead.file), default=n_frames)
    if there - n_frames <= header.fs:
        return []
    sizes = f"{there / header.fs:g} s and {n_frames / header.fs:g} s are announced"
    return [f"The signal files of {header.path.name} hold {sizes}: these are shown. Correct the header to see all."]


def _several(header: Header, files: FileSet) -> tuple[list[str], tuple[Segment, ...], int, list[Part], list[str]]:
    """As :func:`_simple` for a multi-segment record of fixed (leads by position) or variable layout (by name)."""
    layout_name, layout_length = header.segments[0]
    variable = layout_length == 0 and layout_name != "~"
    names = [signal.name for signal in _segment_header(header, layout_name, files).signals] if variable else None
    parts: dict[str, Part] = {}
    segments, position, gap_frames, n_gaps = [], 0, 0, 0
    for name, n_frames in header.segments[1:] if variable else header.segments:
        if name == "~":
            gap_frames, n_gaps = gap_frames + n_frames, n_gaps + (n_frames > 0)
        elif n_frames > 0:
            if name not in parts:
                own_header = _segment_header(header, name, files)
                parts[name] = Part(own_header.path, *attach_files(own_header, files))
            leads = parts[name].leads
            if parts[name].n_frames < n_frames:
                raise ReadError(
                    header.path, f"its segment {name[:40]} is shorter than announced; copy the record again."
                )
            own = [lead.signal.name for lead in leads]
            names = names or own
            if not variable and len(own) != len(names):
                raise ReadError(
                    header.path, f"its segment {name[:40]} has another number of leads; correct the header."
                )
            row = [leads[own.index(n)] if n in own else None for n in names] if variable else leads
            segments.append(Segment(position, n_frames, tuple(row)))
        position += n_frames
    if names is None:
        raise ReadError(header.path, "the record consists of gaps alone; give another one.")
    notes = (
        [f"The recording has {n_gaps} gap{'s' * (n_gaps > 1)}, {gap_frames / header.fs:.1f} s in all."]
        if n_gaps
        else []
    )
    if header.n_frames and header.n_frames != position:
        notes.append(
            f"{header.path.name} announces {header.n_frames} samples, its segments hold {position}, which are shown."
        )
    return names, tuple(segments), position, list(parts.values()), notes


def _segment_header(master: Header, name: str, files: FileSet) -> Header:
    path = files.find(name + ".hea", master.path)
    if path is None:
        raise ReadError(master.path, f"the header of its segment {name[:40]} is missing; put all segments beside it.")
    header = read_header(path, master.fs)
    if header.segments:
        raise ReadError(path, "a segment may not consist of segments itself; correct the record's header.")
    if abs(header.fs - master.fs) > 1e-6 * master.fs:
        raise ReadError(path, f"the segment has {header.fs:g} Hz and the record {master.fs:g} Hz; correct the headers.")
    return header


def _unit(segments: tuple[Segment, ...], column: int) -> str:
    """Unit of a column as written; "" where a segment does not state it."""
    units = [lead.signal.unit for segment in segments if (lead := segment.leads[column]) is not None]
    return "" if not units or "" in units else units[0]


def _uncalibrated(segments: tuple[Segment, ...], names: Sequence[str], leads: tuple[str, ...]) -> list[str]:
    """A warning about those ``leads`` of the record's ``names`` whose header states no gain."""
    rows = [zip(distinct(names), segment.leads, strict=True) for segment in segments]
    without = dict.fromkeys(name for row in rows for name, lead in row if lead and lead.file and not lead.signal.unit)
    shown = [name for name in without if name in leads]
    if not shown:
        return []
    default = f"{DEFAULT_GAIN:g} steps per unit, the WFDB default, only set the scale"
    return [f"The header gives no gain for {', '.join(shown)}: {default}."]


def _held(segments: tuple[Segment, ...], leads: tuple[str, ...], per_frame: int, frame_fs: float) -> list[str]:
    slower = {
        name: lead.signal.per_frame * frame_fs
        for segment in segments
        for name, lead in zip(leads, segment.leads, strict=True)
        if lead is not None and lead.file is not None and lead.signal.per_frame < per_frame
    }
    return [
        f"{name} was sampled at {fs:g} Hz; its values are held to {frame_fs * per_frame:g} Hz."
        for name, fs in slower.items()
    ]


def _annotation_file(opened: Path, header: Path, files: FileSet) -> Path | None:
    """The opened file if it holds annotations, else the record's reference annotations, if any."""
    signal_files = {".hea", ".dat", ".mat"}
    if opened.stem == header.stem and opened.suffix.lower() not in signal_files and opened.suffix:
        return opened
    return files.find(f"{header.stem}.{ANNOTATOR}", header)

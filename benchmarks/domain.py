"""Warnings about what lies outside of the networks' domain: how often of good recordings, how often where they are due.

    python -m benchmarks.domain --data FOLDER [--markdown FILE]

FOLDER holds ``mitdb``, ``nstdb``, ``ptbxl``, ``ludb`` and ``cinc2017``. Good recordings are taken as they are; those
that should be warned of are made of them: leads exchanged, tops cut off, or ECG replaced by the noise of nstdb.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgviz.analysis.domain_warnings import domain_warnings
from ecgviz.signals.r_peaks import detect_r_peaks
from models.data.ptbxl import read_wfdb
from models.tasks.leads import choose_leads
from readers import open_recording
from readers.channels.leads import clean_lead_name
from readers.recording import ArraySource, Recording

KINDS = {
    "too short": "too short",
    "rate": "/min",
    "no beats": "no beat",
    "noise": "noise more than ECG",
    "clipped": "clipped",
    "limb electrodes": "limb electrodes",
    "chest leads": "chest leads",
}
"""What is warned of, and words of its sentence."""
CHEST_PAIRS = ((0, 3), (0, 5), (1, 3), (1, 4), (2, 4), (0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb, nstdb, ptbxl, ludb and cinc2017")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    good = {name: list(recordings) for name, recordings in good_recordings(options.data).items()}
    text = "\n".join([*false_alarms(good), "", *sensitivities(good, options.data)])
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n", encoding="utf-8")


def good_recordings(data: Path) -> dict[str, Iterator[Recording]]:
    """Recordings as they are, by the name of their group."""
    with (data / "ptbxl" / "ptbxl_database.csv").open() as file:
        normal = {int(row["ecg_id"]) for row in csv.DictReader(file) if "'NORM'" in row["scp_codes"]}
    with (data / "cinc2017" / "labels.csv").open() as file:
        label = {row["record"]: row["label"] for row in csv.DictReader(file)}
    ptbxl = sorted((data / "ptbxl").rglob("*_lr.hea"))

    def opened(paths) -> Iterator[Recording]:
        return (_in_memory(open_recording(path)) for path in paths)

    return {
        "mitdb": opened(sorted((data / "mitdb").glob("*.hea"))),
        "ptbxl, all": opened(ptbxl),
        "ptbxl, NORM": opened(path for path in ptbxl if int(path.name[:5]) in normal),
        "ludb": opened(sorted((data / "ludb").glob("*.hea"))),
        "cinc2017, N": opened(data / "cinc2017" / f"{name}.hea" for name, one in label.items() if one == "N"),
    }


def warned(recording: Recording) -> set[str]:
    """Kinds of the warnings about a recording, read on the leads that a network would take."""
    leads = choose_leads(recording.leads, ("MLII", "*"))
    signal = recording.signal_mV()[:, leads.indices]
    peaks = detect_r_peaks(lambda start, stop: signal[start:stop], recording.fs, recording.n_samples)
    told = domain_warnings(recording, peaks, leads.names)
    return {kind for kind, words in KINDS.items() if any(words in sentence for sentence in told)}


def false_alarms(good: dict[str, list[Recording]]) -> Iterator[str]:
    """A table: share of good recordings with each warning."""
    yield f"| recordings as they are | n | {' | '.join(KINDS)} |"
    yield "|---" * (len(KINDS) + 2) + "|"
    for name, recordings in good.items():
        found = [warned(recording) for recording in recordings]
        cells = [f"{sum(kind in one for one in found) / max(len(found), 1):.1%}" for kind in KINDS]
        yield f"| {name} | {len(found)} | {' | '.join(cells)} |"


def sensitivities(good: dict[str, list[Recording]], data: Path) -> Iterator[str]:
    """A table: share of altered recordings with the warning that is due."""
    twelve = [*good["ptbxl, all"], *good["ludb"]]
    yield "| altered recordings | warning | n | told |"
    yield "|---|---|---|---|"
    for title, kind, recordings, change in (
        ("arms exchanged, ptbxl and ludb", "limb electrodes", twelve, arms_exchanged),
        ("right arm and left leg exchanged", "limb electrodes", twelve, arm_and_leg_exchanged),
        *((f"V{a + 1} and V{b + 1} exchanged", "chest leads", twelve, chest_exchanged(a, b)) for a, b in CHEST_PAIRS),
        ("clipped at 60% of the range, ptbxl and ludb", "clipped", twelve, clipped),
        ("clipped at 60% of the range, cinc2017 N", "clipped", good["cinc2017, N"], clipped),
        ("clipped at 60% of the range, mitdb", "clipped", good["mitdb"], clipped),
        *(
            (f"noise {name} of nstdb, 10 s to 5 min", "noise", list(noises(data / "nstdb" / name)), lambda one: one)
            for name in ("bw", "em", "ma")
        ),
    ):
        told = [kind in warned(change(recording)) for recording in recordings]
        yield f"| {title} | {kind} | {len(told)} | {np.mean(told):.1%} |"


def arms_exchanged(recording: Recording) -> Recording:
    """LA and RA exchanged: I turns over, II and III, aVR and aVL change places."""
    x = _by_name(recording)
    return _with(recording, {"I": -x["I"], "II": x["III"], "III": x["II"], "aVR": x["aVL"], "aVL": x["aVR"]})


def arm_and_leg_exchanged(recording: Recording) -> Recording:
    """RA and LL exchanged: II turns over, I is -III and III is -I, aVR and aVF change places."""
    x = _by_name(recording)
    return _with(recording, {"I": -x["III"], "II": -x["II"], "III": -x["I"], "aVR": x["aVF"], "aVF": x["aVR"]})


def chest_exchanged(first: int, second: int) -> Callable[[Recording], Recording]:
    """Two chest leads exchanged, counted from 0."""
    a, b = f"V{first + 1}", f"V{second + 1}"

    def change(recording: Recording) -> Recording:
        x = _by_name(recording)
        return _with(recording, {a: x[b], b: x[a]})

    return change


def clipped(recording: Recording) -> Recording:
    """Each lead cut off at 60% of the range that 99.9% of its samples have."""
    samples = recording.signal_mV()
    low, high = np.nanpercentile(samples, [0.05, 99.95], axis=0)
    middle = np.nanmedian(samples, axis=0)
    cut = np.clip(samples, middle + 0.6 * (low - middle), middle + 0.6 * (high - middle))
    return replace(recording, source=ArraySource(cut))


def noises(path: Path) -> Iterator[Recording]:
    """Stretches of a noise record: twenty of 10 s, ten of 30 s, four of 5 min."""
    samples, fs, _ = read_wfdb(path)
    for seconds, count in ((10, 20), (30, 10), (300, 4)):
        length = round(seconds * fs)
        for start in np.linspace(0, len(samples) - length, count).astype(int):
            part = samples[start : start + length]
            yield Recording(path.name, fs, length, ("ECG1", "ECG2"), ("unknown",) * 2, ArraySource(part), "WFDB")


def _in_memory(recording: Recording) -> Recording:
    leads = tuple(clean_lead_name(lead) for lead in recording.leads)
    return replace(recording, leads=leads, source=ArraySource(recording.signal_mV()))


def _by_name(recording: Recording) -> dict[str, np.ndarray]:
    return dict(zip(recording.leads, recording.signal_mV().T, strict=True))


def _with(recording: Recording, changed: dict[str, np.ndarray]) -> Recording:
    columns = _by_name(recording) | changed
    return replace(recording, source=ArraySource(np.stack([columns[lead] for lead in recording.leads], axis=1)))


if __name__ == "__main__":
    main()

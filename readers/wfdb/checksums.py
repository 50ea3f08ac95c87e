"""Verifies the checksums of WFDB signal files.

A header states for each signal the 16-bit sum of its samples. To compare it the whole signal has to be read,
in ranges and without conversion: 0.2 s for 24 h of two leads in format 212, 0.7 s in FLAC. Longer records
are left unchecked, and the recording says so.
Source: WFDB Applications Guide, header(5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from readers.channels.leads import distinct
from readers.wfdb.source import Lead

MAX_SAMPLES = 100_000_000
"""Samples of all leads and segments that are read for it on opening: about half a second."""
_RANGE = 1 << 20
_MOST_NAMED = 3


@dataclass(frozen=True)
class Part:
    """Content of one header: leads with their files, and length in frames."""

    header: Path
    leads: Sequence[Lead]
    n_frames: int

    @property
    def states_checksums(self) -> bool:
        """Whether checksums are stated; all zero means none."""
        return any(lead.signal.checksum for lead in self.leads if lead.file is not None)

    @property
    def skewed(self) -> bool:
        """Whether any lead is skewed, so that its checksum covers other samples than the record shows."""
        return any(lead.signal.skew for lead in self.leads)


def check_sums(parts: Sequence[Part]) -> tuple[list[str], list[str]]:
    """Compare the checksums of a record's headers with its samples.

    Args:
        parts: a simple record, or each segment of one of several, once.

    Returns:
        a warning that names leads and headers whose samples do not fit, and a remark on what was not checked.

    Raises:
        ReadError: a signal file that cannot be decoded.
    """
    stated = [part for part in parts if part.states_checksums]
    plain = [part for part in stated if not part.skewed]
    n_samples = sum(part.n_frames * sum(lead.signal.per_frame for lead in part.leads if lead.file) for part in plain)
    if n_samples > MAX_SAMPLES:
        words = f"the record holds {n_samples / 1e6:,.0f} million samples, and up to {MAX_SAMPLES / 1e6:.0f} are read"
        return [], [f"The checksums were not checked: {words} for it."]
    remarks = ["The checksums were not checked where leads are skewed."] if len(plain) < len(stated) else []
    wrong = [f"{', '.join(leads)} in {part.header.name}" for part in plain if (leads := _wrong_leads(part))]
    if not wrong:
        return [], remarks
    named, more = ", ".join(wrong[:_MOST_NAMED]), len(wrong) - _MOST_NAMED
    where = f"{named} and {more} further headers" if more > 0 else named
    warning = (
        f"The checksum of {where} does not fit its samples: "
        "the file was changed or damaged; compare it with the original."
    )
    return [warning], remarks


def _wrong_leads(part: Part) -> tuple[str, ...]:
    """Leads whose samples do not match the stated checksum."""
    totals = [0] * len(part.leads)
    for start in range(0, part.n_frames, _RANGE):
        blocks: dict[int, np.ndarray] = {}
        for i, lead in enumerate(part.leads):
            if lead.file is None or lead.signal.checksum is None:
                continue
            if (key := id(lead.file)) not in blocks:
                blocks[key] = lead.file.read(start, min(part.n_frames, start + _RANGE))
            totals[i] += int(blocks[key][:, lead.column : lead.column + lead.signal.per_frame].sum(dtype=np.int64))
    return distinct(
        [
            lead.signal.name or f"lead {i}"
            for i, (lead, total) in enumerate(zip(part.leads, totals, strict=True), 1)
            if lead.file is not None and lead.signal.checksum is not None and (total - lead.signal.checksum) % 65536
        ]
    )

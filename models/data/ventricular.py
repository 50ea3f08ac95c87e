"""Augmentation: V beats of one patient inserted into the steady rhythm of another.

Some 40 of the patients at hand have V beats in number, each of one or two shapes, so a network learns those shapes as
much as the class. What makes a beat V is that it comes early, is shaped unlike the patient's own beats, and is followed
by a pause. So V beats, with all that follows them up to the next P wave, are cut out of the records that are trained
on and take the place of sinus beats elsewhere, at the size that they have beside their own sinus beats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.data.aberrant import qrs_size
from models.data.beats import PreparedRecord
from models.data.premature import N, Tape, V

_BEFORE_S, _PR_S = 0.2, 0.24
_LONGEST_S, _EARLIEST_S = 2.5, 0.3
_LARGEST = 5.0
_PER_RECORD = 300
_NEAR_RR = 1.2


@dataclass(frozen=True)
class _Piece:
    """A run of V beats with the signal up to the next P wave.

    Attributes:
        signal: in sizes of the sinus beats' QRS, float32 (n_leads, n).
        beats: R peaks in it, int64 (n_beats,).
        coupling: from the sinus beat before to its first beat, in the RR of sinus rhythm.
        rr_s: that RR, s.
    """

    signal: np.ndarray
    beats: np.ndarray
    coupling: float
    rr_s: float


class VentricularBeats:
    """A pool of V beats for insertion into other records.

    Args:
        records: annotated ones; those with steady rhythm around single V beats or pairs of them give pieces.
        fs: their sampling frequency, Hz.
        n_leads: leads of a piece.
    """

    def __init__(self, records: Sequence[PreparedRecord], fs: float, n_leads: int):
        self.fs = fs
        found = [_pieces(record, fs, n_leads) for record in records]
        self.records = [pieces for pieces in found if pieces]

    def put_into(
        self, strip: np.ndarray, position: np.ndarray, label: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A strip of steady sinus rhythm with V beats of one other patient.

        Args:
            strip: samples, float32 (n_leads, L).
            position: R peaks, int64 (K,), ascending, inside the strip.
            label: their classes, int64 (K,), N and V.
            generator: source of all randomness.

        Returns:
            The strip at the same length, the beats' new positions (some may have left it), and their classes.
        """
        label = label.copy()
        size = qrs_size(strip, position[label == N], self.fs)
        rr = float(np.median(np.diff(position)[(label[1:] == N) & (label[:-1] == N)]))
        pieces = self.records[generator.integers(len(self.records))]
        near = [p for p in pieces if 1 / _NEAR_RR < p.rr_s * self.fs / rr < _NEAR_RR]
        if not near or not size.all():
            return strip, position, label
        # Leads of another patient see the beat from elsewhere; one patient's V beats have one or two shapes.
        turned = generator.choice([-1.0, 1.0], (len(strip), 1)) * generator.uniform(0.7, 1.4) * size
        order = generator.permutation(len(strip))
        tape, begun, moved = Tape(strip, round(0.4 * self.fs)), 0, position.copy()
        often = generator.choice([0.5, 0.25, 0.08])
        at = 1 + int(generator.geometric(often))
        while at < len(position) - 2:
            piece = near[generator.integers(len(near))]
            count = len(piece.beats)
            sinus = label[at - 1 : at + count + 1] == N
            early = max(piece.coupling * generator.uniform(0.9, 1.1) * rr, _EARLIEST_S * self.fs)
            join = round(position[at - 1] + early - piece.beats[0])
            back = position[min(at + count, len(position) - 1)] - round(_PR_S * self.fs)
            if len(sinus) < count + 2 or not sinus.all() or join <= begun:
                at += 1
                continue
            here = (position >= begun) & (position < join)
            moved[here] = position[here] + tape.add(begun, join, 0)
            moved[at : at + count] = tape.append((turned * piece.signal[order]).astype(np.float32)) + piece.beats
            label[at : at + count] = V
            begun = back
            at += count + int(generator.geometric(often))
        here = position >= begun
        moved[here] = position[here] + tape.add(begun, strip.shape[1], 0)
        return tape.cut(strip.shape[1]), moved, label


def _pieces(record: PreparedRecord, fs: float, n_leads: int) -> list[_Piece]:
    """Single V beats and pairs between sinus beats of a record, up to a maximum number."""
    position, label = record.position, record.label
    signal = record.conditioned[:n_leads]
    if len(signal) < n_leads:
        return []
    sinus = position[label == N]
    if len(sinus) < 50:
        return []
    size = qrs_size(signal, sinus[:: max(len(sinus) // 200, 1)], fs)
    pieces = []
    for at in np.flatnonzero((label[1:-3] == V) & (label[:-4] == N)) + 1:
        count = 1 if label[at + 1] == N else 2
        if label[at + count] != N or label[at + count - 1] != V:
            continue
        around = slice(max(at - 8, 0), at + 8)
        between = np.diff(position[around])[(label[around][1:] == N) & (label[around][:-1] == N)]
        start, stop = position[at] - round(_BEFORE_S * fs), position[at + count] - round(_PR_S * fs)
        if len(between) < 3 or start < 0 or stop - position[at + count - 1] < 0.3 * fs:
            continue
        rr = float(np.median(between))
        piece = signal[:, start:stop] / np.maximum(size, 1e-12)
        if stop - start > _LONGEST_S * fs or not np.isfinite(piece).all() or np.abs(np.ptp(piece)) > _LARGEST:
            continue
        # What lies under it is another patient's.
        piece = piece - piece[:, :1]
        coupling = float((position[at] - position[at - 1]) / rr)
        pieces.append(_Piece(piece.astype(np.float32), position[at : at + count] - start, coupling, rr / fs))
    return pieces[:: max(len(pieces) // _PER_RECORD, 1)]

"""Rhythm classes, and the mapping of WFDB rhythm annotations onto them.

A rhythm note is the auxiliary text of a ``+`` annotation, such as ``(AFIB``. It holds from its sample to that of the
next one (WFDB Applications Guide, annot(5); the codes are those of the MIT-BIH Arrhythmia Database Directory).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RHYTHM_CLASSES = ("N", "AFIB", "AFL", "SVTA", "VT", "B", "T", "P", "OTHER")
"""N: sinus rhythm of any rate; AFIB, AFL: atrial fibrillation, flutter; SVTA: supraventricular tachyarrhythmia; VT:
ventricular tachycardia; B, T: ventricular bigeminy, trigeminy; P: paced; OTHER: any other rhythm with a name."""

RHYTHM_CHANGE = "+"
"""Symbol of the annotations whose note names a rhythm; the notes of other symbols are comments or ST changes."""
RHYTHM_END = ")"
"""Note of a rhythm change to none that is known, as the Icentia11k database has it."""

_CLASS_OF_CODE = {name: name for name in RHYTHM_CLASSES[:-1]} | {"SBR": "N"}
"""Sinus bradycardia (SBR) is sinus rhythm: slow is a rate, which the R peaks tell. All other codes are OTHER: AB
(atrial bigeminy), BII (second-degree block), IVR (idioventricular), NOD (nodal), PREX (pre-excitation), VFL
(ventricular flutter), and those of other databases, such as J (junctional) in the MIT-BIH AF Database."""


def rhythm_class(aux: str) -> str | None:
    """Class of a rhythm annotation, with or without trailing NUL: ``(AFIB`` is AFIB; None where it names no rhythm."""
    note = aux.split("\0", maxsplit=1)[0].strip()
    code = note.removeprefix("(").upper()
    if code == note.upper() or not code.isalnum():
        return None
    return _CLASS_OF_CODE.get(code, "OTHER")


def rhythm_changes(
    sample: Sequence[int] | np.ndarray, symbol: Sequence[str] | np.ndarray, aux: Sequence[str] | np.ndarray
) -> tuple[np.ndarray, list[str | None]]:
    """Positions where rhythms begin.

    Args:
        sample: sample numbers of all annotations of a file, (n,), in any order.
        symbol: their symbols, (n,).
        aux: their notes, (n,).

    Returns:
        sample numbers, int64 (k,), strictly ascending, and the class that begins at each, None where one ends and no
        other begins; of several notes at one sample the last counts.
    """
    begins: dict[int, str | None] = {}
    for place in np.argsort(np.asarray(sample, np.int64), kind="stable"):
        if str(symbol[place]) != RHYTHM_CHANGE:
            continue
        note = str(aux[place])
        name = rhythm_class(note)
        if name is not None or note.rstrip("\0").strip() == RHYTHM_END:
            begins[int(sample[place])] = name
    return np.fromiter(begins, np.int64, len(begins)), list(begins.values())


def rhythm_of_beats(
    sample: Sequence[int] | np.ndarray,
    symbol: Sequence[str] | np.ndarray,
    aux: Sequence[str] | np.ndarray,
    peaks: Sequence[int] | np.ndarray,
) -> list[str | None]:
    """Rhythm class of each beat from the rhythm annotations of a file.

    Args:
        sample, symbol, aux: all annotations of the file, as in :func:`rhythm_changes`.
        peaks: R peaks as sample numbers on the same time base, (m,).

    Returns:
        m classes; None before the first rhythm note, so everywhere in a file that has none, and after one that ends a
        rhythm.
    """
    start, name = rhythm_changes(sample, symbol, aux)
    in_force = np.searchsorted(start, np.asarray(peaks, np.int64), side="right") - 1
    return [name[place] if place >= 0 else None for place in in_force]

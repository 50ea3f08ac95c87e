"""Common result of the image readers: slices that decode themselves, and the stack built from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.core.file_names import readable
from readers.image_stack import ImageStack

MAX_SLICES = 20_000
Decoded = tuple[np.ndarray, tuple[str, ...]]


@dataclass(frozen=True)
class Slice:
    """One slice with its header.

    Attributes:
        file: where it comes from.
        name: file or page, for people.
        height: rows that the header states.
        width: columns that it states.
        dtype: type of the decoded values.
        decode: gives the pixels (height, width) and notes on them.
        samples: gives what is stored, (height, width) or (height, width, channels), for who wants the colours; None
            where the format has none.
    """

    file: Path
    name: str
    height: int
    width: int
    dtype: np.dtype
    decode: Callable[[], Decoded] = field(repr=False)
    samples: Callable[[], np.ndarray] | None = field(default=None, repr=False)

    def as_type(self, dtype: np.dtype) -> Slice:
        """The slice converted to another dtype."""
        if dtype == self.dtype:
            return self

        def decode() -> Decoded:
            pixels, notes = self.decode()
            return pixels.astype(dtype), notes

        return replace(self, dtype=dtype, decode=decode)


@dataclass(frozen=True)
class Reading:
    """Result of reading a file, or the files of one stack; attributes as in ``ImageStack``."""

    slices: tuple[Slice, ...]
    format: str
    spacing_mm: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    inverted: bool = False
    value_unit: str = ""
    notes: tuple[str, ...] = ()
    slice_mm: tuple[float, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    files: tuple[Path, ...] = ()
    """Files of the stack, where they are not those of the slices."""


def undecodable(which: str = "it") -> str:
    """Error message for a slice that its decoder finds damaged; ``which`` names it, such as "page 3"."""
    return f"{which} is damaged or truncated and cannot be decoded; export it again."


class DecodedSlices:
    """Source of a stack that decodes on access and caches the last slice."""

    def __init__(self, slices: Sequence[Slice], keep_alive: object = None, files: Sequence[Path] = ()):
        self._slices = tuple(slices)
        self._keep_alive = keep_alive
        self._last: tuple[int, Decoded] | None = None
        self._lock = threading.Lock()
        self.files = tuple(files) or tuple(dict.fromkeys(one.file for one in slices))

    def read(self, index: int) -> np.ndarray:
        """A copy of a slice's pixels."""
        return self.decode(index)[0].copy()

    def decode(self, index: int) -> Decoded:
        """Pixels of a slice, and notes on them.

        Raises:
            ReadError: the file is damaged or gone, or memory is short; in a sentence that names it.
        """
        with self._lock:
            if self._last is not None and self._last[0] == index:
                return self._last[1]
        wanted = self._slices[index]
        try:
            decoded = wanted.decode()
        except MemoryError as error:
            raise ReadError(wanted.file, "there is not enough memory to decode it; reduce its size.") from error
        except OSError as error:
            raise ReadError(wanted.file, f"it cannot be read ({error.strerror or error}); check the file.") from error
        with self._lock:
            self._last = (index, decoded)
        return decoded


def stack_of(name: str, reading: Reading, keep_alive: object = None) -> ImageStack:
    """The stack of a reading. Decodes its first slice, so that every opened picture can be shown.

    Args:
        name: what to call it.
        reading: what the reader found, with at least one slice.
        keep_alive: something that must exist as long as the stack, such as the folder of an unpacked zip.

    Raises:
        ReadError: more slices than a stack may have, or a damaged first slice.
    """
    if len(reading.slices) > MAX_SLICES:
        raise ReadError(
            reading.slices[0].file, f"it has {len(reading.slices)} slices; open at most {MAX_SLICES} at once."
        )
    dtype = np.result_type(*{one.dtype for one in reading.slices})
    slices = [one.as_type(dtype) for one in reading.slices]
    source = DecodedSlices(slices, keep_alive, reading.files)
    first, notes = source.decode(0)
    return ImageStack(
        name=readable(name),
        n_slices=len(slices),
        height=first.shape[0],
        width=first.shape[1],
        dtype=first.dtype,
        source=source,
        format=reading.format,
        spacing_mm=reading.spacing_mm,
        slice_names=tuple(readable(one.name) for one in slices),
        window=reading.window,
        inverted=reading.inverted,
        warnings=(*reading.notes, *_differences(slices), *notes),
        value_unit=reading.value_unit,
        slice_mm=reading.slice_mm,
        tags=reading.tags,
    )


def _differences(slices: Sequence[Slice]) -> list[str]:
    sizes = {(one.height, one.width) for one in slices}
    if len(sizes) < 2:
        return []
    shown = ", ".join(f"{height} x {width}" for height, width in sorted(sizes)[:3])
    return [f"The slices differ in size ({shown}{' ...' if len(sizes) > 3 else ''}): are they of one object?"]

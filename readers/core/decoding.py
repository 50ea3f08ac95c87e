"""Translates a decoder's exceptions on damaged bytes to ReadError, and lets errors of our own code through.

:func:`decoding` goes around the call of a decoder and around nothing else: no bound of ours is checked in it, no value
converted, no set-up done.
"""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike

from readers.core.errors import ReadError

DAMAGE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    SyntaxError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What pydicom, Pillow, tifffile, imagecodecs, SciPy, NumPy, wfdb and zipfile raise where bytes are not as they expect
them. A name that is not there, a module that is missing, or too little memory is never the file's fault."""


@contextmanager
def decoding(file: str | PathLike[str], fault: str, *more: type[Exception]) -> Iterator[None]:
    """Context manager: turns exceptions of a decoder on a damaged file into a ReadError.

    Args:
        file: what is decoded.
        fault: the sentence for the person; ``{error}`` in it stands for the decoder's own words.
        more: exceptions of the decoder's own that are none of :data:`DAMAGE`; OSError, where the decoder opens the file
            and its name may be wrong.

    Raises:
        ReadError: in place of :data:`DAMAGE`, ``more``, and of an OSError that no call of the system made: that is how
            Pillow says "damaged".
        OSError: the system's own (a file that is gone, a disk that fails), unless ``more`` names it.
    """
    damage: tuple[type[Exception], ...] = (*DAMAGE, *more)
    try:
        yield
    except OSError as error:
        if error.errno is not None and OSError not in more:
            raise
        raise ReadError(file, fault.replace("{error}", str(error))) from error
    except damage as error:
        raise ReadError(file, fault.replace("{error}", str(error))) from error


def pydicom_errors() -> tuple[type[Exception], ...]:
    """Exceptions that pydicom raises in addition to :data:`DAMAGE`."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return InvalidDicomError, BytesLengthException, StopIteration

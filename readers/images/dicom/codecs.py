"""imagecodecs decoders for the JPEG family in DICOM: lossless JPEG, JPEG-LS and JPEG 2000 of 16 bits.

pydicom decodes 8-bit JPEG and RLE by itself; for the rest it takes plug-ins. Each frame is decoded into an
array of the size that the header states, so a stream that claims another one is refused before it is decoded.
On a damaged JPEG-LS stream CharLS can work for minutes before it gives up, so the wait for a frame is bounded.
Source: DICOM PS3.5 A.4; pydicom's guide to decoder plug-ins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from pydicom import uid

from readers.core.once import once
from readers.images.dicom.boxes import guard_boxes

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

_CODECS = {
    uid.JPEGExtended12Bit: "jpeg_decode",
    uid.JPEGLossless: "jpeg_decode",
    uid.JPEGLosslessSV1: "jpeg_decode",
    uid.JPEGLSLossless: "jpegls_decode",
    uid.JPEGLSNearLossless: "jpegls_decode",
    uid.JPEG2000Lossless: "jpeg2k_decode",
    uid.JPEG2000: "jpeg2k_decode",
    uid.HTJ2KLossless: "jpeg2k_decode",
    uid.HTJ2KLosslessRPCL: "jpeg2k_decode",
    uid.HTJ2K: "jpeg2k_decode",
}
PATIENCE_S, PATIENCE_S_PER_PIXEL = 10.0, 1.5e-6
"""How long a frame may take: five times what the slowest sound one does (JPEG 2000 of noise, 0.3 s a megapixel)."""
_DAMAGE = (RuntimeError, ValueError, TimeoutError)
"""What imagecodecs raises for a damaged frame (its codecs' errors are RuntimeErrors), and one that takes too long."""
_own = threading.local()
DECODER_DEPENDENCIES = dict.fromkeys(_CODECS, ("numpy", "imagecodecs"))


def unread_syntax(transfer_syntax: str) -> str:
    """The name of a transfer syntax that no decoder here reads; empty for one that is read."""
    from pydicom.pixels import get_decoder

    add_codecs()
    syntax = uid.UID(transfer_syntax)
    try:
        read = get_decoder(syntax).is_available
    except NotImplementedError:
        read = False
    return "" if read else syntax.name


def is_available(transfer_syntax: str) -> bool:
    """Whether frames of a transfer syntax can be decoded here (called by pydicom)."""
    return transfer_syntax in _CODECS and find_spec("imagecodecs") is not None


@once
def add_codecs() -> None:
    """Register this plug-in with pydicom, as a fallback for its own decoders."""
    from pydicom.pixels import get_decoder

    guard_boxes()
    for syntax in _CODECS:
        get_decoder(syntax).add_plugin("imagecodecs", (__name__, "decode_frame"))


@contextmanager
def own_faults() -> Iterator[None]:
    """Context of pydicom's decoding that re-raises an error of this plug-in as itself.

    pydicom takes whatever a plug-in raises for damage to the frame and goes on to the next one.
    """
    _own.fault = None
    try:
        yield
    finally:
        fault, _own.fault = _own.fault, None
        if fault is not None:
            raise fault


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    """Samples of one encoded frame (called by pydicom in the requesting thread)."""
    try:
        return _decode(src, runner)
    except _DAMAGE:
        raise
    except Exception as error:
        _own.fault = error
        raise


def _decode(src: bytes, runner: DecodeRunner) -> bytes:
    import imagecodecs

    samples = runner.samples_per_pixel
    shape = (runner.rows, runner.columns) if samples == 1 else (runner.rows, runner.columns, samples)
    dtype = np.dtype(np.uint8 if runner.bits_stored <= 8 else np.uint16)
    decode = getattr(imagecodecs, _CODECS[runner.transfer_syntax])
    out = np.empty(shape, dtype)
    _within(PATIENCE_S + PATIENCE_S_PER_PIXEL * out.size, lambda: decode(src, out=out))
    runner.set_option("bits_allocated", 8 * dtype.itemsize)
    runner.set_option("planar_configuration", 0)
    return out.tobytes()


def _within(seconds: float, work: Callable[[], object]) -> None:
    """Run with a time limit; a thread that exceeds it is abandoned.

    Raises:
        TimeoutError: it is not done by then.
        Exception: what the work raised.
    """
    raised: list[Exception] = []

    def attempt() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            raised.append(error)

    thread = threading.Thread(target=attempt, name="decode-frame", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"not decoded within {seconds:g} s")
    if raised:
        raise raised[0]

"""Readers of all file formats, one folder each, and their results: Recording, ImageStack, EcgPicture.

The lowest floor: training and dashboard read through the same decoders. ``open_recording`` is loaded with NumPy when it
is first asked for, since errors and names of this floor serve processes that need neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from readers.opening import FORMATS, Format, open_recording
    from readers.request import NeedsDetails

__all__ = ["FORMATS", "Format", "NeedsDetails", "open_recording"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from readers import opening

    return getattr(opening, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

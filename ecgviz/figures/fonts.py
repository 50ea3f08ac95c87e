"""The fonts of pictures and reports: DejaVu Sans, which comes with matplotlib, for Latin, Greek and Cyrillic letters;
and for Chinese, Japanese and Korean ones a font of the system, where there is one.

No package that is installed here brings a font with them. A PDF names one that its reader brings; a picture that is
drawn on a system without such a font has them romanised, since boxes say nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from readers.core.once import once

EAST_ASIAN = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]+"
)
"""Runs of letters that DejaVu Sans lacks."""
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_FILES = re.compile(
    r"(nanum(gothic|barungothic)|malgun|applegothic|undotum|notosans(cjk|kr|jp|sc)|msgothic|simhei|wqy)[^/\\]*\.tt[fc]$",
    re.I,
)


def font_file(*, bold: bool = False) -> Path:
    """DejaVu Sans as a TrueType file."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@once
def east_asian_font_files() -> tuple[Path, ...]:
    """TrueType files of this system that may hold Chinese, Japanese or Korean letters, Korean ones first."""
    from matplotlib.font_manager import findSystemFonts

    found = [Path(name) for name in findSystemFonts(fontext="ttf") if _FILES.search(Path(name).name)]
    return tuple(
        sorted(found, key=lambda path: (not re.match(r"nanum|malgun|applegothic|undotum", path.name, re.I), path))
    )


def script_of(text: str) -> str:
    """ "korean", "japanese" or "chinese": the language whose fonts have these East Asian letters."""
    return "korean" if _HANGUL.search(text) else "japanese" if _KANA.search(text) else "chinese"


def text_runs(text: str, size: int) -> list[tuple[str, Any]]:
    """Text as runs of (letters, Pillow font of ``size`` pixels) that can be drawn one behind the other.

    East Asian letters are romanised where no font of this system has them.
    """
    return [(run, _pillow_font(file, size)) for run, file in _runs(unicodedata.normalize("NFC", text))]


def text_width(text: str, size: int) -> float:
    """Width of :func:`text_runs` in pixels."""
    return sum(font.getlength(run) for run, font in text_runs(text, size))


def _runs(text: str) -> Iterator[tuple[str, Path]]:
    end = 0
    for found in EAST_ASIAN.finditer(text):
        if found.start() > end:
            yield text[end : found.start()], font_file()
        font = next((one for one in east_asian_font_files() if _has(one, found[0])), None)
        yield (romanised(found[0]), font_file()) if font is None else (found[0], font)
        end = found.end()
    if end < len(text):
        yield text[end:], font_file()


def romanised(text: str) -> str:
    """East Asian letters by the sounds of their Unicode names, such as "geum-sog"; by number where a name has none."""
    sounds = []
    for letter in text:
        kind, _, sound = unicodedata.name(letter, "").rpartition(" ")
        spoken = kind.endswith(("SYLLABLE", "LETTER", "LETTER SMALL")) or "JUNGSEONG" in kind or "SEONG" in kind
        sounds.append(sound.lower() if spoken else f"U+{ord(letter):04X}")
    return "-".join(sounds)


@cache
def _pillow_font(file: Path, size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(file, size)


@cache
def _letters(file: Path) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(str(file)).get_charmap())


def _has(file: Path, letters: str) -> bool:
    try:
        return all(ord(one) in _letters(file) for one in letters)
    except (OSError, RuntimeError):  # a font that matplotlib's FreeType cannot read
        return False

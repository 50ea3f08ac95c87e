"""The fonts of pictures and reports: DejaVu Sans, which comes with matplotlib, for Latin, Greek and Cyrillic letters;
and for Chinese, Japanese and Korean ones a font of the system, where there is one."""

from __future__ import annotations

import re
from pathlib import Path

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

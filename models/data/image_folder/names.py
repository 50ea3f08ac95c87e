"""What people call a good part and a bad one, in the languages of factories, and which names are neither.

The names of the configuration come first; these follow. A name is looked at as a whole and then word by word, so that
``ok_front`` and ``def_front`` are understood; compared as Unicode NFC without case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.config.image import ImageDataConfig
from readers.images.companions import plain_name

NORMAL, DEFECT = 0, 1
NORMAL_NAMES = frozenset({
    "normal", "good", "ok", "okay", "pass", "passed", "accept", "accepted", "healthy", "intact", "clean", "flawless",
    "nondefective", "non_defective", "non-defective", "defect_free", "defect-free", "defectfree", "no_defect",
    "no-defect", "nodefect", "free", "fine", "0", "negative",
    "정상", "양품", "합격", "良品", "合格", "正常", "良", "gut", "io", "i.o.", "bon", "bueno", "buono",
})  # fmt: skip
DEFECT_NAMES = frozenset({
    "defect", "defects", "defective", "def", "bad", "ng", "nok", "not_ok", "not-ok", "notok", "not_good", "fail",
    "failed", "failure", "fault", "faulty", "abnormal", "anomaly", "anomalies", "anomalous", "reject", "rejected",
    "damaged", "1", "positive",
    "불량", "결함", "비정상", "이상", "불합격", "不良", "不良品", "不合格", "缺陷", "异常", "異常", "schlecht",
    "ausschuss", "nio", "n.i.o.", "defaut", "malo",
})  # fmt: skip
UNDECIDED = frozenset({
    "", "unknown", "unlabeled", "unlabelled", "unsorted", "undecided", "review", "todo", "other", "others", "misc",
    "미분류", "未分类", "none", "nan", "n/a", "na", "-", "?",
})  # fmt: skip
_NOT = {"not", "no", "non"}


@dataclass(frozen=True)
class ClassNames:
    """How the labels of a set are understood.

    Attributes:
        normal: names of the configuration that mean normal.
        defect: names of it that mean defect.
    """

    normal: frozenset[str]
    defect: frozenset[str]

    @classmethod
    def of(cls, config: ImageDataConfig) -> ClassNames:
        """The names that a configuration gives."""
        normal, defect = ({plain_name(name).strip() for name in names} for names in (config.normal, config.defect))
        return cls(frozenset(normal), frozenset(defect))

    def known(self, name: str) -> int | None:
        """0 or 1 for a name that says normal or defect, None for any other."""
        plain = _number(plain_name(name).strip())
        for names, label in ((self.normal, NORMAL), (self.defect, DEFECT)):
            if plain in names:
                return label
        if plain in NORMAL_NAMES:
            return NORMAL
        if plain in DEFECT_NAMES:
            return DEFECT
        words = [word for word in re.split(r"[\s_\-.]+", plain) if word]
        named = {NORMAL} & {NORMAL for word in words if word in NORMAL_NAMES and not word.isdigit()}
        named |= {DEFECT for word in words if word in DEFECT_NAMES and not word.isdigit()}
        if len(words) < 2 or len(named) != 1 or _NOT & set(words):
            return None
        return named.pop()

    def harmless(self, box_type: str) -> bool:
        """Whether a box is around something that is as it should be; a number says nothing of that."""
        return not box_type.isdigit() and self.known(box_type) == NORMAL

    def undecided(self, name: str) -> bool:
        """Whether a name says that nobody has judged the pictures."""
        return plain_name(name).strip() in UNDECIDED and self.known(name) is None

    def type_of(self, name: str) -> str:
        """The type of defect that a name states, as it is written; empty where it says no more than "defect"."""
        return "" if self.known(name) is not None else name.strip()


def _number(name: str) -> str:
    """``1.0`` as a table that went through a spreadsheet has it, as ``1``."""
    return name[:-2] if re.fullmatch(r"[01]\.0", name) else name

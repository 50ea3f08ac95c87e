"""Beat classes of ANSI/AAMI EC57 and how the annotation symbols of PhysioNet map onto them."""

from __future__ import annotations

import numpy as np

AAMI_CLASSES = ("N", "S", "V", "F", "Q")
"""N: from the sinus or AV node and bundle branch blocks; S: supraventricular, premature or ectopic;
V: from the ventricles; F: fusion of V and N; Q: paced or unclassifiable (EC57:2012, table 3)."""

_SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
CLASS_OF_SYMBOL = {symbol: index for index, name in enumerate(AAMI_CLASSES) for symbol in _SYMBOLS[name]}


def aami_classes(symbols: np.ndarray) -> np.ndarray:
    """Class index of each annotation symbol, int64 (n,); -1 where the symbol marks no beat (``+ ~ | x ! [ ] "``)."""
    return np.array([CLASS_OF_SYMBOL.get(str(symbol), -1) for symbol in symbols], dtype=np.int64)

import json
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.figures.packed_arrays import pack, unpack

_TYPES = ("int8", "uint8", "int16", "int32")


@settings(max_examples=40, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.sampled_from(_TYPES), st.integers(0, 7), st.integers(0, 5)), max_size=4),
    text=st.text(max_size=20),
    seed=st.integers(0, 99),
)
def test_header_and_arrays_come_back_and_lie_where_a_browser_can_view_them(shapes, text, seed):
    rng = np.random.default_rng(seed)
    arrays = {
        f"{place}": rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, (rows, columns), endpoint=True, dtype=kind)
        for place, (kind, rows, columns) in enumerate(shapes)
    }
    packed = pack({"said": text}, arrays)
    header, found = unpack(packed)
    assert header == {"said": text} and set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    raw = zlib.decompress(packed)
    size = int.from_bytes(raw[:4], "little")
    places = json.loads(raw[4 : 4 + size])["arrays"]
    assert all(offset % 8 == 0 for _, _, offset in places.values()), "an Int32Array begins at a multiple of its size"


def test_what_a_browser_cannot_read_is_refused():
    with pytest.raises(ValueError, match="float64"):
        pack({}, {"a": np.zeros(3)})
    with pytest.raises(ValueError, match="JSON"):
        pack({"a": float("nan")})

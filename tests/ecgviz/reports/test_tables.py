import csv
import io

import numpy as np
import pytest

from ecgviz.reports.tables import beat_table, beats_csv, write_beats_csv
from ecgviz.results import Beats


def beats(n: int = 4) -> Beats:
    prob = np.full((n, 5), 0.05, np.float32)
    prob[np.arange(n), np.arange(n) % 5] = 0.8
    return Beats(np.arange(1, n + 1, dtype=np.int64) * 360, prob, tuple("NSVFQ"), 360.0, "beat-strip", ("MLII",))


def test_columns_and_values():
    rows = list(csv.DictReader(io.StringIO(beats_csv(beats()))))
    assert list(rows[0]) == [
        "sample", "time_s", "label", "prob_N", "prob_S", "prob_V", "prob_F", "prob_Q",
        "entropy", "rr_before_ms", "rr_after_ms",
    ]  # fmt: skip
    assert rows[1]["sample"] == "720" and float(rows[1]["time_s"]) == 2.0 and rows[1]["label"] == "S"
    assert rows[1]["prob_S"] == "0.8" and rows[1]["prob_N"] == "0.05"
    assert float(rows[1]["rr_before_ms"]) == float(rows[1]["rr_after_ms"]) == 1000
    assert rows[0]["rr_before_ms"] == "" == rows[-1]["rr_after_ms"]
    expected = -(0.8 * np.log2(0.8) + 4 * 0.05 * np.log2(0.05))
    assert float(rows[0]["entropy"]) == pytest.approx(expected, abs=1e-3)


def test_no_beats_give_the_header_alone():
    assert beats_csv(beats(0)).count("\n") == 1
    assert len(beat_table(beats(0))) == 0


def test_the_file_is_written_whole_or_not_at_all(tmp_path):
    path = write_beats_csv(beats(), tmp_path / "new" / "beats.csv")
    assert path.read_text() == beats_csv(beats())
    with pytest.raises(AttributeError):
        write_beats_csv(None, path)
    assert path.read_text() == beats_csv(beats())
    assert [entry.name for entry in path.parent.iterdir()] == ["beats.csv"]

"""File names that are no UTF-8, or hold what breaks a line: every result is written, and the name can be read back."""

from __future__ import annotations

import codecs
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ecgviz.__main__ import main
from ecgviz.analysis.overrides import override, read_overrides
from ecgviz.errors import ReadError
from ecgviz.reports.inspection import verdicts_csv
from ecgviz.results import Verdict
from models.core.files import rows_file, write_file
from readers.core.file_names import readable
from tests.ecgviz.simulated import sheet

ROOT = Path(__file__).resolve().parents[2]
NAME = os.fsdecode(b"caf\xe9")
SHOWN = r"caf\xe9"


def back(text: str) -> bytes:
    """The bytes of a name from what :func:`readable` wrote, as docs/ say."""
    return re.sub(
        rb"\\(\\|x([0-9a-f]{2}))", lambda match: b"\\" if match[2] is None else codecs.decode(match[2], "hex"),
        text.encode(),
    )  # fmt: skip


@given(
    name=st.one_of(
        st.binary(min_size=1, max_size=12), st.text(max_size=12).map(lambda text: text.encode("utf-8", "ignore"))
    )
)
@settings(max_examples=300, deadline=None)
def test_a_name_is_written_in_one_line_of_text_and_read_back(name: bytes) -> None:
    text = readable(os.fsdecode(name))
    assert back(text) == name
    assert len(text.splitlines()) <= 1
    if name.isalnum() and name.isascii():
        assert text == name.decode()
    if b"\n" not in name and b"/" not in name and name.strip():
        message = str(ReadError(os.fsdecode(name), "is damaged; copy it again"))
        assert message.encode().decode() == message


def names_in(folder: Path) -> set[bytes]:
    return {os.fsencode(entry.name) for entry in folder.iterdir()}


def picture(folder: Path, name: str) -> Path:
    path = folder / name
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)).save(path, "PNG")
    return path


def table(folder: Path, name: str, seconds: int = 12) -> Path:
    """A drawn ECG of one lead at 250 Hz."""
    time_s = np.arange(seconds * 250) / 250
    beats = sum(np.exp(-(((time_s - at) / 0.012) ** 2)) for at in np.arange(0.5, seconds, 0.8))
    beats += np.random.default_rng(0).normal(0, 0.02, len(beats))
    path = folder / name
    np.savetxt(path, beats, header="II", comments="", fmt="%.4f")
    return path


def test_inspect_keeps_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.png", f"{NAME}.png", "two\nlines.png", "back\\slash.png"):
        picture(folder, name)
    (folder / f"bad{NAME}.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    files = {name: tmp_path / name for name in ("v.csv", "r.pdf", "overlays")}
    places = ["--csv", str(files["v.csv"]), "--pdf", str(files["r.pdf"]), "--overlays", str(files["overlays"])]
    assert main(["inspect", str(folder), *places]) == 1
    rows = list(csv.DictReader(files["v.csv"].read_text(encoding="utf-8-sig").splitlines()))
    assert {back(Path(row["path"]).name) for row in rows} == names_in(folder)
    assert [row["path"] for row in rows if row["error"]] == [f"{folder}/bad{SHOWN}.png"]
    assert rows[2]["error"].startswith(rf"bad{SHOWN}.png: ")
    assert files["r.pdf"].read_bytes().startswith(b"%PDF")
    assert len(list(files["overlays"].iterdir())) == 4
    assert rf"error: bad{SHOWN}.png" in capsys.readouterr().err


def test_analyze_writes_recordings_of_a_folder_and_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.csv", f"{NAME}.csv"):
        table(folder, name)
    (folder / f"bad{NAME}.csv").write_bytes(b"\xff\xfe\0\0nothing")
    common = ["--fs", "250", "--unit", "mV", "--checkpoint", "beat-strip"]
    places = ["--json", str(out), "--csv", str(out), "--atr", str(out)]
    assert main(["analyze", str(folder), *common, *places]) == 1
    assert {b"a.json", b"a.csv", b"caf\xe9.json", b"caf\xe9.csv"} < names_in(out)
    document = json.loads((out / f"{NAME}.json").read_text(encoding="utf-8"))
    assert document["record"] == SHOWN
    said = capsys.readouterr()
    assert f"{SHOWN}: 12.0 s" in said.out
    assert rf"error: bad{SHOWN}.csv: " in said.err
    assert main(["analyze", str(folder / f"{NAME}.csv"), *common, "--json", str(tmp_path / "one.json")]) == 0
    assert json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))["record"] == SHOWN


def test_a_picture_of_paper_too(tmp_path: Path) -> None:
    Image.fromarray(sheet()).save(tmp_path / f"{NAME}.png", "PNG")
    arguments = ["--checkpoint", "ecg-paper-lite0", "--json", str(tmp_path / "p.json")]
    assert main(["analyze", str(tmp_path / f"{NAME}.png"), *arguments]) == 0
    assert json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))["picture"] == SHOWN


def test_the_output_of_a_real_terminal_takes_any_name(tmp_path: Path) -> None:
    table(tmp_path, f"{NAME}.csv")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "ecgviz", "analyze", f"{NAME}.csv", "--fs", "250", "--unit", "mV"], cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SHOWN.encode() in done.stdout


def verdict(file: str) -> Verdict:
    return Verdict(
        file=file, slice_index=None, sha256="0" * 64, verdict="defect", score=0.9, threshold=0.5, grey_zone=None,
        operating_point_version="1", checkpoint="x", checkpoint_sha256="1" * 64, distance=None, in_distribution=None,
        seconds=0.0, error="", slice_scores=(0.9,),
    )  # fmt: skip


def test_the_export_of_the_batch_page_and_the_log_of_decisions(tmp_path: Path) -> None:
    one = verdict(f"/x/{NAME}.png")
    assert rf"/x/{SHOWN}.png" in verdicts_csv([one]).decode("utf-8-sig")
    override(one, "normal", reason="seen", who="me", path=tmp_path / "log.jsonl")
    (kept,) = read_overrides(tmp_path / "log.jsonl")
    assert kept.file == rf"{SHOWN}.png"


def test_rows_are_on_the_disk_before_the_next_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.csv"

    def stopped_after_two() -> None:
        with rows_file(path, ("a", "b")) as write:
            for number in range(2):
                write({"a": number, "b": NAME})
                assert len(path.read_text().splitlines()) == number + 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_after_two()
    assert path.read_text().splitlines()[0] == "a,b"
    assert len(path.read_text().splitlines()) == 3
    write_file(tmp_path / "text", f"{NAME}\n")
    assert (tmp_path / "text").read_text().startswith("caf")


def test_what_an_inspection_found_stays_when_it_is_interrupted(tmp_path: Path) -> None:
    folder, rows = tmp_path / "pictures", tmp_path / "v.csv"
    folder.mkdir()
    generator = np.random.default_rng(0)
    pictures, kinds = 2000, 50
    for number in range(pictures):
        path = folder / f"{number:04d}.png"
        if number < kinds:
            values = generator.integers(0, 255, (1600, 1600), dtype=np.uint8)
            Image.fromarray(values).save(path, compress_level=0)
        else:  # so many that no delay of this process lets the last one come
            path.hardlink_to(folder / f"{number % kinds:04d}.png")
    # Where the tests run in the background SIGINT is ignored, and what they start would ignore it too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(
        # It gives way to this process, which must notice the first rows before the last ones are there.
        ["nice", "-n", "19", sys.executable, "-m", "ecgviz", "inspect", str(folder), "--csv", str(rows)],
        cwd=ROOT, stderr=subprocess.PIPE,
        env={**os.environ, "ECGVIZ_HOME": str(tmp_path / "home")}, text=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and running.poll() is None:
            if rows.exists() and len(rows.read_text().splitlines()) > 1:
                break
            time.sleep(0.05)
        assert running.poll() is None, "it was over before it could be interrupted"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "interrupted; what was written stays" in said
    assert "Traceback" not in said
    found = list(csv.DictReader(rows.read_text(encoding="utf-8-sig").splitlines()))
    assert 0 < len(found) < pictures
    assert [Path(row["path"]).name for row in found] == [f"{number:04d}.png" for number in range(len(found))]
    assert all(row["verdict"] for row in found)


def test_an_evaluation_of_pictures_names_them_too(tmp_path: Path) -> None:
    from models.__main__ import main as models_main

    for label in ("normal", "defect"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for name in ("a.png", f"{NAME}.png"):
            picture(tmp_path / "data" / label, name)
    (tmp_path / "data" / "defect" / f"bad{NAME}.png").write_bytes(b"no picture")
    places = ["--data", str(tmp_path / "data"), "--split", "all", "--json", str(tmp_path / "e.json")]
    assert models_main(["evaluate", "ct-lite0", *places]) == 0
    text = (tmp_path / "e.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert {one["file"] for one in document["files"]} >= {f"normal/{SHOWN}.png", f"defect/{SHOWN}.png"}
    assert "udce9" not in text

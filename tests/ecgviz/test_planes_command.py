"""``python -m ecgviz planes``: pictures and numbers of a volume on the command line."""

from __future__ import annotations

import io
import json

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ecgviz.__main__ import main
from tests.ecgviz.spots import picture, spot_checkpoint
from tests.ecgviz.volumes.test_unroll import roll
from tests.readers.volumes.written import by_hand, by_itk


@pytest.fixture
def cell(tmp_path):
    cube = np.repeat(roll((118.0, 123.0))[None], 6, 0).clip(0, 255).astype(np.uint8)
    return by_itk(tmp_path / "cell.nii.gz", cube)


def test_pictures_and_measures(tmp_path, cell, capsys):
    files = [tmp_path / name for name in ("planes.png", "unrolled.png", "along.png", "known.json")]
    options = zip(("--png", "--unrolled", "--along", "--json"), map(str, files), strict=True)
    given = [*(part for pair in options for part in pair), "--at", "3,100,120", "--thickness", "0.9", "--slab", "max"]
    assert main(["planes", str(cell), *given, "--angle", "90", "--measure", "0,0,0", "5,0,0", "5,10,0"]) == 0
    for file in files[:3]:
        assert min(Image.open(io.BytesIO(file.read_bytes())).size) > 50
    known = json.loads(files[3].read_text())
    assert known["shape_zyx"] == [6, 240, 240]
    assert known["spacing_mm_zyx"] == pytest.approx([0.3, 0.2, 0.1])
    assert known["distance_mm"] == pytest.approx(1.5)
    assert known["angle_deg"] == pytest.approx(90)
    # The slice is drawn round in voxels of 0.2 x 0.1 mm, so the part is an ellipse; the mandrel is its middle.
    assert np.hypot(known["mandrel_yx"][0] - 118, known["mandrel_yx"][1] - 123) < 6
    assert "distance_mm: 1.5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--at", "9,0,0"], "lies outside"), (["--measure", "0,0,0", "6,0,0"], "measure: (6, 0, 0) lies outside"),
        (["--window", "5,5"], "not below its white"), (["--measure", "1,1,1"], "measure nothing"),
        (["--shape", "1,1"], "both a shape"), (["--unrolled", "u.png", "--centre=-5,0"], "outside of the slice"),
    ],
)  # fmt: skip
def test_faults_are_one_sentence(tmp_path, cell, capsys, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    assert main(["planes", str(cell), *options]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("option", ["--thickness", "--angle", "--window", "--centre"])
def test_numbers_are_finite(cell, capsys, option):
    for word in ("nan", "inf"):
        with pytest.raises(SystemExit):
            main(["planes", str(cell), option, word if option in {"--thickness", "--angle"} else f"1,{word}"])
        assert f"{word} is no number" in capsys.readouterr().err


def test_values_without_a_header(tmp_path, capsys):
    path = by_hand(tmp_path / "scan.raw", np.ones((4, 5, 6), np.uint16))
    (tmp_path / "scan.raw.json").unlink()
    assert main(["planes", str(path)]) == 2
    assert "--shape 60,128,128 --dtype uint16" in capsys.readouterr().err
    assert main(["planes", str(path), "--shape", "4,5,6", "--dtype", "uint16", "--spacing", "0.5"]) == 0
    assert "spacing_mm_zyx: [0.5, 0.5, 0.5]" in capsys.readouterr().out


def test_volumes_stand_in_the_report(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    checkpoint = spot_checkpoint(tmp_path, monkeypatch)
    path = by_itk(
        tmp_path / "part7.mha", np.stack([picture(spot, seed) for seed, spot in enumerate([False, True, False])])
    )
    report = tmp_path / "r.pdf"
    places = ["--checkpoint", str(checkpoint.folder), "--csv", str(tmp_path / "v.csv"), "--pdf", str(report)]
    assert main(["inspect", str(path), *places]) == 0
    words = " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(report.read_bytes()))
    assert "Volumes" in words
    assert "3 x 64 x 64" in words
    assert "at z 1" in words

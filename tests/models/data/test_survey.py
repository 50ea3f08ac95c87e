"""What a folder of training data holds, and what is wrong with it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from models.core.errors import ConfigError, ReadError
from models.data import catalogue
from models.data.examples import draw_beats, draw_pictures
from models.data.survey import recognise, survey
from models.data.survey_beat_records import suggested_split
from models.data.survey_result import Survey


@pytest.fixture
def pictures(tmp_path):
    """Class folders of six noisy pictures each."""
    generator = np.random.default_rng(0)
    for kind in ("normal", "defect"):
        folder = tmp_path / "set" / kind
        folder.mkdir(parents=True)
        for number in range(6):
            Image.fromarray(generator.integers(0, 255, (40, 40), np.uint8)).save(folder / f"{kind}{number}.png")
    return tmp_path / "set"


def test_recordings(simulated_root):
    found = survey(simulated_root)
    assert recognise(simulated_root) == found.kind == "recordings"
    assert found.items == 3
    assert set(found.records) == {"sim1", "sim2", "sim3"}
    assert found.classes["N"] > 100
    assert found.hours == pytest.approx(0.1)
    assert found.problems == ()
    assert Survey.from_plain(found.plain()) == found


def test_recordings_with_faults(simulated_root, tmp_path):
    root = tmp_path / "records"
    shutil.copytree(simulated_root, root)
    for end in ("hea", "dat", "atr"):
        (root / f"copy.{end}").write_bytes((root / f"sim1.{end}").read_bytes())
    (root / "copy.hea").write_text((root / "sim1.hea").read_text().replace("sim1", "copy"))
    (root / "sim2.atr").unlink()
    (root / "sim3.dat").write_bytes(b"")
    found = survey(root)
    kinds = {problem.what: problem for problem in found.problems}
    assert kinds["missing"].file == "sim2.hea"
    assert kinds["unreadable"].file == "sim3"
    assert kinds["duplicate"].file == "copy, sim1"
    assert kinds["duplicate"].grave, "one copy would be learnt from, the other chosen by"


def test_suggested_split_keeps_records_whole():
    assert suggested_split(["b", "a"]) == (["a"], ["b"])
    train, validation = suggested_split([f"r{number:02d}" for number in range(20)])
    assert len(validation) == 4
    assert not set(train) & set(validation)
    assert suggested_split(["only"]) == (["only"], [])


def test_pictures_with_faults(pictures):
    (pictures / "normal" / "twice.png").write_bytes((pictures / "normal" / "normal0.png").read_bytes())
    (pictures / "defect" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30))
    found = survey(pictures)
    assert found.kind == "pictures"
    assert found.classes == {"normal": 7, "defect": 6}
    whats = [problem.what for problem in found.problems]
    assert "duplicate" in whats
    assert "unreadable" in whats


def test_pages_are_no_duplicates_of_each_other_and_a_blank_one_is_told(pictures):
    generator = np.random.default_rng(1)
    pages = [Image.fromarray(generator.integers(0, 255, (40, 40), np.uint8)) for _ in range(3)]
    pages.insert(1, Image.new("L", (40, 40)))
    for name in ("stack.tif", "copy.tif"):
        pages[0].save(pictures / "normal" / name, save_all=True, append_images=pages[1:])
    problems = survey(pictures).problems
    doubled = [problem.file for problem in problems if problem.what == "duplicate"]
    assert doubled == [f"normal/copy.tif{page}, normal/stack.tif{page}" for page in ("", ", page 3", ", page 4")]
    blank = [problem.file for problem in problems if "nothing to judge" in problem.words]
    assert blank == ["normal/copy.tif, page 2", "normal/stack.tif, page 2"]


def test_a_table_that_puts_one_picture_on_both_sides(pictures):
    (pictures / "normal" / "twice.png").write_bytes((pictures / "normal" / "normal0.png").read_bytes())
    lines = ["file,label,group,split"]
    for kind in ("normal", "defect"):
        sides = ("train", "train", "validation", "validation", "test", "test")
        lines += [f"{kind}/{kind}{number}.png,{kind},{kind}{number},{sides[number]}" for number in range(6)]
    lines += ["normal/twice.png,normal,twice,test", "normal/gone.png,normal,gone,test"]
    (pictures / "labels.csv").write_text("\n".join(lines) + "\n")
    found = survey(pictures)
    grave = {problem.what for problem in found.problems if problem.grave}
    assert grave == {"duplicate", "missing", "both sides"}


def test_neither_kind(tmp_path):
    with pytest.raises(ReadError, match="no WFDB records"):
        recognise(tmp_path)


def test_stopped(simulated_root):
    with pytest.raises(ReadError, match="as asked"):
        survey(simulated_root, should_stop=lambda: True)


def test_samples(simulated_root, pictures):
    found = survey(simulated_root)
    beats = draw_beats(simulated_root, found.records, seed=1)
    assert [one.letter for one in beats] == [name for name, count in found.classes.items() if count]
    assert all(abs(one.time_s).min() < 0.01 for one in beats)
    rows = draw_pictures(pictures, count=4)
    assert [row.label for row in rows] == [0, 0, 1, 1]


def test_catalogue(simulated_root, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    assert catalogue.list_data_sets() == []
    assert catalogue.register("mine", simulated_root).kind == "recordings"
    catalogue.note_survey("mine", survey(simulated_root))
    (one,) = catalogue.list_data_sets()
    assert one.survey.items == 3
    with pytest.raises(ConfigError):
        catalogue.register("No Name", simulated_root)
    catalogue.forget("mine")
    assert catalogue.list_data_sets() == []
    assert simulated_root.is_dir()

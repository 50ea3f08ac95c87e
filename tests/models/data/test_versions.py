"""Versions of a set of pictures: sides kept, labels changed or added with who and why, the parent untouched."""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from models.__main__ import main
from models.core.errors import ConfigError, ReadError
from models.data.image_folder import SPLITS, load_split
from models.data.version_changes import changes_csv, read_changes
from models.data.versions import Change, list_versions, make_version, read_version, verify
from tests.readers.volumes.written import by_itk, ramp


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 8), np.uint8)).save(path)
    return path


@pytest.fixture
def parent(tmp_path) -> Path:
    root = tmp_path / "set"
    for number in range(20):
        picture(root / ("good" if number % 2 else "bad") / f"{number:02}.png", number)
    return root


def change(path: Path, label: str, **more) -> Change:
    return Change(path, label, "Ana", "2026-01-01T00:00:00", "looked", **more)


def state_of(root: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


def sides_of(root: Path) -> dict[str, dict[str, int]]:
    """Label of each picture by its hash, by side."""
    sides, hashes = load_split(root)
    return {side: {hashes[row.file]: row.label for row in sides[side]} for side in SPLITS}


def test_a_version_keeps_the_sides_and_changes_what_people_changed(parent, tmp_path):
    before, whole = sides_of(parent), state_of(parent)
    sides, hashes = load_split(parent)
    turned, held = sides["train"][0], sides["test"][0]
    new = picture(tmp_path / "line" / "new.png", 99)
    labels = ("normal", "defect")
    made = make_version("cells", [
        change(turned.path, labels[1 - turned.label]), change(held.path, labels[1 - held.label]),
        change(sides["train"][1].path, labels[sides["train"][1].label]), change(new, "defect"),
    ], parent)  # fmt: skip
    assert state_of(parent) == whole, "nothing is written into the parent's folder"
    after = sides_of(made.folder)
    added = hashlib.sha256(new.read_bytes()).hexdigest()
    for side in SPLITS:
        assert set(before[side]) == set(after[side]) - {added}, "a picture of the parent never changes its side"
    flipped = {hashes[turned.file], hashes[held.file]}
    for side in SPLITS:
        assert {name for name, label in before[side].items() if after[side][name] != label} == flipped & set(
            before[side]
        )
    kinds = [one["kind"] for one in made.changes]
    assert kinds == ["changed", "changed", "confirmed", "added"]
    assert {(one["who"], one["why"], one["when"]) for one in made.changes} == {("Ana", "looked", "2026-01-01T00:00:00")}
    assert made.changes[0]["old"] != made.changes[0]["new"]
    assert verify(made) == []


def test_versions_follow_each_other(parent):
    first = make_version("cells", [], parent)
    second = make_version("cells", [], first.folder)
    assert (first.number, second.number) == (1, 2)
    assert second.parent == {"root": str(first.folder), "version": "cells-v1", "sha256": first.sha256}
    assert second.sha256 == first.sha256, "the same labels and pictures"
    assert [one.title for one in list_versions("cells")] == ["cells-v1", "cells-v2"]


def test_two_at_once_get_two_numbers_and_a_damaged_one_keeps_its_own(parent):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make_version("cells", [], parent), range(4)))
    assert sorted(one.number for one in made) == [1, 2, 3, 4]
    assert not any(verify(one) for one in made)
    (made[0].folder.parent / "v0004" / "manifest.json").write_text("{")
    assert make_version("cells", [], parent).number == 5


def test_a_volume_of_two_files_comes_along_whole(tmp_path):
    """Its header alone is no picture, and is the same for many."""
    root = tmp_path / "cells"
    for number in range(6):
        folder = root / ("good" if number % 2 else "bad")
        folder.mkdir(parents=True, exist_ok=True)
        by_itk(folder / f"{number}.mhd", ramp((2, 9, 9), "uint8") + np.uint8(number))
        header = folder / f"{number}.mhd"
        header.write_text(header.read_text().replace(f"{number}.raw", f"{number // 2}.raw"))
        (folder / f"{number}.raw").rename(folder / f"{number // 2}.raw")
    made = make_version("cells", [], root)
    assert len({row["sha256"] for row in made.rows}) == 6
    assert len(load_split(made.folder)[1]) == 6
    assert load_split(made.folder)[0]["train"][0].pixels().shape == (9, 9)
    next(made.folder.rglob("0.raw")).unlink()
    assert len(verify(made)) == 1
    with pytest.raises(ReadError, match="several files"):
        make_version("more", [change(root / "good" / "1.mhd", "normal")])


def test_a_version_outlives_its_parent_and_a_changed_file_is_found(parent):
    made = make_version("cells", [], parent)
    shutil.rmtree(parent)
    assert verify(made) == []
    assert len(load_split(made.folder)[1]) == 20
    file = made.folder / made.rows[0]["file"]
    file.unlink()
    file.write_bytes(b"another")
    (made.folder / made.rows[1]["file"]).unlink()
    assert verify(made) == [made.rows[0]["file"], made.rows[1]["file"]]


def test_masks_boxes_and_groups_come_along(tmp_path):
    root = tmp_path / "set"
    for number in range(6):
        picture(root / f"{number}.png", number)
    picture(root / "masks" / "1.png", 9)
    rows = ["file,label,group,split,mask,boxes"]
    rows += [f"{n}.png,{'defect' if n % 2 else 'normal'},p{n // 2},{'train' if n < 4 else 'test'},"
             f"{'masks/1.png' if n == 1 else ''},{'1 2 3 4 void' if n == 3 else ''}" for n in range(6)]  # fmt: skip
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    made = make_version("m", [], root)
    sides, _ = load_split(made.folder)
    rows = {Path(row.file).stem: row for side in SPLITS for row in sides[side]}
    assert rows["1"].mask.is_file()
    assert [(box.left, box.bottom, box.type) for box in rows["3"].boxes] == [(1, 4, "void")]
    assert rows["5"].group == rows["4"].group
    changed = make_version("m", [change(root / "1.png", "normal")], root)
    sides, _ = load_split(changed.folder)
    assert not any(row.mask for side in SPLITS for row in sides[side]), "a good part has no defect anywhere"


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=6))
def test_added_parts_are_whole_on_one_side(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("added")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGVIZ_HOME", str(folder / "home"))
        changes = [
            change(picture(folder / f"{part}_{number}.png", 100 * part + number), "normal", group=f"part {part}")
            for part, (count, _) in enumerate(parts) for number in range(count)
        ]  # fmt: skip
        sides, _ = load_split(make_version("new", changes).folder)
    where: dict[str, set[str]] = {}
    for side in SPLITS:
        for row in sides[side]:
            where.setdefault(row.group, set()).add(side)
    assert all(len(one) == 1 for one in where.values())
    assert sum(len(rows) for rows in sides.values()) == len(changes)


def test_what_cannot_be_a_version_is_refused_and_leaves_nothing(parent, home, tmp_path):
    for arguments, sentence in (
        (("../x", [], parent), "is no name"),
        (("x", []), "neither a parent set nor a label"),
        (("x", [change(parent / "good" / "01.png", "ok")], parent), "write normal or defect"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            make_version(*arguments)
    with pytest.raises(ReadError, match="though a label was given"):
        make_version("x", [change(tmp_path / "gone.png", "normal")], parent)
    with pytest.raises(ReadError, match="no manifest"):
        read_version(parent)
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_the_command_writes_a_version_that_a_training_takes(parent, tmp_path, capsys):
    table = tmp_path / "changes.csv"
    table.write_text(
        changes_csv([change(parent / "good" / "01.png", "defect"), change(parent / "bad" / "00.png", "normal")])
    )
    assert [one.label for one in read_changes(table)] == ["defect", "normal"]
    assert (
        main(["data", str(parent), "--version", "cells", "--changes", str(table), "--json", str(tmp_path / "m.json")])
        == 0
    )
    said = capsys.readouterr().out
    assert "2 labels changed" in said
    root = Path(said.split("data.root=")[1].strip())
    assert json.loads((tmp_path / "m.json").read_text())["sha256"] == read_version(root).sha256
    assert main(["data", str(root)]) == 0
    table.write_text("file,label\nx.png,normal\n")
    assert main(["data", str(parent), "--version", "cells", "--changes", str(table)]) == 2
    assert "lacks who, when, why in line 2" in capsys.readouterr().err

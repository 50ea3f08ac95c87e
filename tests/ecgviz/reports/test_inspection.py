"""What an inspection leaves behind, and the command line that leaves it."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ecgviz.__main__ import main
from ecgviz.analysis.dispositions import final_verdict, final_verdicts, slice_verdict
from ecgviz.analysis.inspect import current_point, inspect_files
from ecgviz.analysis.overrides import override, read_overrides, standing
from ecgviz.figures import fonts
from ecgviz.reports.inspection import (
    COLUMNS,
    annotated_pictures,
    caption,
    counts,
    pictures_zip,
    verdicts_csv,
    verdicts_json,
    worst_first,
)
from ecgviz.reports.inspection_pdf import Head, inspection_pdf
from tests.ecgviz.spots import spot_checkpoint, write_pictures, write_stack


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    return spot_checkpoint(tmp_path, monkeypatch)


@pytest.fixture
def parts(tmp_path) -> Path:
    folder = tmp_path / "parts"
    write_pictures(folder, [False, True, False])
    write_stack(folder / "cell.tif", [False, True])
    return folder


def text_of(pdf: bytes) -> str:
    """Words of a PDF."""
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))))


def verdicts_of(parts: Path, checkpoint) -> list:
    return list(inspect_files(sorted(parts.iterdir()), checkpoint))


def test_the_table_has_its_columns_and_reads_back(checkpoint, parts):
    (parts / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n, but no more")
    verdicts = verdicts_of(parts, checkpoint)
    rows = list(csv.DictReader(io.StringIO(verdicts_csv(verdicts).decode("utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(verdicts) == 5
    by_name = {Path(row["path"]).name: row for row in rows}
    assert by_name["broken.png"]["pred_score"] == ""
    assert by_name["broken.png"]["error"]
    assert by_name["broken.png"]["verdict"] == "review"
    assert float(by_name["part_01.png"]["pred_score"]) > 0.5
    assert by_name["part_01.png"]["verdict"] == "defect"
    assert worst_first(verdicts)[0].error
    assert counts(verdicts) == {
        "files": 5,
        "normal": 2,
        "defect": 2,
        "review": 1,
        "unlike training": 0,
        "not read": 1,
        "set aside": 0,
    }


def test_annotated_pictures_share_one_scale_and_carry_no_folder(checkpoint, parts):
    told = []
    pictures = dict(
        annotated_pictures(verdicts_of(parts, checkpoint), checkpoint, progress=lambda *state: told.append(state[:2]))
    )
    assert len(pictures) == 4
    assert told[-1] == (4, 4)
    assert not [name for name in pictures if "/" in name]
    good, bad = (
        np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)[:64, :64]
        for name, content in pictures.items()
        if name.endswith(("part_00.png", "part_01.png"))
    )
    tinted = [np.abs(one[..., 1] - one[..., 0]).max() for one in (good, bad)]
    assert tinted[0] < 20 < tinted[1], "a good part has no spot of colour"
    with zipfile.ZipFile(io.BytesIO(pictures_zip(pictures.items()))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(pictures)


def test_two_files_of_one_name_are_both_drawn(checkpoint, tmp_path):
    paths = write_pictures(tmp_path / "a", [True]) + write_pictures(tmp_path / "b", [True])
    assert len(dict(annotated_pictures(list(inspect_files(paths, checkpoint)), checkpoint))) == 2


def test_the_report_says_what_judged_and_who_decided_otherwise(checkpoint, parts):
    verdicts = verdicts_of(parts, checkpoint)
    spotted = next(one for one in verdicts if one.file.endswith("part_01.png"))
    override(spotted, "normal", reason="dust <on> the detector", who="Жанна")
    pdf = inspection_pdf(verdicts, checkpoint, current_point(checkpoint), overrides=read_overrides())
    assert pdf.startswith(b"%PDF")
    text = re.sub(r"\s+", " ", text_of(pdf))
    for words in (
        "spots (spot_network)",
        checkpoint.sha256[:40],
        "0.5000",
        "default",
        "normal 3 defect 1 review 0",
        "defect 2, review 0, normal 2",
        "dust <on> the detector",
        "Жанна",
        "the highest score of its slices",
        "Not a release decision",
        "Every file could be read.",
    ):
        assert words in text


def test_table_json_report_and_pictures_say_one_final_verdict(checkpoint, parts):
    verdicts = verdicts_of(parts, checkpoint)
    stack, agreed, spotted, _ = verdicts
    override(spotted, "review", reason="dust", who="Ana")
    override(slice_verdict(stack, 1), "normal", reason="lid", who="Ben", scope="slice")
    override(agreed, agreed.verdict, reason="agreed", who="Ana", confirm=True)
    decisions = standing()
    finals = {one.network.file: one.verdict for one in final_verdicts(verdicts, decisions)}
    assert sorted(finals.values()) == ["normal", "normal", "normal", "review"]
    rows = list(csv.DictReader(io.StringIO(verdicts_csv(verdicts, decisions=decisions).decode("utf-8-sig"))))
    assert {row["path"]: row["verdict"] for row in rows} == finals
    assert {row["path"]: row["network_verdict"] for row in rows} == {one.file: one.verdict for one in verdicts}
    found = json.loads(verdicts_json("lot", verdicts, decisions=decisions))
    assert {row["path"]: row["verdict"] for row in found["parts"]} == finals
    assert found["batch"]["verdict"] == "review"
    counted = counts(verdicts, decisions=decisions)
    assert found["counts"] == counted
    assert (counted["normal"], counted["defect"], counted["review"], counted["decided by people"]) == (3, 0, 1, 3)
    names = [name for name, _ in annotated_pictures(verdicts, checkpoint, decisions=decisions)]
    assert sorted(name.partition("_")[0] for name in names) == sorted(finals.values())
    said = caption(final_verdict(spotted, decisions))
    assert "REVIEW" in said[0]
    assert "network: defect; decided by Ana: dust" in said[1]
    head = Head(lot="L-77", serial="S 1", inspector="금속 검사")
    pdf = inspection_pdf(verdicts, checkpoint, current_point(checkpoint), overrides=read_overrides(), head=head)
    text = re.sub(r"\s+", " ", text_of(pdf))
    for words in ("normal 3 defect 0 review 1", "defect 2, review 0, normal 2", "L-77", "금속 검사", "signature",
                  "REVIEW, the gravest of its parts", "slice 2: defect -> normal by Ben: lid"):  # fmt: skip
        assert words in text


def test_letters_that_no_font_has_are_romanised(monkeypatch):
    assert fonts.romanised("금속") == "geum-sog"
    assert fonts.romanised("かメ漢") == "ka-me-U+6F22"
    monkeypatch.setattr(fonts, "east_asian_font_files", tuple)
    runs = [run for run, _ in fonts.text_runs("a 금속.png", 12)]
    assert runs == ["a ", "geum-sog", ".png"]
    decomposed = [run for run, _ in fonts.text_runs("\u1100\u1173\u11b7", 12)]
    assert decomposed == ["geum"], "a Mac writes file names in halves of letters"


def test_a_decision_of_the_command_line_counts_everywhere(checkpoint, parts, tmp_path, capsys):
    given = ("--checkpoint", str(checkpoint.folder), "--device", "cpu")
    said = ("--reason", "lid", "--who", "Ben")
    assert main(["override", str(parts / "cell.tif"), "--slice", "2", "--verdict", "normal", *said, *given]) == 0
    assert main(["override", str(parts / "part_01.png"), "--verdict", "review", *said, *given]) == 0
    assert main(["override", str(parts), "--batch", "--verdict", "defect", *said, *given]) == 0
    assert (
        inspect(parts, "--checkpoint", checkpoint.folder, "--csv", tmp_path / "a.csv", "--json", tmp_path / "a.json")
        == 0
    )
    assert [row["verdict"] for row in rows_of(tmp_path / "a.csv")] == ["normal", "normal", "review", "normal"]
    assert json.loads((tmp_path / "a.json").read_text())["batch"]["verdict"] == "defect"
    assert main(["override", str(parts / "part_01.png"), "--undo", "--who", "Ben", *given]) == 0
    assert inspect(parts, "--checkpoint", checkpoint.folder, "--csv", tmp_path / "a.csv") == 0
    assert [row["verdict"] for row in rows_of(tmp_path / "a.csv")] == ["normal", "normal", "defect", "normal"]
    capsys.readouterr()
    assert main(["override", str(parts / "cell.tif"), "--slice", "9", "--verdict", "normal", *said, *given]) == 2
    assert "there is no slice 9" in capsys.readouterr().err


def inspect(*arguments: object) -> int:
    return main(["inspect", *(str(one) for one in arguments), "--device", "cpu"])


def test_the_command_writes_table_report_and_pictures(checkpoint, parts, tmp_path, capsys):
    out = tmp_path / "out"
    files = ["--csv", out / "scan.csv", "--pdf", out / "scan.pdf", "--overlays", out / "pictures"]
    assert inspect(parts, "--checkpoint", checkpoint.folder, *files) == 0
    rows = rows_of(out / "scan.csv")
    assert [row["verdict"] for row in rows] == ["defect", "normal", "defect", "normal"]
    assert {row["checkpoint_sha256"] for row in rows} == {checkpoint.sha256}
    assert (out / "scan.pdf").read_bytes().startswith(b"%PDF")
    assert len(list((out / "pictures").glob("*.png"))) == 4
    assert "files 4, normal 2, defect 2" in capsys.readouterr().out


def test_the_threshold_can_be_given_for_one_run(checkpoint, parts, tmp_path):
    table = tmp_path / "scan.csv"
    assert inspect(parts, "--checkpoint", checkpoint.folder, "--csv", table, "--threshold", 0.0) == 0
    rows = rows_of(table)
    assert {(row["verdict"], row["threshold"]) for row in rows} == {("defect", "0")}


def test_a_file_that_fails_is_a_row_and_status_1(checkpoint, parts, tmp_path, capsys):
    (parts / "broken.png").write_bytes(b"no picture")
    table = tmp_path / "scan.csv"
    assert inspect(parts, tmp_path / "missing.png", "--checkpoint", checkpoint.folder, "--csv", table) == 1
    rows = rows_of(table)
    assert len(rows) == 6
    assert sum(bool(row["error"]) for row in rows) == 2
    assert "broken.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--checkpoint", "nothing"], "Checkpoint nothing: was not found"),
        (["--checkpoint", "beat-dcrnn"], "not pictures"),
        (["--threshold", "7"], "no probability"),
        (["--threshold", "nan"], "no probability"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(checkpoint, parts, tmp_path, capsys, arguments, sentence):
    chosen = arguments if "--checkpoint" in arguments else ["--checkpoint", checkpoint.folder, *arguments]
    assert inspect(parts, *chosen, "--csv", tmp_path / "scan.csv") == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "scan.csv").exists()


@pytest.mark.parametrize("option", ["--csv", "--pdf", "--overlays"])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_judged(option, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    places = {"--csv": tmp_path / "scan.csv"} | {option: tmp_path / "file" / "x"}
    given = [word for pair in places.items() for word in pair]
    assert inspect(tmp_path, "--checkpoint", "not asked for", *given) == 2
    assert capsys.readouterr().err == "error: x: cannot be written (file is no folder); choose another place\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_home_that_cannot_be_written_to_is_said(checkpoint, parts, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "file" / "home"))
    assert inspect(parts, "--checkpoint", checkpoint.folder, "--csv", tmp_path / "scan.csv") == 2
    assert "set ECGVIZ_HOME to a folder that can be written" in capsys.readouterr().err


def test_an_empty_folder_and_missing_arguments_are_wrong_use(checkpoint, tmp_path):
    (tmp_path / "empty").mkdir()
    assert inspect(tmp_path / "empty", "--checkpoint", checkpoint.folder, "--csv", tmp_path / "scan.csv") == 2
    with pytest.raises(SystemExit) as caught:
        main(["inspect"])
    assert caught.value.code == 2

"""A picture of an ECG classified, on the command line too; pictures and recordings given to the wrong network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from ecgviz.__main__ import main
from ecgviz.analysis.ecg_pictures import HANDLED, TOLD_FROM, UNKNOWN, UNLIKE, PictureAnalysis, analyse_picture
from ecgviz.analysis.records import LABEL_WORDS
from ecgviz.errors import CheckpointError, ConfigError, ReadError
from ecgviz.readers import open_recording
from ecgviz.reports.records import picture_document, render_picture
from ecgviz.sources.paper_samples import sample_file
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, DEFAULT_PAPER_CHECKPOINT
from models.sheets.augmentation import own
from models.sheets.training import FOREIGN
from models.tasks.record import SUPERCLASSES, RecordTask
from readers.paper.pictures import EcgPicture, open_picture
from tests.ecgviz.figures.strips import strip_file
from tests.ecgviz.simulated import save_drawn_checkpoint, save_record_checkpoint, sheet, twelve_leads
from tests.readers.paper.test_pictures import write_pdf


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A network for paper, one for matrices and one for samples."""
    root = tmp_path_factory.mktemp("networks")
    found = {form: save_drawn_checkpoint(root / form, form) for form in ("paper", "matrix")}
    return found | {"signal": save_record_checkpoint(root / "signal", RecordTask())}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    Image.fromarray(sheet()).save(tmp_path / "scan.png")
    return tmp_path / "scan.png"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    recording = twelve_leads()
    wfdb.wrsamp(
        "ecg", fs=100, units=["mV"] * 12, sig_name=list(recording.leads), p_signal=recording.signal_mV().astype(float),
        write_dir=str(tmp_path), fmt=["16"] * 12,
    )  # fmt: skip
    return tmp_path / "ecg"


def test_a_sheet_has_labels_and_is_held_against_the_training(networks: dict[str, Path], scan: Path) -> None:
    checkpoint = load_checkpoint(networks["paper"])
    found = analyse_picture(open_picture(scan), checkpoint)
    answer = found.answer
    assert answer.picture.shape == (*checkpoint.task.picture_size, 3)
    assert ((answer.probability >= answer.thresholds) == answer.positive).all()
    assert set(found.positive_labels) == {
        name for name, there in zip(answer.classes, answer.positive, strict=True) if there
    }
    assert answer.distance is not None


def test_a_sheet_with_labels_says_what_the_check_misses(scan: Path) -> None:
    checkpoint = load_checkpoint(DEFAULT_PAPER_CHECKPOINT)
    found = analyse_picture(open_picture(scan), checkpoint)
    assert found.withheld is None
    [told] = [one for one in found.warnings if one.startswith("Open whole, upright sheets only")]
    for name, words in HANDLED.items():
        share = 1 - checkpoint.card.metrics["sheets"]["foreign found"][name]["value"]
        assert (f"{share:.0%} {words}" in told) == (share > TOLD_FROM)


def test_one_unlike_the_training_is_said_to_be(networks: dict[str, Path], tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    picture = open_picture(tmp_path / "noise.png")
    found = analyse_picture(picture, load_checkpoint(networks["paper"]))
    assert found.answer.unlike and UNLIKE in found.warnings
    assert "unlike the training sheets" in found.refer[-1]
    document = picture_document(picture, found)
    assert document["unlike_training"] is True and document["distance"] > document["distance_limit"]
    assert "unlike the training sheets: yes" in render_picture(picture, found)
    require_withheld(picture, found)


def require_withheld(picture: EcgPicture, found: PictureAnalysis) -> None:
    """No label, no probability and no uncertainty is left in the answer or in what is made of it."""
    answer = found.answer
    assert found.withheld == UNLIKE and found.positive_labels == () and answer.classes == ()
    assert len(answer.probability) == len(answer.logits) == len(answer.positive) == len(answer.thresholds) == 0
    document = picture_document(picture, found)
    assert document["labels"] == [] and document["uncertainty_bits"] is None
    assert document["withheld"]["reason"] == UNLIKE and document["withheld"]["score"] > document["withheld"]["limit"]
    told = json.dumps(document, allow_nan=False) + render_picture(picture, found)
    assert not any(name in told for name in (*SUPERCLASSES, *(LABEL_WORDS[name] for name in SUPERCLASSES)))


@pytest.mark.parametrize("name", ["clinic", "6x2", "12x1", "monitor", "plots", "on a table", "text", "no sheets"])
def test_labels_of_a_foreign_sheet_are_withheld_whoever_asks(name: str, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(DEFAULT_PAPER_CHECKPOINT)
    samples = twelve_leads().signal_mV().T * 10
    for seed in (11, 12):
        Image.fromarray(FOREIGN[name](samples, 100.0, np.random.default_rng(seed))).save(tmp_path / "sheet.png")
        picture = open_picture(tmp_path / "sheet.png")
        require_withheld(picture, analyse_picture(picture, checkpoint))


def test_the_photographed_example_has_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path))
    picture = open_picture(sample_file("photographed-ecg"))
    found = analyse_picture(picture, load_checkpoint(DEFAULT_PAPER_CHECKPOINT))
    assert found.withheld is None and len(picture_document(picture, found)["labels"]) == 5


def test_a_folder_withholds_one_and_answers_the_other(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    samples = twelve_leads().signal_mV().T * 10
    folder, target = tmp_path / "sheets", tmp_path / "out"
    folder.mkdir()
    for name, pixels in (
        ("own", own(samples, 100.0, np.random.default_rng(0), 0.2, 4.0)),
        ("other", FOREIGN["6x2"](samples, 100.0, np.random.default_rng(1))),
    ):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    assert main(["analyze", str(folder), "--checkpoint", DEFAULT_PAPER_CHECKPOINT, "--json", str(target)]) == 0
    answered, withheld = (json.loads((target / f"{name}.json").read_text()) for name in ("own", "other"))
    assert len(answered["labels"]) == 5 and answered["withheld"] is None
    assert withheld["labels"] == [] and withheld["unlike_training"] is True
    told = capsys.readouterr()
    assert "withheld" in told.out and "its labels are withheld. Open the recording's samples" in told.err


def test_a_network_that_cannot_tell_says_so(networks: dict[str, Path], scan: Path, tmp_path: Path) -> None:
    blind = Path(shutil.copytree(networks["paper"], tmp_path / "blind"))
    (blind / "features.safetensors").unlink()
    found = analyse_picture(open_picture(scan), load_checkpoint(blind))
    assert found.withheld is None and UNKNOWN in found.warnings
    assert picture_document(open_picture(scan), found)["unlike_training"] is None


def test_the_command_writes_labels(networks: dict[str, Path], scan: Path, tmp_path: Path, capsys) -> None:
    target = tmp_path / "labels.json"
    assert main(["analyze", str(scan), "--checkpoint", str(networks["paper"]), "--json", str(target)]) == 0
    document = json.loads(target.read_text())
    assert [list(label) for label in document["labels"]] == [["name", "prob", "threshold", "positive"]] * 5
    assert isinstance(document["unlike_training"], bool)
    assert set(document["seconds"]) == {"load", "classify"}
    assert "Not for diagnosis" in capsys.readouterr().out


def test_the_command_takes_a_page_of_a_pdf(networks: dict[str, Path], tmp_path: Path, capsys) -> None:
    file, target = write_pdf(tmp_path / "a.pdf", pages=2), tmp_path / "labels.json"
    arguments = ["analyze", str(file), "--checkpoint", str(networks["paper"]), "--json", str(target)]
    assert main([*arguments, "--page", "2"]) == 0
    document = json.loads(target.read_text())
    assert (document["page"], document["pages"]) == (2, 2)
    assert main([*arguments, "--page", "3"]) == 2
    assert "so there is no page 3" in capsys.readouterr().err


def test_the_command_turns_a_sheet(networks: dict[str, Path], scan: Path, tmp_path: Path) -> None:
    side, target = tmp_path / "side.png", tmp_path / "labels.json"
    Image.open(scan).rotate(90, expand=True).save(side)

    def probabilities(file: Path, *more: str) -> list[float]:
        arguments = ["analyze", str(file), "--checkpoint", str(networks["paper"]), "--json", str(target)]
        assert main([*arguments, *more]) == 0
        return [label["prob"] for label in json.loads(target.read_text())["labels"]]

    upright = probabilities(scan)
    assert probabilities(side, "--turn", "90") == upright
    assert probabilities(side) != upright


def test_a_folder_of_pictures_and_recordings(
    networks: dict[str, Path], scan: Path, record: Path, tmp_path: Path, capsys
) -> None:
    write_pdf(tmp_path / "cut.pdf").write_bytes(b"%PDF-1.4\n")
    target = tmp_path / "out"
    assert main(["analyze", str(tmp_path), "--checkpoint", str(networks["paper"]), "--json", str(target)]) == 1
    assert sorted(file.name for file in target.iterdir()) == ["ecg.json", "scan.json"]
    assert capsys.readouterr().err.count("error: cut.pdf: ") == 1


def test_a_scan_and_a_pdf_of_one_name_are_answered(networks: dict[str, Path], scan: Path, tmp_path: Path) -> None:
    folder, target = tmp_path / "sheets", tmp_path / "out"
    folder.mkdir()
    (folder / "ecg.png").write_bytes(scan.read_bytes())
    write_pdf(folder / "ecg.pdf")
    assert main(["analyze", str(folder), "--checkpoint", str(networks["paper"]), "--json", str(target)]) == 0
    assert sorted(file.name for file in target.iterdir()) == ["ecg.pdf.json", "ecg.png.json"]
    assert json.loads((target / "ecg.pdf.json").read_text())["format"] == "PDF"


def test_a_kind_that_is_not_read_is_told_what_is(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (tmp_path / "page.pdf").write_text("<html><body>no PDF")
    for name in ("a.heic", "page.pdf"):
        with pytest.raises(ReadError, match=rf"{name}: .*readable are .*PNG.*PDF") as caught:
            open_picture(tmp_path / name)
        assert "DICOM" not in str(caught.value)


@pytest.mark.parametrize("form", ["paper", "matrix"])
def test_a_recording_is_drawn_for_a_picture_network(
    networks: dict[str, Path], record: Path, tmp_path: Path, form: str
) -> None:
    target = tmp_path / "labels.json"
    assert main(["analyze", str(record), "--checkpoint", str(networks[form]), "--json", str(target)]) == 0
    document = json.loads(target.read_text())
    assert document["windows"]["count"] == 1 and len(document["labels"]) == 5


@pytest.mark.parametrize(
    ("form", "more", "sentence"),
    [
        ("signal", [], "reads recordings, and scan.png is a picture; choose one that reads ECG paper"),
        ("matrix", [], "reads recordings, and scan.png is a picture"),
        ("beats", [], "an ECG on paper opens on the 12-lead page, or with a checkpoint that reads paper"),
        ("paper", ["--page", "2"], "no page 2"),
        ("paper", ["--csv", "x.csv"], "is for beats"),
    ],
)
def test_a_picture_that_cannot_be_answered_ends_in_a_sentence(
    networks: dict[str, Path], scan: Path, capsys, form: str, more: list[str], sentence: str
) -> None:
    chosen = DEFAULT_BEAT_CHECKPOINT if form == "beats" else str(networks[form])
    assert main(["analyze", str(scan), "--checkpoint", chosen, *more]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and sentence in said and said.count("\n") == 1


def test_a_page_of_a_recording_is_refused(networks: dict[str, Path], record: Path, capsys) -> None:
    assert main(["analyze", str(record), "--checkpoint", str(networks["paper"]), "--page", "2"]) == 2
    assert "is for PDF and TIFF files" in capsys.readouterr().err
    assert main(["analyze", str(record), "--checkpoint", str(networks["paper"]), "--turn", "90"]) == 2
    assert "is for pictures of ECG paper" in capsys.readouterr().err


def test_other_networks_are_refused(networks: dict[str, Path], scan: Path) -> None:
    picture = open_picture(scan)
    with pytest.raises(ConfigError, match="reads recordings"):
        analyse_picture(picture, load_checkpoint(networks["signal"]))
    with pytest.raises(CheckpointError, match="does not read whole recordings"):
        analyse_picture(picture, load_checkpoint(DEFAULT_BEAT_CHECKPOINT))


@pytest.mark.data
def test_sheets_of_other_software_have_no_labels(data_root: Path) -> None:
    checkpoint = load_checkpoint(DEFAULT_PAPER_CHECKPOINT)
    files = sorted((data_root / "ecg_paper_images").glob("*.png"))
    assert len(files) == 3
    for file in (*files, data_root / "image_cases" / "ecg_6x2.png"):
        picture = open_picture(file)
        require_withheld(picture, analyse_picture(picture, checkpoint))


@pytest.mark.data
@pytest.mark.parametrize("layout", ["3x4 + II", "3x4", "6x2", "12x1", "stacked"])
def test_a_normal_recording_is_not_called_abnormal_on_its_own_pdf(data_root: Path, tmp_path: Path, layout: str) -> None:
    """The exports are not drawn as training draws: 0.84 for a conduction disturbance was said of such a sheet."""
    checkpoint = load_checkpoint(DEFAULT_PAPER_CHECKPOINT)
    for number in (1, 12, 21):
        recording = open_recording(next((data_root / "ptbxl").rglob(f"{number:05d}_lr.hea")))
        (tmp_path / "own.pdf").write_bytes(strip_file(recording, 0.0, 10.0, layout=layout))
        picture = open_picture(tmp_path / "own.pdf")
        require_withheld(picture, analyse_picture(picture, checkpoint))

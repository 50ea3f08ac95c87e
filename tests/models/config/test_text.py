"""Names in settings are names as they are written, whatever YAML would make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.config import CONFIGS, load_config, make_config
from models.config.text import read_document, read_value, resolved
from models.core.errors import ConfigError
from models.experiments.fields import flat, parse, settings_of, shown

LOOKS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,11}", fullmatch=True),
    st.from_regex(r"0*[0-9]{1,6}", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{0,3})?[eE][+-]?[0-9]{1,2}", fullmatch=True),
    st.sampled_from("no NO n on off yes true False null Null ~ .inf .NaN = <<".split()),
    st.sampled_from("0x1f 0b11 0o17 1_000 1:30 2020-01-01 2020-02-31".split()),
)  # fmt: skip
NAMES = st.lists(LOOKS, min_size=1, max_size=5)


@given(names=NAMES)
@settings(max_examples=200, deadline=None)
def test_a_list_of_names_on_a_command_line_is_as_it_is_written(names: list[str]) -> None:
    config = load_config("beat_smoke", [f"data.train=[{','.join(names)}]", f"task.ecg_leads=[{', '.join(names)}]"])
    assert config.data.train == tuple(names)
    assert config.task.ecg_leads == tuple(names)


@given(names=NAMES, in_a_row=st.booleans())
@settings(max_examples=100, deadline=None)
def test_so_is_one_in_a_file(tmp_path_factory: pytest.TempPathFactory, names: list[str], in_a_row: bool) -> None:
    listed = f"[{', '.join(names)}]" if in_a_row else "".join(f"\n  - {name}" for name in names)
    text = (CONFIGS / "beat_smoke.yaml").read_text(encoding="utf-8")
    assert "train: [" in text
    lines = [line for line in text.splitlines() if "train: [" not in line]
    place = next(number for number, line in enumerate(lines) if line.startswith("data:"))
    lines.insert(place + 1, f"  train: {listed}")
    path = tmp_path_factory.getbasetemp() / "names.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    config = load_config(path)
    assert config.data.train == tuple(names)
    again = tmp_path_factory.getbasetemp() / "again.yaml"
    again.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    assert load_config(again) == config, "what a run writes down is what it was"


@given(name=LOOKS)
@settings(max_examples=100, deadline=None)
def test_one_name_is_taken_whole(name: str) -> None:
    assert load_config("beat_smoke", [f"data.root={name}"]).data.root == name


@pytest.mark.parametrize(
    "root", ["a: b", "/data/#1 of 2", "C:\\x", "[x]", "*star", "- x", "@x", "caf\udce9", "{a}", "a #b", "#x"]
)
def test_a_folder_is_no_yaml(root: str) -> None:
    assert load_config("beat_smoke", [f"data.root={root}"]).data.root == root


def test_quotation_marks_make_a_text_of_anything() -> None:
    config = load_config("beat_smoke", ["data.train=['0101', \"null\", x]", "data.root='a b'", "data.validation=[]"])
    assert config.data.train == ("0101", "null", "x")
    assert config.data.root == "a b"


def test_what_is_no_name_is_what_it_was(tmp_path: Path) -> None:
    for path in CONFIGS.glob("*.yaml"):
        assert load_config(path) == make_config(yaml.safe_load(path.read_text(encoding="utf-8"))), path.name
    changes = ["lr=1e-3", "epochs=7", "mixed_precision=yes", "temperature=null", "augment.noise_snr_db=[0, 1e1]"]
    config = load_config("beat_smoke", [*changes, "network.arguments.lstm_hidden=9", "data.train=ds1"])
    assert (config.lr, config.epochs, config.mixed_precision, config.temperature) == (1e-3, 7, True, None)
    assert config.augment.noise_snr_db == (0.0, 10.0)
    assert config.network.arguments["lstm_hidden"] == 9
    assert config.data.train == "ds1"
    assert load_config("ct_smoke", ["network.arguments.pretrained=no"]).network.arguments["pretrained"] is False


def test_arguments_of_a_network_keep_the_types_of_yaml() -> None:
    assert resolved(dict, read_document("{a: 1, b: [2.5, no], c: null, d: x, e: '1'}")) == {
        "a": 1, "b": [2.5, False], "c": None, "d": "x", "e": "1",
    }  # fmt: skip
    assert resolved(str | None, read_value("null")) is None
    assert resolved(str, read_value("null")) == "null"


def test_a_refusal_names_the_setting_alone() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("beat_smoke", ["data.train=101"])
    assert caught.value.field == "data.train"
    with pytest.raises(ConfigError, match=r"^lr: "):
        load_config("beat_smoke", ["lr=["])


@given(names=NAMES)
@settings(max_examples=50, deadline=None)
def test_the_form_of_the_train_page_keeps_names_too(names: list[str]) -> None:
    config = load_config("beat_smoke", [f"data.train=[{','.join(names)}]"])
    setting = next(one for one in settings_of(config) if one.path == "data.train")
    value = flat(config)["data.train"]
    assert parse(setting, shown(setting, value)) == value or names[0] in setting.choices

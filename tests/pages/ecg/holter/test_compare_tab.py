"""Two checkpoints side by side on the Holter page: what each says, and the beats on which they differ."""

from __future__ import annotations

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from models import list_checkpoints
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from tests.pages.conftest import PAGES
from tests.pages.gate import WAIT_S
from tests.pages.outline import metrics, settle

RECORD = "sample:mitdb-208"
TAB = "Compare two checkpoints"
FIRST = DEFAULT_BEAT_CHECKPOINT


@pytest.fixture(scope="module")
def second() -> str:
    """Another checkpoint for beats, of another kind of network: a gate stands before all of a kind."""
    found = {one.name: one.card for one in list_checkpoints() if one.card is not None}
    beats = {name: card for name, card in found.items() if card.kind in {"beat", "strip"}}
    others = [name for name, card in beats.items() if card.architecture != beats[FIRST].architecture]
    if not others:
        pytest.skip("there is only one checkpoint for beats")
    return others[-1]


def _said(app: AppTest) -> dict[str, str]:
    """Class of each beat that is not normal, by its time, from the table of all beats."""
    table = app.dataframe[0].value
    return dict(zip(table["time"], table["label"], strict=True))


def test_both_are_named_and_counted(visit, second):
    app = visit("holter", record=RECORD, tab=TAB, compare=second)
    assert not app.exception and not app.error
    assert app.selectbox(key="compare").value == second
    assert FIRST not in app.selectbox(key="compare").options
    told = next(one.value for one in app.markdown if "have the same class" in one.value)
    share, beats, differ = (float(one.replace(",", "")) for one in re.findall(r"\d[\d.,]*", told))
    counts = app.dataframe[0].value
    assert list(counts.index) == [f"{letter} by {FIRST}" for letter in counts.columns]
    assert int(counts.to_numpy().sum()) == beats <= int(metrics(app)["Beats"].replace(",", ""))
    assert beats - counts.to_numpy().trace() == differ
    assert share == pytest.approx(100 * (1 - differ / beats), abs=0.06)
    assert any(one.value == f"Rows: {FIRST}. Columns: {second}." for one in app.caption)


def test_the_beats_on_which_they_differ(visit_with, second):
    app = visit_with("holter", record=RECORD, tab=TAB, compare=second)
    counts, element = app.dataframe[0].value, app.dataframe[1]
    labels = {name: column.get("label") for name, column in json.loads(element.proto.columns).items()}
    assert (labels["first"], labels["second"]) == (FIRST, second)
    table = element.value
    assert len(table) == counts.to_numpy().sum() - counts.to_numpy().trace() > 0
    assert (table["first"] != table["second"]).all()
    pairs = table.groupby(["first", "second"]).size()
    assert all(number == counts.loc[f"{one} by {FIRST}", other] for (one, other), number in pairs.items())
    for name, column in ((FIRST, "first"), (second, "second")):
        single = visit_with("holter", record=RECORD)
        alone = _said(settle(single.selectbox(key="checkpoint").set_value(name).run()))
        assert list(table[column]) == [alone.get(time, "N") for time in table["time"]], f"as {name} says by itself"


def test_a_row_that_was_chosen_is_one_of_its_comparison(visit, second):
    """The browser keeps the chosen row of a table by its key."""
    app = visit("holter", record=RECORD, tab=TAB, compare=second)
    before = app.dataframe[1].key
    third = next((name for name in app.selectbox(key="compare").options if name != second), None)
    if third is None:
        pytest.skip("there are only two checkpoints for beats")
    settle(app.selectbox(key="compare").set_value(third).run())
    assert app.dataframe[1].key != before


def test_one_that_was_stopped_is_not_compared(app, gate, monkeypatch, second):
    gate.free = 0
    gate.hold(monkeypatch, second)
    app.switch_page(PAGES["holter"])
    for name, value in {"record": RECORD, "tab": TAB, "compare": second}.items():
        app.query_params[name] = value
    app.run()
    assert gate.reached.wait(WAIT_S)
    assert f"Analysing with {second}" in app.get("progress")[-1].proto.text
    app.button(key="holter-compare-cancel").click().run()
    gate.opened.set()
    settle(app)
    assert [one.value for one in app.info] == [f"The analysis with {second} was stopped before its end."]
    assert not any("have the same class" in one.value for one in app.markdown)
    app.button(key="holter-again_other").click()
    settle(app.run())
    assert any("have the same class" in one.value for one in app.markdown)

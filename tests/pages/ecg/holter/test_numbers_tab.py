"""Rhythm and numbers, the comparison with the file's annotations, and the report, on the Holter page."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from ecgviz.holter.st_level import BANDWIDTH
from ecgviz.sources.samples import open_sample
from tests.pages.outline import link_of, metrics, settle

RECORD, ANNOTATED = "sample:mitdb-208", "sample:synthetic-holter"
NUMBERS, ANNOTATIONS = "Rhythm and numbers", "Against the annotations"


def _settled(app: AppTest) -> AppTest:
    """When the numbers are measured, too."""
    return settle(settle(app).run())


def _count(text: str) -> int:
    return int(text.partition(" ")[0].replace(",", ""))


def _table(app: AppTest, column: str):
    return next(one.value for one in app.dataframe if column in one.value.columns)


@pytest.fixture
def numbers(visit) -> AppTest:
    return _settled(visit("holter", record=RECORD, tab=NUMBERS))


def test_the_hours_add_up_to_the_head(numbers):
    assert not numbers.exception and not numbers.error
    head, hours = metrics(numbers), _table(numbers, "Hour")
    assert hours["Beats"].sum() == _count(head["Beats"]) > 400
    assert hours["V"].sum() == _count(head["V: ventricular ectopic"])
    assert hours["S"].sum() == _count(head["S: supraventricular ectopic"])
    summary = next(one.value for one in numbers.markdown if "| Longest RR |" in one.value)
    assert f"| Ventricular ectopic beats | {hours['V'].sum():,} (" in summary
    assert "not assessed" not in summary


def test_variability_and_st_stand_with_their_cautions(numbers):
    measures = metrics(numbers)
    assert {"SDNN", "SDANN", "RMSSD", "pNN50", "LF/HF"} <= measures.keys()
    assert measures["SDNN"].endswith(" ms")
    said = [one.value for one in numbers.caption]
    assert BANDWIDTH in said
    assert any("reference values are of 24 h" in one for one in said)
    axes = [
        json.loads(one.proto.spec)["layout"].get("xaxis", {}).get("title", {}).get("text")
        for one in numbers.get("plotly_chart")
    ]
    assert {"NN interval, ms", "minutes from the start"} <= set(axes)


def test_a_network_without_rhythms_leaves_af_unassessed(visit_with):
    app = visit_with("holter", record=RECORD, tab=NUMBERS)
    app = _settled(app.selectbox(key="checkpoint").set_value("beat-strip").run())
    summary = next(one.value for one in app.markdown if "| Longest RR |" in one.value)
    assert "| AF burden | not assessed |" in summary
    assert _table(app, "Hour")["AF, min"].isna().all()


def test_the_comparison_counts_every_annotated_beat(visit):
    app = _settled(visit("holter", record=ANNOTATED, tab=ANNOTATIONS))
    annotated = open_sample("synthetic-holter").annotations
    matrix = _table(app, "x")
    after = int((annotated.sample >= 300 * 250).sum())
    assert after - 1 <= int(matrix.loc[list("NSVFQ")].to_numpy().sum()) <= after
    app = settle(app.button_group(key="holter-learning").set_value("nothing").run())
    assert int(_table(app, "x").loc[list("NSVFQ")].to_numpy().sum()) == len(annotated)
    shares = _table(app, "Se")
    assert float(shares.loc["QRS complexes", "Se"].split("%")[0]) > 99
    assert link_of(app)["tab"] == ANNOTATIONS


def test_a_file_without_annotated_beats_says_so(visit):
    app = visit("holter", record=RECORD, tab=ANNOTATIONS)
    assert any("no annotated beats" in one.value for one in app.caption)


def test_the_report_is_made_when_it_is_asked_for(visit):
    app = visit("holter", record=RECORD)
    app.session_state["ecg-export"] = True
    app.run()
    assert not [one for one in app.get("download_button") if "report" in one.proto.label]
    app.button(key="holter-report").click()
    app = _settled(app.run())
    labels = [one.proto.label for one in app.get("download_button")]
    assert [label for label in labels if "report" in label] == [
        f"Holter report ({kind})" for kind in ("PDF", "JSON", "CSV")
    ]
    assert not app.exception and not app.error

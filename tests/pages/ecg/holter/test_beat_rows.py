"""A table of single beats on the page that opens recordings."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from ecgviz.sources.spool import spool
from models.checkpoints import DEFAULT_ROWS_CHECKPOINT
from tests.pages.outline import metrics, settle
from tests.readers.arrays.test_beat_rows import CLASSES, ROWS, N


def uploaded(table: np.ndarray) -> str:
    content = io.BytesIO()
    np.savetxt(content, table, fmt="%.4g", delimiter=",")
    content.seek(0)
    return f"upload:{spool('0' * 32, [('beats.csv', content)])}"


@pytest.fixture
def labelled(visit):
    return visit("holter", record=uploaded(np.column_stack([ROWS, CLASSES])))


def test_what_it_is_stands_first_and_every_row_has_a_class(labelled) -> None:
    assert not labelled.exception and not labelled.error
    assert "no R peaks, no rhythm and no time axis" in labelled.info[0].value
    found = metrics(labelled)
    assert found["Rows classified"] == str(N)
    counts = [int(found[label].split()[0]) for label in found if label[1:2] == ":"]
    assert sum(counts) == N
    table, agreed = labelled.dataframe[0].value, labelled.dataframe[1].value
    assert list(table["row"]) == list(range(1, N + 1)) and set(table["stated"]) == set("NSVFQ")
    assert agreed.to_numpy().sum() == N
    assert not any("heart rate" in label.lower() for label in found), "a row has no rhythm"


def test_the_sidebar_names_the_network_that_answers_and_that_alone(labelled) -> None:
    shown = {one.key: one.value for one in labelled.sidebar.selectbox if one.key != "parts-device"}
    assert shown == {"network_rows": DEFAULT_ROWS_CHECKPOINT}
    [told] = [one.value for one in labelled.sidebar.caption if "Trained until" in one.value]
    assert told.startswith("The default. ")
    labelled.query_params["record"] = "sample:mitdb-208"
    app = labelled.run()
    assert "checkpoint" in {one.key for one in app.sidebar.selectbox}, "a recording has those for recordings again"


def test_the_map_of_the_chosen_row(labelled) -> None:
    chart = json.loads(labelled.get("plotly_chart")[0].proto.spec)
    assert "images" not in chart["layout"]
    labelled.toggle(key="holter-row_map").set_value(True)
    app = settle(labelled.run())
    assert not app.exception and not app.error
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert len(chart["layout"]["images"]) == 1
    assert any("Grad-CAM" in one.value for one in app.caption)


def test_least_sure_first_and_unlike_what_is_stated_first(labelled) -> None:
    order = next(one for one in labelled.button_group if one.key == "holter-row_order")
    app = order.set_value(["sure"]).run() if isinstance(order.value, list) else order.set_value("sure").run()
    sure = app.dataframe[0].value["probability"].to_numpy()
    assert (np.diff(sure) >= 0).all() and len(sure) == N


def test_without_classes_nothing_is_compared(visit) -> None:
    app = visit("holter", record=uploaded(ROWS))
    assert len(app.dataframe) == 1 and metrics(app)["Rows classified"] == str(N)
    assert not any("agrees" in one.value for one in app.warning)


def test_the_page_of_twelve_leads_says_where_to_go(visit) -> None:
    app = visit("twelve-lead", record=uploaded(ROWS))
    assert not app.exception
    assert "single heartbeat" in app.error[0].value and "Holter page" in app.error[0].value

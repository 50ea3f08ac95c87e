"""The home page: understood in a minute, and a sample away from a finished view."""

from __future__ import annotations

import pytest

from ecgviz.readers.samples import list_samples
from models.checkpoints import STATEMENT
from tests.pages.outline import metrics, outline, settle


def test_structure(app, snapshot):
    assert not app.exception
    assert not app.error
    snapshot("home", outline(app))


def test_states_what_it_is_not_for(app):
    assert any(STATEMENT in one.value for one in app.sidebar.caption)


@pytest.mark.parametrize("sample", [sample.name for sample in list_samples()])
def test_one_click_opens_a_finished_view(app, sample):
    app.button(key=f"home-{sample}").click()
    settle(app.run())
    assert not app.exception
    assert not app.error
    assert app.query_params["record"] in (f"sample:{sample}", [f"sample:{sample}"])
    if sample == "dicom-12-lead":
        assert metrics(app)["Rate"] == "61 /min"
        assert app.toggle(key="map12").value
    else:
        assert int(metrics(app)["Beats"].replace(",", "")) >= 10
        assert app.toggle(key="map").value


def test_opens_at_a_ventricular_beat(app):
    app.button(key="home-mitdb-208").click()
    settle(app.run())
    assert any("from below the AV node (V)" in one.value for one in app.markdown)

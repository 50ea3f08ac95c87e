"""Rhythms on the Holter page: there with a checkpoint that knows them, and not there with one that does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import wfdb
from streamlit.testing.v1 import AppTest

from ecgviz.analysis import analyse_beats
from ecgviz.sources.address import open_address
from models import list_checkpoints, load_checkpoint
from models.checkpoints import checkpoints_root
from pages.parts import caching
from tests.ecgviz.rhythmic import AF_S, fibrillating, registered, rhythm_checkpoint
from tests.pages.conftest import PAGES, ROOT
from tests.pages.gate import WAIT_S
from tests.pages.outline import metrics, outline, paper_of, settle, view_of

WITHOUT_RHYTHMS = "beat-strip"
KEYS = ("ecg-episode_before", "ecg-next_episode")


@pytest.fixture
def holter(tmp_path, monkeypatch, own_home) -> Iterator[Callable[..., AppTest]]:
    """``holter(checkpoint, **query)``: the page with the fibrillating recording, without waiting for its analysis; a
    checkpoint that knows rhythms, named ``rhythm``, is among the shipped ones."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for shipped in list_checkpoints(checkpoints_root()):
        (folder / shipped.name).symlink_to(shipped.folder)
    rhythm_checkpoint(folder / "rhythm")
    recording = fibrillating()
    wfdb.wrsamp(
        "af", recording.fs, ["mV"], ["II"], recording.signal_mV().astype(float), fmt=["16"],
        write_dir=str(own_home / "data"),
    )  # fmt: skip

    def go(checkpoint: str = "rhythm", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        app.session_state["parts-device"], app.session_state["checkpoint"] = "cpu", checkpoint
        app.session_state["map"] = False
        app.run()  # AppTest knows the pages by their files after a run only
        app.switch_page(PAGES["holter"])
        app.query_params |= {"record": "path:af.hea"} | query
        return app.run()

    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(folder))
    caching.checkpoints.clear()
    with registered():
        yield go
    caching.checkpoints.clear()


def _charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def _rhythm_traces(app: AppTest) -> dict[str, dict]:
    return {trace["name"]: trace for trace in _charts(app)[0]["data"] if trace.get("name", "").startswith("rhythm")}


def test_what_the_page_says_of_the_rhythm(holter):
    app = settle(holter(t="90"))
    assert not app.exception
    assert 0.33 < float(metrics(app)["AF burden"].rstrip("%")) / 100 < 0.45
    [help_text] = [one.help for one in app.metric if one.label == "AF burden"]
    assert "Episodes: 1, of 30 s or more: 1; the longest lasts for" in help_text
    assert any("Rhythm: **atrial fibrillation (AFIB) 0.9" in one.value for one in app.markdown)
    assert any("early beats within atrial fibrillation or flutter count as N" in one.value for one in app.warning)
    overview, paper = _charts(app)[0], paper_of(app)
    assert set(_rhythm_traces(app)) == {"rhythm N", "rhythm AFIB"}
    [bar] = _rhythm_traces(app)["rhythm AFIB"]["x"]
    assert bar == pytest.approx(sum(AF_S) / 2, abs=4)
    words = " ".join(one["text"] for one in overview["layout"]["annotations"])
    legend = " ".join(one.proto.body for one in app.get("html"))
    assert "AF atrial fibrillation" in legend and "N sinus rhythm" in legend and "<b>AF</b>" in words
    middle = paper["view"]["start"] + paper["seconds"] / 2
    [label] = [one["text"] for one in paper["beats"]["rhythms"] if one["from"] <= middle < one["to"]]
    assert label.startswith("AFIB 0.9")


def test_keys_go_to_the_episode_and_around(holter):
    app = settle(holter(t="0"))
    app.button(key="ecg-next_episode").click().run()
    begin, beat = view_of(app)
    assert begin + 5 == pytest.approx(AF_S[0], abs=5), "the first beat of the episode in the middle of the view"
    app.button(key="ecg-next_episode").click().run()
    assert view_of(app) == (begin, beat), "the only one: round to itself"
    assert "starting again from the first" in app.toast[0].value
    app.query_params["t"] = "170"
    app.run()
    assert view_of(app)[0] == 170
    app.button(key="ecg-episode_before").click().run()
    assert view_of(app) == (begin, beat)


def test_the_beat_says_what_the_rhythm_made_of_it(holter):
    beats = analyse_beats(open_address("path:af.hea"), load_checkpoint(checkpoints_root() / "rhythm"))
    ruled = int(beats.sample[beats.not_early][5])
    app = settle(holter(t=f"{ruled / beats.fs - 5:.2f}", beat=str(ruled)))
    assert view_of(app)[1] == ruled
    assert any("## normal (N)" in one.value for one in app.markdown)
    assert any(one.value.startswith("Elsewhere it would be called supraventricular ectopic (S)") for one in app.caption)


def test_the_list_of_what_happens_holds_the_episodes(holter):
    app = settle(holter(tab="Rhythm and numbers"))
    table = next(one.value for one in app.dataframe if "What" in one.value)
    episodes = table[table["What"].str.contains("fibrillation")]
    assert len(episodes) == 1
    assert 60 < float(episodes["Length"].iloc[0].removesuffix(" s")) < 75


def test_without_rhythms_nothing_of_them_is_shown(holter):
    assert not load_checkpoint(WITHOUT_RHYTHMS).card.rhythm_classes
    app = settle(holter(WITHOUT_RHYTHMS))
    assert not app.exception
    assert "AF burden" not in metrics(app)
    assert not [one for one in app.button if one.key in KEYS]
    assert not _rhythm_traces(app)
    assert not [line for line in outline(app) if "Rhythm:" in line]


def test_the_places_are_there_before_the_answer(holter, gate, monkeypatch):
    with_answer = _charts(settle(holter()))[0]["layout"]
    gate.free = 0
    gate.hold(monkeypatch, "rhythm")
    app = holter()
    assert gate.reached.wait(WAIT_S)
    app.run()
    assert metrics(app)["AF burden"] == "–"
    assert all(app.button(key=key).disabled for key in KEYS)
    assert _charts(app)[0]["layout"]["height"] == with_answer["height"]

"""The review on the Holter page: what is decided is written, shown everywhere, and can be taken back."""

from __future__ import annotations

import sqlite3

import pytest
from streamlit.testing.v1 import AppTest

from ecgviz.review import ReviewKey, ReviewLog
from ecgviz.review.events import Confirm
from pages.ecg.holter import review_keys
from pages.ecg.holter.canvas import component
from pages.ecg.holter.keys import scope
from pages.ecg.holter.review_memory import ReviewMemory, memory
from tests.pages.outline import link_of, metrics, settle

RECORD = "sample:mitdb-208"


@pytest.fixture
def page(visit) -> AppTest:
    """The sample with its review open, and a name in the field."""
    app = _settled(visit("holter", record=RECORD, tab="Review", map="false"))
    return app.text_input(key=scope("reviewer")).set_value("A").run()


def _settled(app: AppTest) -> AppTest:
    settle(app)
    while not any(one.key == scope("family", 0) for one in app.button):
        settle(app.run())
    return app


def _press(app: AppTest, *parts: object) -> AppTest:
    app.button(key=scope(*parts)).click().run()
    assert not app.exception
    return app


def _counts(app: AppTest) -> dict[str, int]:
    return {
        label[0]: int(value.partition(" ")[0].replace(",", ""))
        for label, value in metrics(app).items()
        if label[1:2] == ":"
    }


def _events() -> list:
    """The only review there is, oldest first."""
    log = ReviewLog()
    [key] = log.keys()
    return list(log.events(key))


def _said(app: AppTest) -> str:
    return " ".join(one.value for one in app.toast)


def test_without_a_name_nothing_is_decided(visit):
    app = _settled(visit("holter", record=RECORD, tab="Review", map="false"))
    before = _counts(app)
    _press(app, "edit", "S")
    assert "Write your name first" in _said(app)
    assert _counts(app) == before
    assert not ReviewLog().path.exists()


def test_a_beat_is_relabelled_and_everything_follows_until_it_is_undone(page):
    before = _counts(page)
    _press(page, "edit", "S")
    after = _counts(page)
    assert (after["V"], after["S"]) == (before["V"] - 1, before["S"] + 1)
    assert any("supraventricular" in one.value for one in page.markdown)
    assert any("By a person: relabelled; the network says ventricular" in one.value for one in page.caption)
    assert any("decided by a person" in one.value for one in page.markdown)
    assert not any("probability **1.00**" in one.value for one in page.markdown), "a decision is no probability"
    [event] = _events()
    assert (event.kind, event.old, event.new, event.who) == ("relabel", "V", "S", "A")
    _press(page, "edit", "undo")
    assert _counts(page) == before
    _press(page, "edit", "redo")
    assert _counts(page) == after
    assert [one.kind for one in _events()] == ["relabel", "undo", "redo"]


def test_alike_beats_are_offered_and_relabelled_by_one_edit(page):
    page.session_state[scope("alike")] = True
    settle(page.run())
    assert any("Give the chosen beat another class" in one.value for one in page.caption)
    for _ in range(8):  # of one beat alone nothing is learnt
        _press(page, "edit", "F")
        settle(page.run())
        if offered := [one for one in page.button if one.key == scope("alike_apply")]:
            break
        next(one for one in page.button if one.key.endswith("-next-V")).click().run()
    [offer] = offered
    before = _counts(page)
    offer.click().run()
    event = _events()[-1]
    assert (len(event.beats), event.new, set(event.old)) == (int(offer.label.split()[0]), "F", {"V"})
    assert _counts(page)["F"] == before["F"] + len(event.beats)
    _press(page, "edit", "undo")
    assert _counts(page) == before


def test_a_beat_is_deleted_and_the_next_one_is_chosen(page):
    beats = int(metrics(page)["Beats"])
    sample = link_of(page)["beat"]
    _press(page, "edit", "delete")
    assert int(metrics(page)["Beats"]) == beats - 1
    assert link_of(page)["beat"] != sample
    _press(page, "edit", "reject")
    assert metrics(page)["Deleted · rejected"] == "1 · 1"


def test_a_family_is_relabelled_at_once_split_and_accepted(page):
    before = _counts(page)
    label = next(one.label for one in page.button if one.key == scope("family", 1))
    assert label.startswith("**V**")
    size = int(label.split()[1])
    _press(page, "family", 1)
    assert page.button(key=scope("family", 1)).proto.type == "primary"
    _press(page, "family_edit", "F")
    after = _counts(page)
    assert (after["V"], after["F"]) == (before["V"] - size, before["F"] + size)
    assert len(_events()[0].beats) == size
    families = sum(str(one.key).startswith(scope("family-")) for one in page.button)
    _press(page, "family_split")
    assert sum(str(one.key).startswith(scope("family-")) for one in page.button) == families + 1
    _press(page, "edit", "undo")
    _press(page, "edit", "undo")
    assert _counts(page) == before
    _press(page, "family_edit", "Accept")
    assert metrics(page)["Decided"].startswith(f"{size} of")


def test_the_network_is_adapted_by_half_a_family_and_taken_back(page):
    _press(page, "family", 1)
    _press(page, "family_split")
    assert page.button(key=scope("adapt_try")).disabled, "nothing is decided yet"
    _press(page, "family_edit", "F")
    before = _counts(page)
    _press(page, "adapt_try")
    while not any(one.key == scope("adapt_apply") for one in page.button):
        settle(page.run())
    assert any("wrong before" in one.value for one in page.markdown)
    assert _counts(page) == before, "a try changes nothing"
    _press(page, "adapt_apply")
    event = _events()[-1]
    assert event.kind == "adapt"
    assert set(event.old + event.new) <= set("NSVFQ")
    assert _counts(page)["F"] > before["F"]
    assert any(one.value.startswith("In force") for one in page.markdown)
    _press(page, "adapt_revert")
    assert _counts(page) == before
    assert not any(one.value.startswith("In force") for one in page.markdown)


def test_the_rest_is_accepted_and_the_queue_is_still_there(page):
    _press(page, "edit", "confirm")
    _press(page, "accept_rest")
    assert metrics(page)["Decided"] == "501 of 501"
    assert len(_events()[1].beats) == 500, "what was decided singly is left as it is"
    before = link_of(page)["beat"]
    _press(page, "review_next")
    assert link_of(page)["beat"] != before


def test_a_beat_is_added_where_one_is_missing_and_moved(page):
    _press(page, "edit", "delete")
    page.number_input(key=next(one.key for one in page.number_input if "edit_at" in one.key)).set_value(16.26).run()
    _press(page, "edit_add_beat")
    assert [one.kind for one in _events()] == ["delete", "add"]
    assert metrics(page)["Beats"] == "501"
    assert any("By a person: added" in one.value for one in page.caption)


def test_an_episode_is_entered_and_taken_away(page):
    page.selectbox(key=next(one.key for one in page.selectbox if one.key.startswith(scope("rhythm-")))).set_value(
        "AFIB"
    )
    _press(page.run(), "rhythm_enter")
    [event] = _events()
    assert (event.kind, event.old, event.new.label) == ("rhythm", None, "AFIB")
    assert metrics(page)["AF burden"] != "0%"
    _press(page, "edit", "undo")
    assert metrics(page)["AF burden"] == "0%"


def test_what_another_tab_decided_is_told_shown_and_not_overwritten(page):
    _press(page, "edit", "S")
    [mine] = _events()
    [key] = ReviewLog().keys()
    ReviewLog().append(key, [Confirm(beats=(mine.beats[0],), old="S")], who="B", seen=1)
    _press(page, "edit", "N")
    assert "edited this recording meanwhile" in _said(page)
    assert [one.who for one in _events()] == ["A", "B"]
    _press(page, "edit", "N")
    assert [one.who for one in _events()] == ["A", "B", "A"]


def test_a_review_is_there_for_the_next_session_and_for_no_other_network(page, visit_with):
    _press(page, "edit", "S")
    again = _settled(visit_with("holter", record=RECORD, tab="Review", map="false"))
    assert metrics(again)["Changed"] == "1"
    again.selectbox(key="checkpoint").set_value("beat-strip").run()
    assert metrics(_settled(again))["Changed"] == "0"


def test_maps_and_reasons_stay_those_of_the_network(page):
    page.toggle(key="map").set_value(True).run()
    settle(page)
    before = [one.value for one in page.markdown if one.value.startswith("V 0.")]
    assert before, "the sentence that says why"
    _press(page, "edit", "N")
    assert [one.value for one in page.markdown if one.value.startswith("V 0.")] == before


def test_each_press_of_a_key_is_acted_on_once(monkeypatch):
    """The browser sends all presses that it was not told of, so the same ones come several times."""
    state: dict = {}
    monkeypatch.setattr(component.st, "session_state", state)

    class Sent:
        pressed = None

    state[review_keys.PAPER] = sent = Sent()
    presses = [{"n": n, "key": key, "seen": "beats 7", "revision": 3} for n, key in enumerate("nvsx", start=1)]
    got = []
    for first, stop in ((0, 2), (0, 3), (2, 4), (0, 4)):
        sent.pressed = presses[first:stop]
        for press in review_keys.new_presses():
            got.append(press.key)
            memory().done = press.number
    assert got == list("nvsx")
    sent.pressed = [{"n": 9, "key": "rm -rf"}, {"n": "x", "key": "n"}, {}, 5]
    assert review_keys.new_presses() == []
    sent.pressed = [{"n": 9, "key": "n", "seen": ["beats"], "revision": True}]
    assert review_keys.new_presses() == [review_keys.Press(9, "n", None, None)]


def test_what_was_pressed_on_an_older_review_is_refused_unless_all_since_is_ones_own():
    key, kept = ReviewKey("r", "c", "detected MLII"), ReviewMemory()
    assert kept.wrote_all(key, 4, 4)
    assert not kept.wrote_all(key, 3, 4)
    kept.written(key, 5)
    kept.written(key, 6)
    assert kept.wrote_all(key, 4, 6), "quick presses, all for what was on the screen before the first was entered"
    assert not kept.wrote_all(key, 3, 6), "somebody else wrote 4"
    assert not kept.wrote_all(ReviewKey("other", "c", "detected MLII"), 4, 6)


@pytest.mark.parametrize("how", ["no database", "a newer version", "a folder"])
def test_a_log_that_cannot_be_read_is_told_and_the_page_goes_on(visit, tmp_path, how):
    path = ReviewLog().path
    path.parent.mkdir(parents=True)
    if how == "a folder":
        path.mkdir()
    elif how == "no database":
        path.write_bytes(b"no database" * 500)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
    app = _settled(visit("holter", record=RECORD, tab="Review", map="false"))
    assert not app.exception
    assert [one.value for one in app.error if "reviews.db" in one.value]
    app.text_input(key=scope("reviewer")).set_value("A").run()
    _press(app, "edit", "S")
    assert "reviews.db" in _said(app)

from types import SimpleNamespace

from pages.ecg.holter import drawn


def test_a_widget_of_the_view_before_calls_nobody(monkeypatch):
    monkeypatch.setattr(drawn, "st", SimpleNamespace(session_state={}))
    called = []
    first = drawn.while_drawn("position", "position-1", called.append)
    other = drawn.while_drawn("table", "table-1", called.append)
    first("first")
    second = drawn.while_drawn("position", "position-2", called.append)
    first("late")
    second("second")
    other("other")
    assert called == ["first", "second", "other"]

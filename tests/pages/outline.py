"""A page in lines of text: what stands on it, in order. Numbers become #, since another checkpoint gives others."""

from __future__ import annotations

import json
import re
import time
from itertools import groupby
from pathlib import Path

from streamlit.testing.v1 import AppTest

from ecgviz.figures.packed_arrays import unpack
from models import list_checkpoints
from pages.ecg.holter.canvas.component import Kind, unframed

_PAGES = Path(__file__).resolve().parents[2] / "pages"
PLACES = {"styled", "pictures", *(file.parent.name for file in _PAGES.rglob("*.py"))}
IN_URL = set(re.findall(r'in_url\("(\w+)"\)', "".join(file.read_text("utf-8") for file in _PAGES.rglob("*.py"))))
_SILENT = {"html", "bidi_component", "unknown", "main", "column", "flex_container", "tab_container", "form"}
_SPOKEN = {"markdown", "caption", "title", "header", "subheader", "info", "error", "warning", "success"}


def outline(app: AppTest) -> list[str]:
    """Kind and label or text of each element of the main part; charts by their traces.

    What the page has kept by then is of a place of the pages, or stands in the address.
    """
    kept = [name for name in app.session_state if not name.startswith("FormSubmitter:")]
    assert not [name for name in kept if name.partition("-")[0] not in (PLACES if "-" in name else IN_URL)]
    names = sorted((summary.name for summary in list_checkpoints()), key=len, reverse=True)
    lines = [_line(element, names) for element in app.main]
    return [line for line, _ in groupby(line for line in lines if line)]


def settle(app: AppTest, *, evidence: bool = False, seconds: float = 120.0) -> AppTest:
    """Run the page again until no work is going on, as its fragments would in a browser; with ``evidence`` the tests of
    what is explained are asked for, where the page has a switch for them, and waited for."""
    for switch in (one for one in app.toggle if evidence and one.key == "ecg-tests"):
        switch.set_value(True).run()
    deadline = time.monotonic() + seconds
    while (
        app.get("progress")
        or any("Measuring" in one.value for one in app.caption)
        or (evidence and any("testing" in one.value for one in app.markdown))
    ):
        assert time.monotonic() < deadline, "the page never came to rest"
        time.sleep(0.2)
        app.run()
    return app


def metrics(app: AppTest) -> dict[str, str]:
    """Figures of the page by their labels."""
    return {one.label: one.value for one in app.metric}


def link_of(app: AppTest) -> dict[str, str]:
    """The parameters of the page's address."""
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def paper_of(app: AppTest) -> dict:
    """What the ECG paper was handed: its header with ``arrays``, and the same of the messages ``beats`` and ``tiles``;
    empty where there is no paper."""
    found: dict = {}
    for element in app.get("bidi_component"):
        if element.proto.component_name not in {"ecgviz_paper", "ecgviz_paper_feed"}:
            continue
        kind, packed = unframed(element.proto.bytes)
        header, arrays = unpack(packed)
        message = header | {"arrays": arrays}
        found |= message if kind is Kind.PAPER else {kind.name.lower(): message}
    return found


def view_of(app: AppTest) -> tuple[float, int]:
    """Where the view of a recording begins, s, and the sample of the beat that it is about."""
    link = link_of(app)
    return float(link["t"]), int(link["beat"])


def _paper_line(paper: dict) -> str:
    """What is drawn on the paper, by the names that the figure of it has."""
    drawn = {lane["lead"] for lane in paper["lanes"]} | {
        f"calibration {one['lead']}" for one in paper["lanes"] if one["pulse"][0]
    }
    drawn |= {"chosen beat"} if paper["view"]["chosen"] is not None else set()
    drawn |= {"map scale"} if paper["map"] else set()
    drawn |= {f"usual beat {line['lead']}" for line in (paper["parts"] or {"lines": ()})["lines"]}
    return f"paper: {', '.join(sorted(drawn))}"


def _line(element, names: list[str]) -> str:
    kind = element.type
    if kind == "bidi_component" and element.proto.component_name == "ecgviz_paper":
        return _paper_line(unpack(unframed(element.proto.bytes)[1])[0])
    if kind in _SILENT:
        return ""
    if kind == "plotly_chart":
        traces = (str(trace.get("name", trace["type"])) for trace in json.loads(element.proto.spec)["data"])
        # Which classes a strip holds is the network's affair.
        found = {re.sub(r"^(beats|[NSVFQ] per|threshold) ?.*", r"\1", trace) for trace in traces} - {"normal", "defect"}
        return f"plotly_chart: {', '.join(sorted(found))}"
    text = str(getattr(element, "label", "") or "")
    if kind in _SPOKEN:
        text += str(element.value)
    if "badge[" in text or "Finest detail" in text:
        return ""
    for name in names:
        text = text.replace(name, "CHECKPOINT")
    return f"{kind}: {re.sub(r'[+−-]?[0-9][0-9,.:]*', '#', ' '.join(text.split()))[:110]}".strip()

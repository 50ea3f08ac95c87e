"""The sidebar of every page: where networks run, chosen or the best there is, and what that is called."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch
from streamlit.testing.v1 import AppTest

from ecgviz.analysis import devices

GPU = "NVIDIA Test"


def _runs_on(app: AppTest) -> str:
    (line,) = (one.value for one in app.sidebar.caption if one.value.startswith("Runs on "))
    return line.removeprefix("Runs on ")


def _device(app: AppTest):
    return next(one for one in app.sidebar.selectbox if one.key == "parts-device")


@pytest.fixture
def machine(monkeypatch):
    """``machine(*devices)``: what there is from now on, beside the CPU."""

    def of(*there: str) -> None:
        found = SimpleNamespace(
            cuda=SimpleNamespace(is_available=lambda: "cuda" in there, get_device_name=lambda device: GPU),
            backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: "mps" in there)),
            device=torch.device,
            get_num_threads=torch.get_num_threads,
        )
        monkeypatch.setattr(devices, "torch", found)

    of()
    return of


@pytest.mark.parametrize("page", ["home", "holter", "twelve-lead", "scan", "train", "networks"])
def test_every_page_says_where_networks_run(machine, app, visit, page):
    shown = app if page == "home" else visit(page)
    assert re.fullmatch(r"CPU, threads: [1-9]\d*", _runs_on(shown))
    assert _runs_on(shown).endswith(f" {torch.get_num_threads()}")


@pytest.mark.parametrize(
    ("there", "offered", "best"),
    [((), ["auto", "cpu"], "CPU"), (("mps",), ["auto", "mps", "cpu"], "MPS"),
     (("cuda",), ["auto", "cuda", "cpu"], GPU), (("cuda", "mps"), ["auto", "cuda", "mps", "cpu"], GPU)],
)  # fmt: skip
def test_auto_is_the_best_there_is_and_a_choice_is_followed(machine, visit, there, offered, best):
    machine(*there)
    app = visit("system")
    assert _device(app).options == offered
    _device(app).set_value("auto").run()
    assert _runs_on(app).startswith(best)
    _device(app).set_value("cpu").run()
    assert _runs_on(app).startswith("CPU, threads: ")
    _device(app).set_value(offered[1]).run()
    assert _runs_on(app).startswith(best)


def test_the_choice_goes_along_to_another_page(machine, visit):
    machine("mps")
    app = visit("system")
    _device(app).set_value("mps").run()
    app = visit("networks")
    assert _device(app).value == "mps"
    assert _runs_on(app) == "MPS"


def test_a_device_that_is_gone_gives_a_sentence(machine, visit):
    machine("cuda")
    app = visit("system")
    _device(app).set_value("cuda").run()
    assert not app.sidebar.error
    machine()
    app.run()
    assert not app.exception
    assert ["cuda is not available on this machine; it has cpu" in one.value for one in app.sidebar.error] == [True]
    assert _runs_on(app).startswith("CPU, threads: "), "and the work goes on"
    app.run()
    assert not app.sidebar.error

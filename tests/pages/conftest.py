"""The app under AppTest: real readers, real networks, a home of its own."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from models import create_model, list_checkpoints
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, Card, checkpoints_root, save_checkpoint
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.jobs import backend
from models.jobs.fake import FakeBackend
from models.tasks.image import ImageTask
from pages.navigation import SECTIONS
from pages.parts import caching
from pages.parts.background_call import stop_all
from tests.pages.gate import Gate
from tests.pages.outline import settle

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = Path(__file__).resolve().parent / "snapshots"
PAGES = {entry.url_path or "home": str(entry.file.relative_to(ROOT)) for group in SECTIONS.values() for entry in group}


@pytest.fixture(scope="session", autouse=True)
def _installed_once() -> Iterator[None]:
    """Each app of AppTest looks through all installed packages for components, which takes half a second; what is
    installed stays the same."""
    with pytest.MonkeyPatch.context() as patch:
        if scan := getattr(manifest_scanner, "scan_component_manifests", None):
            patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch) -> Iterator[Path]:
    """A home and a data root of the test's own; what was opened and analysed before is kept, as between sessions."""
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    yield tmp_path
    # The list of checkpoints is kept for the process; a test may have had a folder of its own.
    caching.checkpoints.clear()


@pytest.fixture
def jobs(tmp_path, monkeypatch) -> Iterator[FakeBackend]:
    """The backend of the pages: a fake of this test alone."""
    module = importlib.import_module("models.jobs.backend")
    monkeypatch.setenv("ECGVIZ_JOBS", "fake")
    module._fake.cache_clear()
    found = backend()
    found.folder = tmp_path / "runs"
    yield found
    module._fake.cache_clear()


@pytest.fixture
def app() -> AppTest:
    """The app after its first run, on the home page."""
    if DEFAULT_BEAT_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_BEAT_CHECKPOINT}; the folder checkpoints/ is empty")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.session_state["parts-device"] = "cpu"
    return app.run()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """To stand before a network; whatever was analysed meanwhile is not kept for other tests."""
    gate = Gate()
    yield gate
    gate.opened.set()
    stop_all()  # it would pass through the gate of another test
    caching.analysis.clear()


@pytest.fixture
def visit(app) -> Callable[..., AppTest]:
    """``visit(page, **query)``: the app on a page, as a link with this query opens it, when its work is done."""

    def go(page: str, **query: str) -> AppTest:
        app.switch_page(PAGES[page])
        for name, value in query.items():
            app.query_params[name] = value
        return settle(app.run())

    return go


@pytest.fixture(scope="session")
def inspection_checkpoints(tmp_path_factory) -> Path:
    """The shipped checkpoints for ECG, and for pictures a small one of which only the last layer was fitted, quickly:
    it tells ``battery`` with a defect from one without, clearly enough to say the same on every machine."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for shipped in list_checkpoints(checkpoints_root()):
        if shipped.card is not None and shipped.card.kind != "image":
            (folder / shipped.name).symlink_to(shipped.folder)
    torch.manual_seed(3)
    task = ImageTask(image_size=64)
    network = create_model("resnet18", num_classes=2, in_channel=3).eval()
    rng = np.random.default_rng(0)
    pictures = torch.stack([task.prepare(battery(rng, defect=bool(i % 2))) for i in range(96)])
    with torch.inference_mode():
        embedding = network.forward_features(pictures).mean(dim=(2, 3))
    _fit_head(network, embedding, torch.arange(96) % 2)
    card = Card(
        architecture="resnet18",
        arguments={"num_classes": 2, "in_channel": 3},
        task=task.model_dump(mode="json"),
        classes=task.classes,
        parameters=sum(one.numel() for one in network.parameters()),
        date="2026-01-01",
        limits=("For tests only.",),
    )
    save_checkpoint(folder / "ct-test", network, card)
    OutOfDistributionDetector.fit(embedding[:48], embedding[48:]).save(folder / "ct-test")
    return folder


def _fit_head(network: torch.nn.Module, embedding: torch.Tensor, labels: torch.Tensor) -> None:
    """Ridge regression of the label on the embedding, as the weights of the last layer."""
    last = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]
    centre = embedding.mean(dim=0)
    x, y = (embedding - centre).double(), labels.double() * 2 - 1
    ridge = x.T @ x + 1e-3 * torch.trace(x.T @ x) / x.shape[1] * torch.eye(x.shape[1])
    weight = (4 * torch.linalg.solve(ridge, x.T @ y)).float()
    with torch.no_grad():
        last.weight.copy_(torch.stack([-weight / 2, weight / 2]))
        offset = weight @ centre
        last.bias.copy_(torch.stack([offset / 2, -offset / 2]))


@pytest.fixture
def inspect(inspection_checkpoints, monkeypatch, visit_with) -> Callable[..., AppTest]:
    """As ``visit``, with the checkpoint of ``inspection_checkpoints``."""
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(inspection_checkpoints))
    caching.checkpoints.clear()
    yield visit_with
    caching.checkpoints.clear()


@pytest.fixture
def visit_with() -> Callable[..., AppTest]:
    """``visit_with(page, **query)``: an app of its own on a page."""

    def go(page: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        app.session_state["parts-device"] = "cpu"
        app.run()
        app.switch_page(PAGES[page])
        for name, value in query.items():
            app.query_params[name] = value
        return settle(app.run())

    return go


def battery(rng: np.random.Generator, *, defect: bool, side: int = 72) -> np.ndarray:
    """A picture like a cell's cross-section, uint16 (side, side): rings in a can; a defect is a hole."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y) / (side / 2)
    rings = 20000 + 6000 * np.sin(40 * radius)
    picture = np.where(radius < 0.8, rings, np.where(radius < 0.92, 52000, 3000)).astype(np.float64)
    if defect:
        angle = rng.uniform(0, 2 * np.pi)
        hole = np.hypot(x - 0.45 * side / 2 * np.cos(angle), y - 0.45 * side / 2 * np.sin(angle)) < side * 0.08
        picture[hole] = 2000
    return np.clip(picture + rng.normal(0, 900, picture.shape), 0, 65535).astype(np.uint16)


@pytest.fixture
def folder(own_home) -> Callable[..., Path]:
    """``folder(name, good, bad)``: a folder below the data root with class folders of pictures."""

    def make(name: str, good: int = 6, bad: int = 6) -> Path:
        root, rng = own_home / "data" / name, np.random.default_rng(1)
        for kind, number in (("normal", good), ("defect", bad)):
            (root / kind).mkdir(parents=True)
            for index in range(number):
                picture = battery(rng, defect=kind == "defect")
                Image.fromarray(picture).save(root / kind / f"{kind}_{index:02d}.png")
        return root

    return make


@pytest.fixture
def snapshot() -> Callable[[str, list[str]], None]:
    """``snapshot(name, lines)``: equal to the text kept in snapshots/; ECGVIZ_UPDATE_SNAPSHOTS=1 writes it."""

    def check(name: str, lines: list[str]) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        if os.environ.get("ECGVIZ_UPDATE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert path.exists(), f"no snapshot {path.name}; write it with ECGVIZ_UPDATE_SNAPSHOTS=1"
        assert lines == path.read_text(encoding="utf-8").splitlines(), "see ECGVIZ_UPDATE_SNAPSHOTS in tests/pages"

    return check

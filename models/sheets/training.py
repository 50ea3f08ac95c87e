"""Trains the detector on sheets in the training's style and foreign ones, and measures it on left-out styles.

Own sheets and foreign ones show the same recordings, so that only the drawing tells them apart. The limit is chosen on
own sheets of the validation recordings; metrics are of the test recordings, each style seen in training, and each left
out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint, note_metrics
from models.config.record import RecordDataConfig
from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.data.whole_recordings import Prepared, load_split, prepare
from models.evaluation.operating_scores import wilson
from models.evaluation.record_pictures import sheet_features
from models.evaluation.records import require_record
from models.sheets.augmentation import HANDLED, any_own
from models.sheets.detector import SheetDetector, standardised
from models.sheets.styles import STYLES, Style
from models.tasks import RecordTask

OWN = "own"
FOREIGN: dict[str, Style] = STYLES | HANDLED
HIDDEN, EPOCHS, BATCH, RATE, DECAY = 48, 40, 128, 1e-3, 1e-2
WITHHELD = 0.02
"""Share of the training's own validation sheets that may be taken for foreign."""
KEY = "sheets"
_MM_PER_MV, _MM_PER_SD = 10.0, 2.0


@dataclass(frozen=True)
class Sheets:
    """Features of sheets in several styles.

    Attributes:
        features: float32 (m, n).
        style: name of each one's style, :data:`OWN` among them, (m,).
    """

    features: np.ndarray
    style: np.ndarray

    @property
    def foreign(self) -> np.ndarray:
        """Whether each sheet is foreign, bool (m,)."""
        foreign: np.ndarray = self.style != OWN
        return foreign


def learn_sheets(
    checkpoint: Checkpoint,
    root: str,
    more: str,
    *,
    own: int,
    each: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Draw the sheets, train and measure; writes the detector beside the checkpoint's weights and its metrics into the
    card.

    Args:
        checkpoint: one that reads ECG paper.
        root, more: folders of the recordings, in whose folds the checkpoint was trained.
        own: own sheets to learn from; the validation side gets a third as many, the test side a fifth.
        each: sheets of each foreign style to learn from; the test side gets two fifths as many.
        seed: of all that is drawn and of the training.
        progress: told of each sheet.

    Returns:
        What the card got.

    Raises:
        ConfigError: a checkpoint that reads no paper, or data that do not fit it.
    """
    task = _paper_task(checkpoint)
    if own < 5 or each < 1:
        raise ConfigError("own", "5 sheets of the training's own kind and 1 of each foreign style are the least")
    data = checkpoint.card.config.get("data", {}) | {"root": root, "more": more}
    sides = load_split(RecordDataConfig.model_validate(data), task).sides
    counts = {"train": (own, each), "validation": (own // 3, 0), "test": (own // 5, max(each * 2 // 5, 1))}
    drawn = {}
    for number, (side, count) in enumerate(counts.items()):
        recordings = prepare(sides[side], task)
        if not recordings.signals:
            raise ConfigError(
                "data", f"{Path(root).name} has no recordings for the side {side}; name the whole data set"
            )
        drawn[side] = draw_sheets(checkpoint, recordings, *count, seed=(seed, number), progress=progress)
    detector = fit(drawn["train"], drawn["validation"], seed=seed)
    detector.save(checkpoint.folder)
    metrics = {
        "trained on": {
            "own sheets": own,
            "sheets of each foreign style": each,
            "foreign styles": list(FOREIGN),
            "data": [Path(folder).name for folder in (root, more) if folder],
            "seed": seed,
        },
        "limit": float(detector.limit[0]),
        "own withheld": _share(detector, drawn["test"], OWN),
        "foreign found": {name: _share(detector, drawn["test"], name) for name in FOREIGN},
        "foreign found, style left out of training": left_out(drawn, seed),
    }
    note_metrics(checkpoint.folder, KEY, metrics)
    return metrics


def draw_sheets(
    checkpoint: Checkpoint,
    data: Prepared,
    own: int,
    each: int,
    *,
    seed: tuple[int, ...],
    progress: Progress | None = None,
) -> Sheets:
    """Features of drawn recordings, ``own`` in the training's style and ``each`` in every foreign one."""
    task = _paper_task(checkpoint)
    wanted = [(OWN, any_own)] * own + [(name, style) for name, style in FOREIGN.items() for _ in range(each)]
    found = []
    for number, (name, style) in enumerate(wanted):
        generator = np.random.default_rng([*seed, number])
        place = number % len(data.signals) if name == OWN else int(generator.integers(len(data.signals)))
        pixels = style(_in_mm(task, data, place, generator), task.fs_out, generator)
        found.append(sheet_features(checkpoint, pixels))
        if progress is not None:
            progress(number + 1, len(wanted), name)
    return Sheets(np.stack(found), np.array([name for name, _ in wanted]))


def fit(train: Sheets, validation: Sheets, *, seed: int = 0) -> SheetDetector:
    """Train a detector; its limit is chosen on sheets in the training's style of ``validation``.

    Args:
        train: own and foreign sheets.
        validation: own sheets, perhaps beside others.
        seed: of weights and batches.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(train.features).float()
    wanted = torch.from_numpy(train.foreign).float() * 0.98 + 0.01
    mean, scale = x.mean(dim=0), x.std(dim=0).clamp_min(1e-3)
    x = standardised(x, mean, scale)
    weight = torch.randn(HIDDEN, x.shape[1], generator=generator) / x.shape[1] ** 0.5
    head = torch.randn(HIDDEN, generator=generator) / HIDDEN**0.5
    numbers = [weight, torch.zeros(HIDDEN), head, torch.zeros(1)]
    for one in numbers:
        one.requires_grad_()
    optimiser = torch.optim.AdamW(numbers, lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * max(1, len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3 * RATE, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(x), (BATCH,), generator=generator)
        kept = torch.rand(BATCH, x.shape[1], generator=generator) > 0.3
        hidden = torch.nn.functional.gelu((x[chosen] * kept / 0.7) @ numbers[0].T + numbers[1])
        hidden = hidden * (torch.rand(hidden.shape, generator=generator) > 0.3) / 0.7
        loss = torch.nn.functional.binary_cross_entropy_with_logits(hidden @ numbers[2] + numbers[3], wanted[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    weight, bias, head, head_bias = (one.detach() for one in numbers)
    found = SheetDetector(mean, scale, weight, bias, head, head_bias, torch.zeros(1))
    score = found.score(validation.features[~validation.foreign])
    return SheetDetector(mean, scale, weight, bias, head, head_bias, torch.tensor([np.quantile(score, 1 - WITHHELD)]))


def left_out(drawn: dict[str, Sheets], seed: int) -> dict[str, Any]:
    """Detection rate of each style by a detector trained without it, with the limit chosen as usual."""
    found = {}
    for name in FOREIGN:
        kept = drawn["train"].style != name
        others = Sheets(drawn["train"].features[kept], drawn["train"].style[kept])
        found[name] = _share(fit(others, drawn["validation"], seed=seed), drawn["test"], name)
    return found


def _paper_task(checkpoint: Checkpoint) -> RecordTask:
    """The task of a checkpoint for ECG paper.

    Raises:
        ConfigError: it reads something else.
    """
    if not checkpoint.task.reads_paper:
        raise ConfigError("checkpoint", f"{checkpoint.name} reads no ECG paper; choose one that does")
    return require_record(checkpoint)


def _share(detector: SheetDetector, sheets: Sheets, style: str) -> dict[str, Any]:
    """Share of sheets of a style that are detected as foreign."""
    unlike = detector.score(sheets.features[sheets.style == style]) > float(detector.limit[0])
    low, high = wilson(int(unlike.sum()), len(unlike))
    return {
        "value": round(float(unlike.mean()), 4),
        "interval95": [round(low, 4), round(high, 4)],
        "sheets": len(unlike),
    }


def _in_mm(task: RecordTask, data: Prepared, place: int, generator: np.random.Generator) -> np.ndarray:
    """A recording in mm of paper, (12, n): half of them with 2 mm per SD as in training, half at 10 mm/mV."""
    if not data.rows[place].filtered and generator.random() < 0.5:
        return data.signals[place][:, : task.length] * _MM_PER_MV
    cut: np.ndarray = task.cut(data.signals[place], 0).numpy()
    return cut * _MM_PER_SD

"""The public names, frozen: what README, the tutorials and the API reference show keeps its place.

A name that comes or goes is a change of the interface, and is made here too.
"""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = {
    "ecgviz.analysis": "analyse_beats choose_device",
    "ecgviz.errors": "CheckpointError ConfigError EcgvizError JobError ReadError ReviewError StaleReviewError",
    "ecgviz.readers": "FORMATS Format NeedsDetails open_recording",
    "ecgviz.readers.images": "FORMATS ImageFormat list_images list_series open_images unpack_images",
    "readers": "FORMATS Format NeedsDetails open_recording",
    "readers.images": "FORMATS ImageFormat list_images list_series open_images unpack_images",
    "ecgviz.review": "ReviewKey ReviewLog ReviewState apply review_key review_state",
    "ecgviz.saliency": (
        "AttributionTarget DeletionCurve Method PictureDeletionCurve compute_map default_method deletion_curve "
        "explain_beat explain_beats explain_image get_method image_deletion_curve image_methods judge_image_map "
        "judge_map list_methods recording_scale register_method shared_scale stack_scale"
    ),
    "models": (
        "BeatStripNet Card Checkpoint CheckpointSummary DCRNNModel DCRNNModel_base MultiscaleResNet ResNetSE "
        "SEResNetLSTM create_model list_checkpoints list_models load_checkpoint register_model save_checkpoint"
    ),
    "models.config": (
        "CONFIGS AugmentConfig BeatTrainConfig DataConfig ImageAugmentConfig ImageDataConfig ImageLossConfig "
        "ImageNetworkConfig ImageTrainConfig LossConfig NetworkConfig RecordAugmentConfig RecordDataConfig "
        "RecordLossConfig RecordTrainConfig TrainConfig config_files load_config make_config"
    ),
    "models.data.battery_ct_sim": "DEFECTS generate generate_set make_picture simulated_stack",
    "models.data.image_folder": (
        "Box ImageRow PictureFolder SPLITS SetAside Split TABLE below_chance class_weights file_hashes "
        "join_duplicates lacking_class load_split read_boxes read_folder read_rows read_split split_doubts "
        "split_folder split_rows stated_split truth_mask"
    ),
    "models.jobs": "TRANSITIONS Backend FakeBackend Job JobState JobStore LocalBackend RayBackend backend",
    "models.plugins": "TaskPlugin find_plugin list_tasks plugin_of plugins register_task task_for_data",
    "models.tasks": (
        "AnyBeatTask AnyTask BeatInputs BeatTask ImageTask LeadChoice RecordTask StripTask Task create_task"
    ),
    "models.training": "RunContext TrainingProgress run",
}  # fmt: skip
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What pages of the documentation import beside the frozen names.
SHOWN = {
    "ecgviz.readers.samples": {"open_sample"},
    "ecgviz.readers.training_example": {"RECORDS", "write_example"},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_package_exports_these_names_and_no_others(name):
    package = import_module(name)
    assert sorted(package.__all__) == sorted(PUBLIC[name].split())
    assert len(package.__all__) == len(set(package.__all__))
    for member in package.__all__:
        assert getattr(package, member) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_exported_is_documented(name):
    package = import_module(name)
    assert package.__doc__
    assert [
        member
        for member in package.__all__
        if (inspect.isclass(found := getattr(package, member)) or inspect.isfunction(found))
        and found.__module__.split(".")[0] in {"models", "readers", "ecgviz"}
        and not inspect.getdoc(found)
    ] == []


def test_no_other_package_declares_public_names():
    """A new ``__all__`` is a promise, so it stands in the table."""
    declared = set()
    for folder in ("ecgviz", "models", "readers"):
        for path in (ROOT / folder).rglob("__init__.py"):
            if re.search(r"^__all__", path.read_text(encoding="utf-8"), re.M):
                declared.add(".".join(path.parent.relative_to(ROOT).parts))
    assert declared | {"ecgviz.errors", "ecgviz.readers.images"} == set(PUBLIC)


def test_documents_import_public_names_only():
    wrong = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
            wrong += [
                f"{document.name}: from {node.module} import {alias.name}"
                for node in ast.walk(ast.parse(block))
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in {"models", "readers", "ecgviz"}
                for alias in node.names
                if alias.name not in {*PUBLIC.get(node.module, "").split(), *SHOWN.get(node.module, ())}
            ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in SHOWN.items() for name in sorted(names)]
)
def test_what_documents_show_beside_them_is_there(module, name):
    assert hasattr(import_module(module), name)

"""What a batch may be: the address of a volume and a zarr folder are one part, as a file is."""

from __future__ import annotations

import pytest

from pages.inspection.batch.sources import open_source
from tests.readers.volumes.written import WRITERS, ramp


@pytest.mark.parametrize(
    ("name", "asked"), [("a.nii.gz", ""), ("a.nii.gz", "?axis=coronal"), ("a.zarr", ""), ("a.zarr", "?axis=sagittal")]
)
def test_a_volume_is_one_part(tmp_path, monkeypatch, name, asked):
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path))
    WRITERS[name](tmp_path / name, ramp())
    assert open_source(f"path:{name}{asked}", "").paths == (tmp_path.resolve() / f"{name}{asked}",)

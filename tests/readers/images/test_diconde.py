"""DICONDE: what a file states about a part is shown, and nothing about a person, ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file

from readers.images import open_images

PERSON = ("PatientBirthDate", "PatientSex", "PatientAge", "PatientWeight", "PatientAddress")


def write(path, **values):
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    for keyword in (*PERSON, "PatientName", "PatientID", "OtherPatientIDs"):
        if keyword in dataset:
            delattr(dataset, keyword)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return open_images(path)


def test_part_serial_and_material(tmp_path):
    stack = write(
        tmp_path / "a.dcm", PatientID="P-4711", OtherPatientIDs="SN 12", MaterialGrade="Al 6061",
        ComponentManufacturer="Foundry", PatientName="housing",
    )  # fmt: skip
    assert dict(stack.tags) == {
        "Part": "P-4711", "Serial": "SN 12", "Material": "Al 6061", "Component manufacturer": "Foundry",
    }  # fmt: skip


def test_a_medical_file_shows_nothing(tmp_path):
    assert write(tmp_path / "a.dcm", PatientID="SECRET", PatientName="SECRET").tags == ()
    assert open_images(get_testdata_file("CT_small.dcm")).tags == ()


@settings(max_examples=40, deadline=None)
@given(
    stated=st.dictionaries(st.sampled_from(PERSON), st.sampled_from(["19700101", "M", "042Y", "70"]), min_size=1),
    material=st.booleans(),
)  # fmt: skip
def test_a_file_that_may_be_of_a_person_keeps_its_numbers(tmp_path_factory, stated, material):
    path = tmp_path_factory.mktemp("d") / "a.dcm"
    stated = {key: ("70" if key == "PatientWeight" else value) for key, value in stated.items()}
    more = {"MaterialGrade": "Al"} if material else {}
    stack = write(path, PatientID="SECRET", OtherPatientIDs="SECRET", PatientName="SECRET", **stated, **more)
    assert "SECRET" not in str(stack.tags)


def test_a_name_like_a_person_keeps_the_numbers_too(tmp_path):
    stack = write(tmp_path / "a.dcm", PatientID="SECRET", PatientName="Doe^Jane", MaterialGrade="Al")
    assert dict(stack.tags) == {"Material": "Al"}


@pytest.mark.data
def test_real_medical_files_state_none(data_root):
    files = [path for path in (data_root / "image_readers" / "dicom_pacsman_series").rglob("*") if path.is_file()]
    assert len(files) > 10
    assert {open_images(path).tags for path in files} == {()}

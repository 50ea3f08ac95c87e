"""Lead names and units."""

from __future__ import annotations

import pytest

from readers.channels.leads import clean_lead_name, distinct, is_other_quantity, millivolts_per


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("AVR", "aVR"),
        ("avr", "aVR"),
        ("i", "I"),
        ("v1", "V1"),
        ("Lead aVR (Goldberger)", "aVR"),
        ("Lead I (Einthoven)", "I"),
        ("ECG II", "II"),
        ("EKG V5-Ref", "V5"),
        ("MDC_ECG_LEAD_AVL", "aVL"),
        ("mlii", "MLII"),
        ("DII", "II"),
        ("v4r", "V4R"),
        ("ECG C3", "V3"),
        ("C3", "C3"),
        ("ECG1", "ECG1"),
        ("ECG 1", "ECG 1"),
        ("noise1", "noise1"),
        ("  a\x00b\nc ", "a b c"),
    ],
)
def test_spellings(written, clean):
    assert clean_lead_name(written) == clean


def test_names_are_distinct():
    assert distinct(["ECG", "ecg", "", "II", "ii"]) == ("ECG", "ecg (2)", "lead 3", "II", "II (2)")


def test_units():
    assert [
        millivolts_per(unit) for unit in ("mV", "mv", "uV", "\u00b5V", "\u03bcV", "V", "adu", "", None, "mmHg")
    ] == [
        *(1.0, 1.0, 1e-3, 1e-3, 1e-3, 1e3),
        *(None, None, None, None),
    ]


@pytest.mark.parametrize(
    "name",
    ["EEG(sec)", "EOG(L)", "H.R.", "THOR RES", "ABDO", "NEW AIR", "FP1-F7", "C3-A2", "Fz-Cz", "E1-M2", "O2-REF", "LOC"],
)
def test_sensors_of_a_sleep_laboratory_are_no_ecg(name):
    assert is_other_quantity(name, "mV")


@pytest.mark.parametrize(
    "name", ["ECG", "EKG2-EKG", "ECG1-ECG2", "V1", "C3", "MLII", "aVR", "lead 2", "A-I", "V", "ch 1", "P1", "LA-RA"]
)
def test_leads_are_no_other_sensors(name):
    assert not is_other_quantity(name, "mV")

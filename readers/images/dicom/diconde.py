"""What a DICONDE file states about the part: its attributes of group 0014, and the number of the component.

DICONDE (ASTM E2339) is DICOM for components: it keeps the component's number and name where DICOM keeps those of a
patient. They are shown only where the file is certainly about a component, and never where it may be about a person.
"""

from __future__ import annotations

from readers.dicom.header import Header

_COMPONENT = {
    "ComponentManufacturer": "Component manufacturer",
    "ComponentManufacturingProcedure": "Manufacturing procedure",
    "MaterialGrade": "Material",
    "MaterialPropertiesDescription": "Material properties",
    "MaterialNotes": "Material notes",
    "MaterialThickness": "Material thickness, mm",
    "ComponentShape": "Shape",
    "OuterDiameter": "Outer diameter, mm",
    "InnerDiameter": "Inner diameter, mm",
}
_NUMBERS = {"PatientID": "Part", "OtherPatientIDs": "Serial"}
_OF_A_PERSON = (
    "PatientBirthDate", "PatientSex", "PatientAge", "PatientWeight", "PatientSize", "PatientAddress",
    "PatientTelephoneNumbers", "PatientMotherBirthName", "EthnicGroup", "MedicalAlerts", "PregnancyStatus",
)  # fmt: skip
_MOST_CHARACTERS = 120


def part_tags(header: Header) -> tuple[tuple[str, str], ...]:
    """(name, value) of what is stated about the part; empty for a file that is no DICONDE.

    The number of the part is among them only where the file states attributes of a component and none of a person, and
    where its name is not built like a person's (``Doe^John``). Names are never shown.
    """
    stated = [(title, _text(header, keyword)) for keyword, title in _COMPONENT.items()]
    found = [(title, value) for title, value in stated if value]
    if not found:
        return ()
    if any(_text(header, keyword) for keyword in _OF_A_PERSON) or "^" in _text(header, "PatientName"):
        return tuple(found)
    numbers = [(title, _text(header, keyword)) for keyword, title in _NUMBERS.items()]
    return (*((title, value) for title, value in numbers if value), *found)


def _text(header: Header, keyword: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in header.text(keyword))
    return text.strip()[:_MOST_CHARACTERS]

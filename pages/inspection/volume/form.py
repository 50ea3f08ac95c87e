"""Form for options that a volume file does not state: the layout of raw values, or the array to open."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.sources.spool import spooled
from pages.inspection.volume.keys import scope
from pages.parts import forms, picture_link
from readers.images.kinds import RAW_SUFFIXES

_TYPES = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def picker(address: str) -> None:
    """Show the form for a file that could not be opened; nothing if no option would help."""
    plain, _, _ = address.partition("?")
    suffix = _name(plain).suffix.lower()
    if suffix in RAW_SUFFIXES:
        _raw(plain)
    elif suffix in {".h5", ".hdf5", ".nxs", ".zarr", ".nii", ".gz"}:
        _array(plain)


def _name(address: str) -> Path:
    kind, _, rest = address.partition(":")
    if kind != "upload":
        return Path(rest)
    try:
        return spooled(rest)[0]
    except EcgvizError:
        return Path()


def _raw(address: str) -> None:
    with st.form(scope("raw_form"), width=460):
        st.markdown("**Form of these values**")
        shape = st.text_input("Voxels along z, y, x", placeholder="60, 728, 728")
        kind = st.selectbox("Type", _TYPES, index=1)
        order = st.segmented_control("Byte order", ["little", "big"], default="little", required=True)
        spacing = st.text_input("Voxel size, mm (z, y, x or one number)", placeholder="0.034")
        skip = st.number_input("Bytes before the first value", 0, 1 << 30, 0)
        if forms.submitted("Open", bool(shape.strip()), "Enter the number of voxels along z, y and x first."):
            query = f"shape={shape.replace(' ', '')}&dtype={kind}&order={order}"
            query += f"&spacing={spacing.replace(' ', '')}" if spacing.strip() else ""
            picture_link.open_picture(f"{address}?{query}&skip={int(skip)}")
            st.rerun()


def _array(address: str) -> None:
    with st.form(scope("array_form"), width=460):
        dataset = st.text_input("Path of the array within the file", placeholder="exchange/data")
        number = st.number_input("Which of several volumes (4D)", 1, 1 << 20, 1)
        if forms.submitted("Open", bool(dataset.strip()) or number > 0, ""):
            query = f"dataset={dataset.strip()}&" if dataset.strip() else ""
            picture_link.open_picture(f"{address}?{query}number={int(number)}")
            st.rerun()

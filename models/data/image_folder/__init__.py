"""Folders of pictures as people have them: what each picture is, which part it is of, and where its defect is.

A module a question: :mod:`folder` understands a folder, :mod:`labels` and :mod:`names` tell classes, :mod:`tables` and
:mod:`annotations` read what lies beside the pictures, :mod:`row` is one picture, :mod:`split` keeps parts whole.
"""

from models.data.image_folder.doubts import below_chance, lacking_class, split_doubts
from models.data.image_folder.folder import PictureFolder, SetAside, read_folder, read_rows
from models.data.image_folder.row import Box, ImageRow, read_boxes, truth_mask
from models.data.image_folder.split import (
    SPLITS,
    Split,
    class_weights,
    file_hashes,
    join_duplicates,
    load_split,
    read_split,
    split_folder,
    split_rows,
    stated_split,
)
from models.data.image_folder.tables import TABLE

__all__ = [
    "SPLITS",
    "TABLE",
    "Box",
    "ImageRow",
    "PictureFolder",
    "SetAside",
    "Split",
    "below_chance",
    "class_weights",
    "file_hashes",
    "join_duplicates",
    "lacking_class",
    "load_split",
    "read_boxes",
    "read_folder",
    "read_rows",
    "read_split",
    "split_doubts",
    "split_folder",
    "split_rows",
    "stated_split",
    "truth_mask",
]

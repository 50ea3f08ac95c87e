"""Surveys a folder of training data: kind, cases by class and side, and problems.

Three kinds are recognised: WFDB records with beat annotations, whole recordings with labels (PTB-XL, folders of
arrays), and pictures in class folders or with a table labels.csv.
A survey reads every file once, so that what cannot be read is known before a training stumbles over it.
"""

from __future__ import annotations

from pathlib import Path

from models.config.image import ImageDataConfig
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ReadError
from models.data import mitdb
from models.data.image_folder import TABLE
from models.data.survey_beat_records import survey_beat_records
from models.data.survey_pictures import survey_pictures
from models.data.survey_result import DataKind, Survey
from models.data.survey_whole_recordings import is_whole, survey_whole_recordings
from readers.images.listing import list_tree


def recognise(root: str | Path) -> DataKind:
    """The kind of data in a folder.

    Raises:
        ReadError: it holds neither.
    """
    root = Path(root)
    if root.is_file() and root.suffix.lower() == ".csv":
        return "pictures"
    if not root.is_dir():
        raise ReadError(root, "is no folder; name the folder that holds the records or the pictures")
    if is_whole(root):
        return "whole recordings"
    if mitdb.list_records(root):
        return "recordings"
    if (root / TABLE).is_file() or list_tree(root).pictures:
        return "pictures"
    raise ReadError(
        root,
        "holds no WFDB records with beat annotations (.hea and .atr), no ptbxl_database.csv, no labels.csv and no "
        "pictures; name the folder that does",
    )


def survey(
    root: str | Path,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    pictures: ImageDataConfig | None = None,
) -> Survey:
    """Survey a folder of training data.

    Args:
        root: the folder, or a labels.csv.
        progress: told files done, files in all, a note.
        should_stop: asked before each file; True raises ReadError.
        pictures: how labels and groups of pictures are named.

    Raises:
        ReadError: nothing to train on, or stopped. ConfigError: a label that is neither normal nor defect.
    """

    def tell(done: int, total: int, note: str) -> None:
        if should_stop is not None and should_stop():
            raise ReadError(root, "was not looked at to the end, as asked; look again for its counts")
        if progress is not None:
            progress(done, total, note)

    kind, folder = recognise(root), Path(root)
    if kind == "recordings":
        return survey_beat_records(folder, tell)
    if kind == "whole recordings":
        return survey_whole_recordings(folder, tell)
    return survey_pictures(folder, pictures or ImageDataConfig(), tell)

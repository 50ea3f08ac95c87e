"""What a session remembers of the picture or the folder that is open, each key once: any page may lead to one.

``PICTURE``, ``SLICE`` and ``FOLDER`` are kept by the pages themselves (`pages.parts.picture_link` puts them into the
URL); ``NETWORK`` is a widget's name in the link, too; the others live for a session. What the inspection pages alone
remember stands in `pages.inspection.keys`.
"""

from __future__ import annotations

NETWORK = "network"

PICTURE = "picture"
SLICE = "slice"
RANGE = "_range"
SLIDER = "_slice_slider"

FOLDER = "folder"
PAGE = "_batch_page"
CHOSEN = "_batch_chosen"

OPENINGS = "_picture_openings"
LINKED = "_picture_linked"
FOLDER_LINKED = "_folder_linked"

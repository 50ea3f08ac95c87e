"""Session keys of the open picture or folder, which any page may link to.

``PICTURE``, ``SLICE`` and ``FOLDER`` are kept by the pages themselves (`pages.parts.picture_link` puts them into the
URL); ``NETWORK`` is a widget's name in the link, too; the others live for a session. What the inspection pages alone
remember stands in `pages.inspection.keys`.
"""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("pictures")

NETWORK = scope.in_url("network")

PICTURE = scope.in_url("picture")
SLICE = scope.in_url("slice")
RANGE = scope("range")
SLIDER = scope("slice_slider")

FOLDER = scope.in_url("folder")
PAGE = scope("batch_page")
CHOSEN = scope("batch_chosen")

OPENINGS = scope("openings")
LINKED = scope("linked")
FOLDER_LINKED = scope("folder_linked")

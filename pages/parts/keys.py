"""Session keys shared by pages of several sections.

``RECORD`` to ``TURN`` are kept by the pages themselves (`pages.parts.link` puts them into the URL), ``CHECKPOINT`` to
``ROWS_CHECKPOINT`` and ``SECONDS`` by widgets that are bound to the URL, the others live for a session. What leads to a
picture or a folder stands in `pages.parts.picture_keys`.
"""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("parts")

RECORD = scope.in_url("record")
START = scope.in_url("t")
BEAT = scope.in_url("beat")
PAGE = scope.in_url("pdf_page")
TURN = scope.in_url("turn")

CHECKPOINT = scope.in_url("checkpoint")
RECORD_CHECKPOINT = scope.in_url("network12")
PAPER_CHECKPOINT = scope.in_url("network_paper")
ROWS_CHECKPOINT = scope.in_url("network_rows")
SECONDS = scope.in_url("seconds")

DEVICE = scope("device")
DETAILS = scope("details")
LEAD_NAMES = scope("lead_names")
JUMP = scope("jump_to_first")
SUITING = scope("page_by_recording")
LAST_PAGE = scope("last_page_of_recordings")
RANK = scope("least_sure_rank")
SESSION = scope("session")
LINKED = scope("linked")
NETWORK_KIND = scope("answers")
AT_WORK = scope("at_work")
OPENINGS = scope("openings")
BEFORE = scope("open_before")
OPENING_FAULT = scope("opening_fault")
CALIPERS = scope("calipers")
EVENT = scope("event_without_beat")
